"""What changed between two catalogues, and what it means for a client."""

from callsheet.diff.actions import diff
from callsheet.diff.change import Change, Severity

__all__ = ["Change", "Severity", "diff"]
