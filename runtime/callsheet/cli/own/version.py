"""``version``: of this program and of what it stands on."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import callsheet
from callsheet.cli.output import formats as output
from callsheet.cli.ownword import Word

if TYPE_CHECKING:
    from callsheet.cli.session import Session


def facts(session: Session) -> dict[str, str | None]:
    """Versions, and what the bindings were made from."""
    return {
        "callsheet": callsheet.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "bindings": session.bindings.package or None,
        "source": session.bindings.source or None,
    }


def _version(session: Session) -> None:
    """Print the version; with --json also that of Python and the bindings' source."""
    if output.chosen(session):
        output.emit(session, facts(session))
    else:
        output.write(callsheet.__version__ + "\n")


version = Word("version", _version, data=False)
