"""Answers of a server that are no list, no JSON, too large, or come from somewhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIST = '{"actions": [{"id": "benign.cut"}, {"id": "benign.draw"}]}'
_SCHEMA = '{"inputSchema": {"type": "object", "properties": {"a": {"type": "string"}}}}'
_TYPES = ("text/html", "image/svg+xml", "application/xml", "application/javascript", "text/css")
_REDIRECTS = (301, 302, 303, 307, 308)
_BAD_TEXT = {
    "a-key-twice": '{"a": 1, "a": 2, "actions": [{"id": "a.b"}]}',
    "not-a-number-beside-the-list": '{"total": NaN, "actions": [{"id": "a.b"}]}',
    "infinity-beside-the-list": '{"total": 1e999, "actions": [{"id": "a.b"}]}',
    "half-a-character-beside-the-list": '{"\\ud800": 1, "actions": [{"id": "a.b"}]}',
    "cut-short": '{"actions": [{"id": "a.b"}',
    "two-documents": '{"actions": []} {"actions": []}',
    "a-comment": '{"actions": [] /* none */}',
    "deep": "[" * 100_000 + "]" * 100_000,
    "deep-and-open": '{"a":' * 100_000,
    "python": "{'actions': []}",
    "nothing": "",
    "a-script": "<script>alert(1)</script>",
}


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``(name, case)``: ``list`` or ``schema`` says what is answered there.

    ``pad`` makes a text longer by so many bytes; ``{foreign}`` stands for another server, which
    nobody may ask. ``expect`` is ``refused``, or ``untyped`` where the action stays without one.
    """
    for name, text in _BAD_TEXT.items():
        yield f"list-{name}", {"list": {"text": text}, "expect": "refused"}
        instead = text.replace('"actions": [{"id": "a.b"}]', '"inputSchema": {"type": "object"}')
        yield f"schema-{name}", {"schema": {"text": instead}, "expect": "untyped"}
    for number, kind in enumerate(_TYPES):
        headers = {"Content-Type": kind}
        yield (
            f"list-type-{number}",
            {"list": {"text": _LIST, "headers": headers}, "expect": "refused"},
        )
        schema = {"text": _SCHEMA, "headers": headers}
        yield f"schema-type-{number}", {"schema": schema, "expect": "untyped"}
    for status in _REDIRECTS:
        away = {"status": status, "headers": {"Location": "{foreign}/api/actions"}, "text": ""}
        yield f"list-redirect-{status}", {"list": away, "expect": "refused"}
        yield f"schema-redirect-{status}", {"schema": away, "expect": "untyped"}
    yield from _header_cases()
    yield "list-too-large", {"list": {"text": _LIST, "pad": 17_000_000}, "expect": "refused"}
    yield "schema-too-large", {"schema": {"text": _SCHEMA, "pad": 1_100_000}, "expect": "untyped"}
    for key, target in (("next", "{foreign}/api/actions?page=2"), ("nextCursor", "../../x")):
        paged = _LIST.replace("}]}", f'}}], "{key}": "{target}"}}')
        yield f"list-goes-on-{key.lower()}", {"list": {"text": paged}, "expect": "any"}
    link = {"Link": '<{foreign}/api/actions?page=2>; rel="next"'}
    yield "list-link-elsewhere", {"list": {"text": _LIST, "headers": link}, "expect": "any"}


def _header_cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield headers that lead elsewhere, or that nobody can send back."""
    tricks = (
        "//{host}/x",
        "http:{host}",
        "\\\\{host}\\x",
        "http://127.0.0.1:80@{host}/",
        "/\\{host}",
    )
    for number, location in enumerate(tricks):
        away = {"status": 302, "headers": {"Location": location}, "text": ""}
        yield f"list-location-{number}", {"list": away, "expect": "refused"}
    for number, tag in enumerate(("\xe9", "\x80", "a\x1bb", "\xff", '"' + "x" * 9_000 + '"')):
        headers = {"ETag": tag, "Last-Modified": tag}
        good = {"text": _LIST.replace("benign.draw", "hostile.act"), "headers": headers}
        yield f"list-tag-{number}", {"list": good, "expect": "any"}
        yield (
            f"schema-tag-{number}",
            {"schema": {"text": _SCHEMA, "headers": headers}, "expect": "any"},
        )
