"""How long jobs take and how large their results are at each named speed."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds of a job, the poll hint in milliseconds, and the size of a rendered video."""

    video: float
    image: float
    poll_after_ms: int | None
    retry_after: int
    width: int
    height: int
    fps: int
    length: float

    def seconds(self, media: str) -> float:
        """Return how many seconds a job of this medium takes."""
        return self.image if media == "image" else self.video


SPEEDS: Mapping[str, Speed] = MappingProxyType(
    {
        "fast": Speed(0.15, 0.1, 20, 0, width=320, height=180, fps=12, length=2.0),
        "demo": Speed(8.0, 2.0, 250, 1, width=640, height=360, fps=24, length=3.0),
        "real": Speed(180.0, 20.0, None, 2, width=640, height=360, fps=24, length=3.0),
    }
)
