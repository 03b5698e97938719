"""The parts of the campaign: what each promises, where it is played, and how often."""

from __future__ import annotations

import importlib
import time
import traceback
from collections.abc import Mapping
from typing import Any, NamedTuple

from faults.tally import Tally

from callsheet.backoff import process_quota

Counts = Mapping[str, Any]
LIST = ("actions", "list", "--refresh")
PAID = ("image", "generate", "--prompt", "a cup", "--no-wait")


class Part(NamedTuple):
    """One promise.

    ``module`` is where its ``play`` is, or ``MODULE:FUNCTION``; it gets the tally and the counts
    ``full`` or ``trimmed``. ``least`` are the scenarios and runs that the full form has to reach.
    """

    promise: str
    title: str
    module: str
    full: Counts
    trimmed: Counts
    least: tuple[int, int]


PARTS = (
    Part(
        "R1",
        "one command, at most one charge",
        "submitting",
        {"seeds": 3, "programs": 19},
        {"seeds": 1, "programs": 2},
        (114, 342),
    ),
    Part(
        "R2",
        "killed at any point: saved, or listed",
        "crashing",
        {"seeds": 25, "moments": 40},
        {"seeds": 1, "moments": 2},
        (25, 640),
    ),
    Part(
        "R3",
        "a job outlives connection and process",
        "surviving",
        {"moments": 20},
        {"moments": 3},
        (60, 60),
    ),
    Part(
        "R4",
        "Ctrl-C says how to go on, the second ends at once",
        "interrupting",
        {"many": 10},
        {"many": 3},
        (20, 20),
    ),
    Part(
        "R5",
        "no limit is passed, a dry run sends nothing",
        "budgeting",
        {"sequences": 500},
        {"sequences": 10},
        (160, 502),
    ),
    Part(
        "R6",
        "retries: full jitter under a quota",
        "retrying:play_pauses",
        {"delays": 10_000, "workers": 200},
        {"delays": 2_000, "workers": 60},
        (12, 10_000),
    ),
    Part(
        "R7",
        "Retry-After is obeyed to a limit, then told",
        "retrying:play_hints",
        {"texts": 1000},
        {"texts": 100},
        (15, 1014),
    ),
    Part(
        "R8",
        "polls never end a job, the deadline holds",
        "waiting",
        {"drivers": 3},
        {"drivers": 1},
        (36, 104),
    ),
    Part(
        "R9",
        "every refusal is one typed, short error",
        "refusing",
        {"bodies": 2000},
        {"bodies": 200},
        (46, 2050),
    ),
    Part(
        "R10",
        "a final name only for a complete, checked file",
        "downloading",
        {"points": 60, "rounds": 20, "drivers": 3},
        {"points": 5, "rounds": 1, "drivers": 1},
        (540, 566),  # and three with a full disk, where one may be mounted
    ),
    Part(
        "R11",
        "nothing is written outside the folder",
        "naming",
        {"names": 300, "randoms": 1500, "targets": 5000},
        {"names": 40, "randoms": 30, "targets": 1000},
        (906, 7400),
    ),
    Part(
        "R12",
        "processes share one ledger",
        "sharing",
        {"processes": 8, "jobs": 200},
        {"processes": 3, "jobs": 10},
        (8, 1600),
    ),
    Part(
        "R13",
        "a batch that is killed or started twice pays no row twice",
        "batching",
        {"kills": 60, "doubles": 20, "rows": 400},
        {"kills": 3, "doubles": 1, "rows": 24},
        (32, 80),
    ),
    Part(
        "R17",
        "only the host's fresh word allows a second POST",
        "marking",
        {"every": 1, "programs": 9},
        {"every": 60, "programs": 1},
        (128, 128),
    ),
    Part(
        "R18",
        "recover closes only what is proved",
        "recovering",
        {"every": 1, "kills": 60},
        {"every": 9, "kills": 3},
        (73, 115),
    ),
    Part(
        "R19",
        "answers reach the process and the request that asked",
        "leftover",
        {"rounds": (100, 33, 33), "behind": 5},
        {"rounds": (11, 11), "behind": 1},
        (39, 560),
    ),
    Part(
        "R20",
        "a request ends in its time, whatever drips",
        "endless",
        {"every": 1, "commands": 1},
        {"every": 20, "commands": 8},
        (109, 109),
    ),
    Part(
        "R22",
        "after a charge no exit code says that nothing was sent",
        "spoiling",
        {"moments": 4, "many": 6, "every": 1},
        {"moments": 1, "many": 3, "every": 4},
        (130, 140),
    ),
    Part(
        "R23",
        "what the ledger cannot take is told",
        "booking",
        {"spoils": 12, "saves": True, "locks": True, "damages": 9, "killed": 6},
        {"spoils": 2, "saves": False, "locks": False, "damages": 1, "killed": 2},
        (29, 46),
    ),
    Part(
        "R24",
        "a refusal that may have cost is unknown, with its ids",
        "enveloping",
        {"every": 1},
        {"every": 7},
        (471, 471),
    ),
    Part(
        "R28",
        "streams are written through, refused ranges cost no file",
        "streaming",
        {"every": 1},
        {"every": 8},
        (55, 55),
    ),
    Part(
        "R29",
        "a broken surrounding gets a code and a sentence",
        "ending",
        {
            "streams": 4,
            "files": (5, 6, 7, 8, 9, 10, 12, 14, 16),
            "ids": 13,
            "hosts": 19,
            "proxies": 11,
        },
        {"streams": 1, "files": (7,), "ids": 1, "hosts": 1, "proxies": 1},
        (63, 96),
    ),
    Part(
        "S1",
        "the key reaches the configured origin alone",
        "leaking",
        {"every": 1},
        {"every": 5},
        (120, 120),
    ),
    Part(
        "S2",
        "the key shows nowhere",
        "secrecy",
        {"commands": 46, "situations": 30, "processes": 60, "library": 10, "malformed": 30},
        {"commands": 7, "situations": 4, "processes": 2, "library": 4, "malformed": 6},
        (60, 1080),
    ),
    Part(
        "S3",
        "stored keys are private from the first byte",
        "keeping",
        {"rounds": 1000},
        {"rounds": 60},
        (8, 3012),
    ),
    Part(
        "S4",
        "no found configuration moves a stored key",
        "configuring:play_precedence",
        {"times": 6},
        {"times": 2},
        (6, 6),
    ),
    Part(
        "S5",
        "TLS stays on, plain http stays at home",
        "configuring:play_tls",
        {"words": (LIST, PAID)},
        {"words": (LIST,)},
        (8, 16),
    ),
    Part(
        "S15",
        "a text is never read as a file",
        "texting",
        {"many": 200},
        {"many": 24},
        (200, 200),
    ),
    Part(
        "S16",
        "a folder's configuration fetches no key",
        "foreign",
        {"forms": 17, "only_diff": False, "answers": 7},
        {"forms": 2, "only_diff": True, "answers": 1},
        (23, 39),
    ),
    Part(
        "S17",
        "a repeated key is masked, what is parsed stays",
        "echoing",
        {"forms": 42, "places": 6, "words": 20},
        {"forms": 10, "places": 1, "words": 3},
        (260, 280),
    ),
    Part(
        "S20",
        "nothing is imported from the working directory",
        "foreign:play_modules",
        {"names": 16, "generations": 2},
        {"names": 1, "generations": 0},
        (20, 20),
    ),
    Part(
        "S21",
        "folders of others are told, logins at once all kept",
        "owning",
        {"forms": 11, "rounds": 20, "programs": 24},
        {"forms": 6, "rounds": 2, "programs": 0},
        (20, 57),
    ),
)


def play(part: Part, *, trimmed: bool) -> Tally:
    """Play one part to its end; a crash of the part itself is a violation too."""
    tally = Tally(part.promise, part.title)
    process_quota.cache_clear()  # no part begins with what another one left of the retries
    start = time.monotonic()
    try:
        counts = part.trimmed if trimmed else part.full
        module, _, name = part.module.partition(":")
        getattr(importlib.import_module(f"faults.{module}"), name or "play")(tally, **counts)
    except Exception:
        tally.hold(False, "the campaign itself failed:", traceback.format_exc())
    tally.seconds = time.monotonic() - start
    if not trimmed:
        reached = (tally.scenarios, tally.runs)
        enough = reached[0] >= part.least[0] and reached[1] >= part.least[1]
        tally.hold(enough, f"only {reached} scenarios and runs, not {part.least}")
    return tally


def play_in_full(part: Part) -> Tally:
    """Play the full form."""
    return play(part, trimmed=False)
