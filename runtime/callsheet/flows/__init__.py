"""Flows without I/O: they say what to send, record, wait for and save, and are told the answers."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .ask import Job, completed, hint_of, query
    from .effects import (
        Effect,
        Flow,
        Gather,
        Record,
        Reply,
        Save,
        Send,
        Sleep,
        Tell,
        Update,
    )
    from .notes import noted
    from .requests import action_path, followed, retried, sendable
    from .submit import Answer, Order
    from .timing import Timing
else:
    from callsheet.lazily import exports

    _HOMES = {
        "ask": ("Job", "completed", "hint_of", "query"),
        "effects": (
            *("Effect", "Flow", "Gather", "Record", "Reply", "Save", "Send", "Sleep"),
            *("Tell", "Update"),
        ),
        "notes": ("noted",),
        "requests": ("action_path", "followed", "retried", "sendable"),
        "submit": ("Answer", "Order"),
        "timing": ("Timing",),
    }
    __getattr__ = exports(__name__, _HOMES)

# A flow that is called like its module is imported from there: the module would hide it here.
__all__ = [
    "Answer",
    "Effect",
    "Flow",
    "Gather",
    "Job",
    "Order",
    "Record",
    "Reply",
    "Save",
    "Send",
    "Sleep",
    "Tell",
    "Timing",
    "Update",
    "action_path",
    "completed",
    "followed",
    "hint_of",
    "noted",
    "query",
    "retried",
    "sendable",
]
