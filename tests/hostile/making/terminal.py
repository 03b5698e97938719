"""Two hundred and fifty strings that would move a cursor, change a title or hide a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostile.making.places import entry

if TYPE_CHECKING:
    from collections.abc import Iterator

_ESCAPES = (
    *("[2J", "[H", "[31m", "[?25l", "[?1049h", "[6n", "[c", "[>c", "[5i", "[1;1H", "[999D", "[A"),
    *("[2K", "[s", "[u", "[r", "[4h", "[20h", "[?7l", "[8m", "[38;2;0;0;0m", "[21t", "[3J", "[!p"),
    *(
        "c",
        "7",
        "8",
        "D",
        "E",
        "H",
        "M",
        "N",
        "O",
        "Z",
        "=",
        ">",
        "#8",
        "(0",
        ")B",
        "%@",
        "%G",
        "n",
    ),
)
_STRINGS = (
    *("]0;title", "]1;icon", "]2;title", "]4;1;rgb:00/00/00", "]7;file://host/x", "]8;;http://x"),
    *("]9;note", "]10;?", "]11;#000000", "]50;font", "]52;c;Y2FuYXJ5", "]52;c;?", "]104", "]110"),
    *(
        "]133;A",
        "]777;notify;a;b",
        "]1337;File=inline=1:AA",
        "]1337;SetUserVar=a=b",
        "]l;x",
        "]L;x",
    ),
    *(
        "P1$r0m",
        "Pq#0;2;0;0;0",
        "P+q544e",
        "P=1s",
        "^private",
        "_Gf=24;AAAA",
        "Xstring",
        "k;title",
        "]l;x",
        "]L;x",
    ),
)
_ENDS = ("\x07", "\x1b\\", "\x9c", "")
_EIGHT_BIT = ("\x9b2J", "\x9b31m", "\x9d0;title\x9c", "\x90q\x9c", "\x84", "\x85", "\x88", "\x8d")
_SINGLE = [chr(n) for n in (*range(32), *range(127, 160)) if n not in {9, 10}]
_BIDI = [chr(n) for n in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))]
_HIDDEN = (
    *("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u2028", "\u2029", "\u180e"),
    *(
        "\u115f",
        "\u3164",
        "\uffa0",
        "\U000e0041\U000e0042",
        "\ufff9\ufffa\ufffb",
        "\u034f",
        "\u2800",
    ),
)
_MIXED = (
    *("\x1b\x1b[31m", "\x1b[\x1b[31m", "\x1b[3\x1b[1m1m", "\x1b]0;\x1b]0;x\x07", "\x1b\x00[2J"),
    *("a\rb", "\r\x1b[2K$ ", "\x08" * 20 + "y", "\x1b[1000000C", "x" * 200 + "\r", "\u202ecod.exe"),
    *("[bold red]x[/]", "[link=http://x]y[/link]", "\\x1b[31m", "\\033[31m", "\\e[31m", "%1b[31m"),
    *(
        "&#27;[31m",
        "^[[31m",
        "\u241b[31m",
        "\x1b[200~id\n\x1b[201~",
        "`touch canary`",
        "$(touch canary)",
    ),
)


def payloads() -> list[str]:
    """Return every string once; each says ``TEXT`` so that a lost one is noticed."""
    strings = [f"\x1b{body}{end}" for body in _STRINGS for end in _ENDS]
    escapes = [f"\x1b{body}" for body in _ESCAPES]
    texts = (*escapes, *strings, *_EIGHT_BIT, *_SINGLE, *_BIDI, *_HIDDEN, *_MIXED)
    return [f"TEXT {text} TEXT" for text in dict.fromkeys(texts)]


def _entry(text: str, number: int) -> dict[str, Any]:
    field = {"type": "string", "title": text, "description": text, "examples": [text]}
    fields = {
        "field": {**field, "default": text},
        "choice": {"enum": [text, "plain"], "description": text},
        text: {"type": "integer", "description": text},
    }
    schema = {"type": "object", "title": text, "description": text, "properties": fields}
    labels = {"id": f"hostile.t{number:03}", "title": text, "description": text}
    return {**entry(schema, outputSchema=schema), **labels}


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``(name, case)``: the string in every field of an action, ``text`` for replies."""
    for number, text in enumerate(payloads()):
        case = {"about": ascii(text)[:60], "entry": _entry(text, number), "text": text}
        yield f"text-{number:03}", case
