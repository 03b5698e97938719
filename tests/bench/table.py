"""The results as a table for people, as JSON, and the verdict."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bench.trials import COUNT, PEAK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.medians import Median
    from bench.trials import Result

HEAD = ("metric", "ours", "floor", "best peer", "ratio", "CPU", "target", "")


def quantity(median: Median | None, of: int) -> str:
    """Return a median with its unit."""
    if median is None:
        return "-"
    if of == PEAK:
        return f"{median.value:.0f} MB"
    if of == COUNT:
        return f"{median.value:.0f}"
    if median.value >= 1:
        return f"{median.value:.2f} s"
    if median.value >= 0.001:
        return f"{median.value * 1000:.1f} ms"
    return f"{median.value * 1e6:.0f} us"


def cells(result: Result) -> tuple[str, ...]:
    """Return one row as texts."""
    peer = quantity(result.peer, result.of)
    ratio = result.ratio
    target = result.target
    return (
        result.metric,
        quantity(result.ours, result.of),
        quantity(result.floor, result.of),
        f"{peer} ({result.peer_name})" if result.peer_name else peer,
        f"{ratio.value:.3g} [{ratio.low:.3g}, {ratio.high:.3g}]" if ratio else "-",
        f"{result.cpu.value:.3g}" if result.cpu else "-",
        "-" if target is None else f"≤ {target:.3g}{' MB' if result.absolute else ''}",
        "MISSED" if result.missed else "",
    )


def table(results: Sequence[Result]) -> str:
    """Return all rows, aligned, as Markdown."""
    rows = [HEAD, *map(cells, results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def document(results: Sequence[Result], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return all rows with their intervals, as JSON."""
    rows = [{**_plain(asdict(result)), "missed": result.missed} for result in results]
    return {"facts": dict(facts), "rows": rows}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    parts = ("value", "low", "high")
    return {
        name: dict(zip(parts, value, strict=True)) if isinstance(value, tuple) else value
        for name, value in row.items()
    }
