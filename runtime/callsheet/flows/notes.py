"""Entries of the ledger that must not cost the caller an answer that is already here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callsheet.errors import UsageError

if TYPE_CHECKING:
    from callsheet.flows.effects import Flow, Record


def noted(record: Record) -> Flow[None]:
    """Record what became of a submission; a ledger that fails now is logged and no more.

    The intent is on the disk by then, so that the job is listed as unknown at the worst.
    """
    try:
        yield record
    except UsageError as error:
        import logging

        log = logging.getLogger("callsheet")
        if not log.handlers:
            log.addHandler(logging.NullHandler())
        log.warning("%s", error.message)
