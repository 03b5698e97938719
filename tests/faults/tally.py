"""What one part of the campaign found, and the table of all parts."""

from __future__ import annotations

from dataclasses import dataclass, field

_COLUMNS = "{:<10} {:<56} {:>9} {:>7} {:>10} {:>8}"


@dataclass
class Tally:
    """Counts of one promise; a scenario may have several runs.

    ``violations`` says what broke the promise, in words.
    """

    promise: str
    title: str = ""
    runs: int = 0
    seconds: float = 0.0
    names: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)

    @property
    def scenarios(self) -> int:
        """Return how many different situations were played."""
        return len(self.names)

    def ran(self, scenario: str, runs: int = 1) -> None:
        """Count runs of a scenario."""
        self.names.add(scenario)
        self.runs += runs

    def hold(self, holds: object, *words: object) -> bool:
        """Note a violation, told by ``words``, unless ``holds``."""
        if not holds:
            self.violations.append(" ".join(str(word) for word in words))
        return bool(holds)


def table(tallies: list[Tally]) -> str:
    """Return one line for each promise."""
    lines = [_COLUMNS.format("promise", "", "scenarios", "runs", "violations", "seconds")]
    lines += [
        _COLUMNS.format(
            tally.promise,
            tally.title,
            tally.scenarios,
            tally.runs,
            len(tally.violations),
            f"{tally.seconds:.1f}",
        )
        for tally in tallies
    ]
    return "\n".join(lines)
