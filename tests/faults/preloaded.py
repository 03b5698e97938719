"""Imported by a fork server before it forks: makes a client there, and uses it."""

import atexit

from faults import forking

caller = forking.prepare()
atexit.register(lambda: caller.wait(caller.client.close()))
