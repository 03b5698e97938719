"""Counts what was tried and what held, and keeps what did not."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Row:
    """One line of the table: how many were tried, and what went wrong with which."""

    name: str
    goal: float = 100.0
    tried: int = 0
    wrong: list[tuple[str, str]] = field(default_factory=list)

    def count(self, case: str, why: str = "") -> None:
        """Count one more trial; ``why`` says what was wrong with it, if anything."""
        self.tried += 1
        if why:
            self.wrong.append((case, why))

    @property
    def share(self) -> float:
        """Return how many of 100 held."""
        return 100.0 if not self.tried else 100.0 * (1 - len(self.wrong) / self.tried)

    @property
    def passed(self) -> bool:
        """Tell whether enough of them did, and anything was tried at all."""
        return self.tried > 0 and self.share >= self.goal


def table(rows: list[Row]) -> str:
    """Return the rows as text, one a line."""
    width = max(len(row.name) for row in rows)
    lines = [f"{'':{width}}      held     tried     share      goal"]
    for row in rows:
        mark = "" if row.passed else "  <--"
        successes = row.tried - len(row.wrong)
        lines.append(
            f"{row.name:{width}}  {successes:8}  {row.tried:8}  {_cut(row.share)} %  "
            f"{row.goal:6.2f} %{mark}"
        )
    return "\n".join(lines)


def _cut(share: float) -> str:
    """Cut, not rounded: 99.996 is not 100."""
    return f"{int(share * 100) / 100:7.2f}"


def faults(rows: list[Row], most: int = 5) -> str:
    """Return the first failures of each row."""
    lines = []
    for row in rows:
        lines += [f"{row.name}: {case}: {why[:300]}" for case, why in row.wrong[:most]]
    return "\n".join(lines)
