"""Reads every wire shape of the actions protocol; nothing else knows envelopes."""

from __future__ import annotations

from .catalogue import Entry, ListPage, read_list
from .details import Detail, read_details
from .envelope import Opened, open_envelope
from .failures import error_for, error_from, request_id
from .overrides import Overrides
from .paging import Next
from .refusals import Refusal, is_page, read_refusal, refusal_of
from .replies import Reading, read_reply, read_state
from .schemas import SchemaReading, read_schema

__all__ = [
    "Detail",
    "Entry",
    "ListPage",
    "Next",
    "Opened",
    "Overrides",
    "Reading",
    "Refusal",
    "SchemaReading",
    "error_for",
    "error_from",
    "is_page",
    "open_envelope",
    "read_details",
    "read_list",
    "read_refusal",
    "read_reply",
    "read_schema",
    "read_state",
    "refusal_of",
    "request_id",
]
