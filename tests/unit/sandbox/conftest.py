"""Give these tests the sandbox."""

from callsheet_sandbox.pytest import sandbox

__all__ = ["sandbox"]
