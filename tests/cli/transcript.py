"""A transcript as a file: notes, what the stage is set to, command lines and what they left."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "transcripts"
NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))
_CODE = re.compile(r"= (-?\d+)")


@dataclass(frozen=True)
class TranscriptStep:
    """One line that is acted on; ``kind`` is its first character.

    ``#`` is a note, ``%`` sets the stage, ``$`` is a command line, whose exit code is ``code``.
    """

    kind: str
    text: str
    code: int | None = None


@dataclass(frozen=True)
class Left:
    """What a command left, as it is written down."""

    out: str
    err: str
    code: int

    def lines(self) -> list[str]:
        """Standard output is indented, ``!`` marks standard error, ``=`` the exit code."""
        out = [f"  {line}".rstrip(" ") for line in self.out.splitlines()]
        if self.out and not self.out.endswith("\n"):
            out.append("  \\ no line end")
        err = [f"! {line}".rstrip(" ") for line in self.err.splitlines()]
        return [*out, *err, f"= {self.code}", ""]


def steps(text: str) -> list[TranscriptStep]:
    """What a transcript does, in order."""
    found: list[TranscriptStep] = []
    for line in text.splitlines():
        if line[:2] in {"# ", "% ", "$ "}:
            found.append(TranscriptStep(line[0], line[2:]))
        elif (code := _CODE.fullmatch(line)) is not None:
            found[-1] = TranscriptStep(found[-1].kind, found[-1].text, int(code[1]))
    return found


def load(name: str) -> str:
    """The text of a transcript."""
    return (FOLDER / f"{name}.txt").read_text("utf-8")


def save(name: str, text: str) -> None:
    """Write a transcript anew."""
    (FOLDER / f"{name}.txt").write_text(text, "utf-8")


def runs() -> list[TranscriptStep]:
    """Every command line of every transcript."""
    return [step for name in NAMES for step in steps(load(name)) if step.kind == "$"]
