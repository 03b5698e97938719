"""What changed between two catalogues, and what it means for a client."""

from callsheet.diff.actions import Given, diff
from callsheet.diff.change import Change, Severity

__all__ = ["Change", "Given", "Severity", "diff"]
