"""Reads every wire shape of the actions protocol; nothing else knows envelopes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .catalogue import ListPage, read_list
    from .details import Detail, read_details
    from .envelope import Opened, open_envelope
    from .failures import error_for, error_from, request_id
    from .overrides import Overrides
    from .paging import Next
    from .refusals import Refusal, is_page, read_refusal, refusal_of
    from .replies import Reading, read_reply, read_state
    from .schemas import SchemaReading, read_schema
else:
    from callsheet.lazily import exports

    _HOMES = {
        "catalogue": (
            "ListPage",
            "read_list",
        ),
        "details": (
            "Detail",
            "read_details",
        ),
        "envelope": (
            "Opened",
            "open_envelope",
        ),
        "failures": (
            "error_for",
            "error_from",
            "request_id",
        ),
        "overrides": ("Overrides",),
        "paging": ("Next",),
        "refusals": (
            "Refusal",
            "is_page",
            "read_refusal",
            "refusal_of",
        ),
        "replies": (
            "Reading",
            "read_reply",
            "read_state",
        ),
        "schemas": (
            "SchemaReading",
            "read_schema",
        ),
    }
    __getattr__ = exports(__name__, _HOMES)

__all__ = [
    "Detail",
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
