"""The rows with a target as an SVG: each ratio with its interval, on the scale of its target."""

from __future__ import annotations

from html import escape
from math import log2
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.trials import Result

LINE, LEFT, RIGHT = 18, 430, 780
LEAST, MOST = -4.0, 2.0
STYLE = "text{font:12px sans-serif;fill:#333}.held{fill:#2a7}.missed{fill:#c33}line{stroke:#888}"


def svg(results: Sequence[Result]) -> str:
    """Draw a dot a row: left of the line is better than the target, in powers of two."""
    plotted = [result for result in results if result.target and (result.ratio or result.absolute)]
    height = LINE * (len(plotted) + 3)
    line = f'<line x1="{_x(1)}" y1="{LINE}" x2="{_x(1)}" y2="{height - LINE}"/>'
    words = f'<text x="{_x(1) - 20}" y="12">target</text>'
    rows = [_row(result, LINE * (number + 2)) for number, result in enumerate(plotted)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{RIGHT + 20}" height="{height}">'
    return "\n".join([head, f"<style>{STYLE}</style>", words, line, *rows, "</svg>", ""])


def _x(part: float) -> float:
    place = min(MOST, max(LEAST, log2(part))) if part > 0 else LEAST
    return round(LEFT + (place - LEAST) / (MOST - LEAST) * (RIGHT - LEFT), 1)


def _row(result: Result, y: int) -> str:
    median = result.ours if result.absolute or result.ratio is None else result.ratio
    assert result.target is not None
    low, middle, high = (_x(v / result.target) for v in (median.low, median.value, median.high))
    kind = "missed" if result.missed else "held"
    name = f'<text x="0" y="{y + 4}">{escape(result.metric)}</text>'
    span = f'<line x1="{low}" y1="{y}" x2="{high}" y2="{y}"/>'
    return f'{name}{span}<circle class="{kind}" cx="{middle}" cy="{y}" r="4"/>'
