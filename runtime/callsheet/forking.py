"""Notify objects that hold connections or locks when the process forks."""

from __future__ import annotations

import os
import threading
from weakref import WeakValueDictionary


class ForkAware:
    """An object whose connections or locks a forked process must not use.

    ``before_fork`` runs in the parent, ``after_fork`` in the parent and in the child. No other
    fork begins in between.
    """

    def watch_forks(self) -> None:
        """Have both methods called at each fork from now on, as long as the object lives."""
        _watched[id(self)] = self

    def before_fork(self) -> None:
        """Do nothing; a subclass closes here what must not be open in two processes."""

    def after_fork(self, *, is_child: bool) -> None:
        """Undo ``before_fork``; in the child, drop what belongs to the parent."""


_watched: WeakValueDictionary[int, ForkAware] = WeakValueDictionary()
_forking = threading.Lock()
_notified: list[ForkAware] = []


def _before() -> None:
    """Lock out other forks and call ``before_fork`` of each watched object."""
    _forking.acquire()  # two forks at once would wait for each other's locks
    for reference in _watched.valuerefs():
        owner = reference()
        if owner is not None:
            owner.before_fork()
            _notified.append(owner)


def _after(*, is_child: bool) -> None:
    """Call ``after_fork`` of the objects that ``_before`` called, and allow other forks again."""
    owners = tuple(_notified)
    _notified.clear()
    for owner in owners:
        owner.after_fork(is_child=is_child)
    _forking.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before,
        after_in_parent=lambda: _after(is_child=False),
        after_in_child=lambda: _after(is_child=True),
    )
