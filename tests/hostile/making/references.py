"""Ninety forms of ``$ref``: out of the document by scheme, by path, by trick, and inside it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from hostile.making.places import entry

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILES = ("/etc/passwd", "/etc/hostname", "/proc/self/environ", "/dev/zero", "/dev/stdin")
_SCHEMES = ("http", "https", "ftp", "gopher", "ldap", "ws", "smb", "dict", "sftp", "tftp")
_ODD = (
    *("jar:file:/x.jar!/y", "netdoc:/etc/passwd", "php://input", "expect://id", "phar://x"),
    *("data:application/json,{}", "data:,true", "javascript:1", "blob:x", "view-source:x"),
    *("urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66", "urn:x:y#/a", "tag:example.com,2024:x"),
    *("mailto:a@b", "tel:1", "about:blank", "\\\\host\\share\\x.json", "C:\\x.json", "c:/x.json"),
    *("mailto:%00", "file:///dev/fd/0", "file://127.0.0.1/etc/passwd", "FILE:///etc/passwd"),
)
_TRICKS = (
    *("?", "??", "", " ", ".", "..", "/", "//", "///", "#/../../x", "#/..%2f..%2fx"),
    *("%23/$defs/part", "#%2F$defs%2Fpart", "file://#/$defs/part", "http://[", "http://a:b"),
    *("http://user:word@127.0.0.1/x", "http://127.0.0.1:1/#/$defs/part", "//127.0.0.1:1/x"),
    *("http://169.254.169.254/latest/meta-data", "http://[::1]:1/x", "http://0x7f.1:1/x"),
    *("#nowhere", "#/nowhere", "#/$defs/part/nothing", "#/$defs", "#/properties/field/type"),
    *("#/properties/-1", "#/properties/0", "#/$defs/~2", "#/$defs/%zz", "\n#/$defs/part"),
    *("#/$defs/part\x00", "#\u202e", "#/\ud7ff", "#/" + "x/" * 200, "#" + "a" * 5000),
)


def _paths() -> Iterator[str]:
    for path in _FILES:
        yield path
        yield f"file://{path}"
    yield from ("file:./x.json", "./pyproject.toml", "../x.json", "x.json", "~/.netrc", "a/../../b")
    yield from ("catalog.lock.json", "file:catalog.lock.json#/source", "$HOME/x", "..%2fx.json")


def references() -> list[str]:
    """Return every form once."""
    remote = (f"{scheme}://127.0.0.1:1/x.json" for scheme in _SCHEMES)
    return list(dict.fromkeys(itertools.chain(_paths(), remote, _ODD, _TRICKS)))


def _part(ref: str) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": {"$ref": ref}}}


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``(name, case)``: each form in a field and beside others."""
    for number, ref in enumerate(references()):
        schema = {**_part(ref), "$defs": {"part": {"type": "string"}}}
        answer = {"$ref": ref, "$defs": {"part": {"type": "object"}}}
        yield f"form-{number:02}", {"about": ref[:60], "entry": entry(schema, outputSchema=answer)}
