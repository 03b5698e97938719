"""The words of ``callsheet sandbox``: read the flags, say where the server is, run it."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from callsheet_sandbox.faults.kinds import described
from callsheet_sandbox.options import Options

if TYPE_CHECKING:
    from callsheet_sandbox.server import Running

_FAULTS = """faults, separated by ; or by lines:
  KIND [PARAMETER=VALUE]… [METHOD] [ACTION|/PATH] [before|after] [@N] [xTIMES] [P%]
  @N: from the n-th such request on (@2-4: three of them; @2-: all) · x3: three times, x*: always
  before: nothing was accepted or charged (default) · after: it was, only the reply suffers
  P%: by chance, the same for the same seed=NUMBER · ACTION and /PATH may hold * · #: a comment
  example: --faults '429 retry-after=2 POST ai.video.* x3; drop after ai.video.generate @4'

kinds and their parameters:
"""


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Run a local server with the actions contract and real videos.",
        epilog=_FAULTS + described(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, default=8787, help="0 takes a free one (default: %(default)s)")
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--dialect", default="plain", help="dialect served at the root (default: %(default)s)")
    add("--speed", choices=("fast", "demo", "real"), default="demo", help="how long jobs take")
    add("--state", type=Path, metavar="DIR", help="keep tasks and media here")
    add("--key", action="append", default=[], help="accept this key; may be repeated")
    add("--auth", choices=("both", "bearer", "x-api-key"), help="read only this kind of key")
    add("--credits", type=int, default=10_000, help="balance to start with (default: %(default)s)")
    add("--catalogue", type=Path, metavar="DIR", help="advertise the actions of this folder")
    add("--actions", type=int, default=0, metavar="N", help="advertise N actions that are made up")
    add(
        "--replay",
        type=Path,
        metavar="PATH",
        help="serve a case's file or a folder of recorded replies instead",
    )
    add("--faults", metavar="FILE|SPEC", help="misbehave as this says (see below)")
    add("--print-json", action="store_true", help="print one JSON line (url, key, pid) when ready")
    return parser


def main(argv: list[str] | None = None, prog: str = "callsheet sandbox") -> int:
    """Run the command; returns its exit code (130 after Ctrl-C, 1 when it cannot start)."""
    arguments = _parser(prog).parse_args(argv)
    options = Options(
        dialect=arguments.dialect,
        speed=arguments.speed,
        auth=arguments.auth,
        credits=arguments.credits,
        keys=tuple(arguments.key),
        catalogue=arguments.catalogue,
        state=arguments.state,
        replay=arguments.replay,
        faults=arguments.faults,
        actions=arguments.actions,
    )
    try:
        from callsheet_sandbox.server import run

        announce = _announce_json if arguments.print_json else _announce
        return run(options, host=arguments.host, port=arguments.port, announce=announce)
    except ModuleNotFoundError as error:
        return _stop(f"{error.name} is not installed: pip install 'callsheet[sandbox]'")
    except OSError as error:
        address = f"{arguments.host}:{arguments.port}"
        return _stop(
            f"cannot start on {address}: {error.strerror or error}; --port 0 takes a free one"
        )
    except ValueError as error:
        return _stop(str(error))
    except KeyboardInterrupt:
        return 130


def _stop(message: str) -> int:
    sys.stderr.write(f"sandbox: {message}\n")
    return 1


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _announce_json(running: "Running") -> None:
    _say(
        json.dumps(
            {"url": running.url, "key": running.key, "pid": os.getpid(), **_foreign(running)}
        )
    )


def _foreign(running: "Running") -> dict[str, str]:
    return {"foreign": running.foreign_url} if running.faults() else {}


def _announce(running: "Running") -> None:
    _say(
        f"sandbox  {running.url}  (dialect {running.world.root}; Ctrl-C stops it)\n"
        f"key      {running.key}\n"
        f"login    ads login --host {running.url} --api-key {running.key}"
        + "".join(f"\nforeign  {url}  (faults are on)" for url in _foreign(running).values())
    )
