"""A paid call goes through few modules of ours, and rarely from one to another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from performance.conftest import Watched

WORDS = ["video", "generate", "--prompt", "waves", "--no-wait"]
# Before the modules were merged the road entered 58 of them and changed between them 310 times.
# Eleven are what a request costs that has its time in all and is counted as it is decoded.
# Ten are what it costs that a key is masked where text is shown or stored, not on the way.
# One is what asks the system where Windows differs.
# Three modules and ten moves are what it costs to read the one row that is asked for.
# Two and twenty moves are the many ways in which a key and headers may be given and stored.
# Two and fifty moves are the price of a call: it is read from its row and held to the limits.
# One searches the ledger, another knows where the stored pages of the host in use lie.
MOST_ENTERED, MOST_MOVES = 56, 386
COUNT = """
from importlib.util import find_spec
roots = tuple(os.path.join(find_spec(name).submodule_search_locations[0], "")
              for name in ("callsheet", "ads_client"))
entered, moves, last = set(), 0, ""
def count(frame, event, argument):
    global moves, last
    path = frame.f_code.co_filename
    if event != "call" or not frame.f_code.co_flags & 1:  # bodies of modules and classes
        return
    if not path.startswith(roots):  # by where they lie: a checkout may be called callsheet too
        return
    entered.add(path)
    moves += last not in ("", path)
    last = path
def report():
    sys.setprofile(None)
    with open(os.environ["ROAD"], "w") as file:
        json.dump([len(entered), moves], file)
atexit.register(report)
from ads_client.cli import main
sys.setprofile(count)
sys.exit(main())
"""


def test_a_paid_call_takes_a_short_road(bound: Watched) -> None:
    report = bound.root / "road.json"
    run = bound.run(*WORDS, program=COUNT, ROAD=str(report))
    entered, moves = json.loads(report.read_text("utf-8"))

    assert run.code == 0
    assert entered <= MOST_ENTERED
    assert moves <= MOST_MOVES
