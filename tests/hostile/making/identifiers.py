"""Two hundred ids that try to be another path, another request, a file or a command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostile.making.places import entry

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECES = (
    *("..", "../", "../../", "/", "//", "\\", "..\\", "%2e%2e", "%2e%2e%2f", "%2f", "%252f", "%00"),
    *("?x=1", "#frag", "?", "#", ";a=b", "&a=b", "@evil.example", ":80", "*", "~", "$HOME"),
    *(" ", "%20", "%0d%0aX-Evil: 1", "%E0%80%AF", "\u2215", "\uff0f", "\uff0e\uff0e", "\u2024."),
    *("http://evil.example/", "//evil.example/", "file:///etc/passwd", "javascript:x", "|", "`id`"),
    *("$(id)", "{id}", "{{id}}", "<id>", "'", '"', "\\u002e\\u002e", "+", "=", "-", "--help"),
)
_WHOLE = (
    *(".", "..", "...", "....", ". .", "login", "tasks", "actions", "config", "help", "version"),
    *("_", "-", "a..b", ".a", "a.", "a.b.", "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z"),
    *("x" * 256, "名" * 128, ".".join("名" * 120), ".".join("ab" for _ in range(80)), "é.É", "E.e"),
    *("con", "nul.txt", "__init__", "models", "groups.commands", "client", "cli", "py.typed"),
    *("schema", "a/schema", "a%2fschema", "actions/a", "0", "00", "1.0", "-1", "true", "null"),
)
_LISTED_AS_NOTHING = ("x" * 257, "a\nb", "a\x00b", "\x1b[31mred", "a\u202eb", "\u2028", "", "a\tb")


def identifiers() -> list[str]:
    """Return every id once."""
    shapes = ("{}", "hostile.{}", "{}hostile.act", "hostile.{}.act")
    shaped = [shape.format(piece) for piece in _PIECES for shape in shapes]
    return list(dict.fromkeys((*shaped, *_WHOLE, *_LISTED_AS_NOTHING)))


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``(name, case)``: one an id."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    for number, name in enumerate(identifiers()):
        yield f"id-{number:03}", {"about": repr(name)[:60], "entry": entry(schema, id=name)}
