"""Flows without I/O: they say what to send, record, wait for and save, and are told the answers."""

from callsheet.flows.ask import Job, ask, completed, hint_of, query
from callsheet.flows.download import download
from callsheet.flows.effects import (
    Effect,
    Flow,
    Gather,
    Record,
    Reply,
    Save,
    Send,
    Sleep,
    Tell,
    Timing,
    Update,
)
from callsheet.flows.notes import noted
from callsheet.flows.requests import followed, retried
from callsheet.flows.submit import Answer, Order, action_path, sendable, submit
from callsheet.flows.wait import wait

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
    "ask",
    "completed",
    "download",
    "followed",
    "hint_of",
    "noted",
    "query",
    "retried",
    "sendable",
    "submit",
    "wait",
]
