"""Give these tests a home and a quota of their own, the sandbox and both kinds of client."""

from unit.surroundings import own_home, own_quota, runner, sandbox

__all__ = ["own_home", "own_quota", "runner", "sandbox"]
