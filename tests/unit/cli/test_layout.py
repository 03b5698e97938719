"""Help says what a flag takes, under which wire name, and what the server does without it."""

from __future__ import annotations

import pytest
from unit.cli.given import FAMILY, GENERATE, action, page, param

from callsheet import stored
from callsheet.cli.help import layout, pages

EXPECTED = """\
Usage: ads video generate --prompt TEXT [OPTIONS]

  Generate a video.

Required:
  --prompt TEXT  What to show

Options:
  --scene TEXT        [one of text-to-video, image-to-video, video-to-video,
                      ad-video; server default: text-to-video]
  --image-input TEXT  [may be repeated, or a JSON list; comma-separated; field
                      imageInput]
  --seed INTEGER      [0 to 9; null allowed]

Output and request:
  --json               Print one JSON object
  --out PATH           Save the result: file, folder/, template; - is stdout
  --input FILE|-|JSON  Give the whole body; flags override its fields
  --input.NAME JSON    Set a field by the name that it has in the body
  --dry-run[=curl]     Show the request and send nothing
  --timeout TIME       Stop waiting after: milliseconds, or 90s, 10m
  --no-wait            Print the task id and do not wait
  --blocking           Wait inside one request instead of asking again and again
  --help               Show this page; with --json as data

Example:
  ads video generate --prompt "ocean waves" --out video.mp4

Any TEXT flag --NAME has a form --NAME-file PATH that reads it from a file.
JSON, VALUE lists and media also read @FILE, and @- for standard input.
Action ai.video.generate (may spend credits).
Flags for every command: ads --help
"""


def test_the_page_of_an_action() -> None:
    assert page(GENERATE) + "\n" == EXPECTED
    assert pages.pages("ads", [GENERATE])["video.generate.txt"] == EXPECTED


def test_server_text_is_inert_and_wrapped() -> None:
    text = page(action(param("x", doc="a\x1b[31mb\u202ec\r\n  d"), doc="Title\x07\n\nMore " * 40))

    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\x07" not in text
    assert "ab" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("width", stored.WIDTHS)
def test_no_line_is_longer_than_the_width(width: int) -> None:
    needed = [param(f"a-long-name-{number}", required=True) for number in range(5)]
    verbose = action(*needed, param("x", doc="word " * 90), doc="More " * 90)
    texts = [
        *pages.pages("ads", [GENERATE, verbose], width=width).values(),
        layout.builtin_help(
            "ads api", ["METHOD", "PATH"], "Send it. " * 30, [], "ads", width=width
        ),
    ]
    whole = [line for text in texts if "\t" not in text for line in text.splitlines()]
    lines = [line for line in whole if not line.startswith("  ads ")]  # an example stays one line

    assert max(map(len, lines)) in range(width - 5, width + 1)


@pytest.mark.parametrize(
    ("columns", "width"), [(20, 60), (79, 60), (80, 80), (119, 80), (300, 120)]
)
def test_the_widest_page_that_fits(columns: int, width: int) -> None:
    assert stored.fitting_width(columns) == width


def test_a_long_link_is_not_broken() -> None:
    link = "https://example.com/" + "a" * 120

    assert link in page(action(param("x", doc=f"See {link} for more")))


def test_pages_of_groups_and_program() -> None:
    query = action(id="ai.video.query", command=("video", "query"), summary="Ask. More.")
    deep = action(id="a.b.c", command=("a", "b", "c"), summary="Deep")
    hidden = action(id="ai.video.generate_and_wait", command=(), family=FAMILY)
    texts = pages.pages("ads", [GENERATE, query, deep, hidden])

    assert list(texts) == [
        "_.txt",
        "a.b.c.flags",
        "a.b.c.txt",
        "a.b.txt",
        "a.txt",
        "video.generate.flags",
        "video.generate.txt",
        "video.query.flags",
        "video.query.txt",
        "video.txt",
    ]
    assert "  query     Ask\n" in texts["video.txt"]
    assert "  a      b\n" in texts["_.txt"]
    assert "  video  generate, query\n" in texts["_.txt"]
    assert "  login       Save a server and its key\n" in texts["_.txt"]
