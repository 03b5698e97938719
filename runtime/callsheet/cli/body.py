"""What was typed becomes the body: ``--input`` first, then the flags over it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.cli import jsontext, values
from callsheet.cli.sources import Sources, decoded
from callsheet.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from callsheet.cli.build import Typed
    from callsheet.cli.options import FieldOption
    from callsheet.spec import Action, Param


class Body(NamedTuple):
    """``value`` is the body as JSON; ``exact`` the bytes of ``--input`` where it stands alone."""

    value: Any
    exact: bytes | None = None

    def encoded(self) -> bytes:
        """The bytes that go out."""
        return jsontext.encode(self.value).encode() if self.exact is None else self.exact


def build(typed: Sequence[Typed], given_input: str | None, *, check: bool = True) -> Body:
    """The body that the flags and ``--input`` make; raises ``UsageError``.

    Keys stand in the order of the flags; a nested flag wins over its object's own flag.
    ``check`` holds each value against the choices and limits of its flag.
    """
    sources = Sources()
    base, exact = _base(given_input, sources)
    if not typed:
        return Body({} if exact is None else base, exact)
    if not isinstance(base, dict):
        raise UsageError("--input: flags can only be added to a JSON object", flag="--input")
    entries = [(option.param, _value(option, raw, sources)) for option, raw in typed]
    for param, value in _ancestors_first(entries):
        if check:
            values.check(param, value)
        _put(base, param.path, value)
    return Body(base)


def _base(given: str | None, sources: Sources) -> tuple[Any, bytes | None]:
    if given is None:
        return {}, None
    if given.lstrip()[:1] in {"{", "["}:
        exact = given.encode("utf-8", "surrogateescape")
    else:
        exact = sources.read(given.removeprefix("@"), "input")
    return jsontext.document(decoded(exact, "input"), flag="input"), exact


def _ancestors_first(entries: list[tuple[Param, Any]]) -> list[tuple[Param, Any]]:
    first: dict[str, int] = {}
    for place, (param, _) in enumerate(entries):
        first.setdefault(param.path[0], place)
    return sorted(entries, key=lambda entry: (first[entry[0].path[0]], len(entry[0].path)))


def _put(body: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        inner = body.get(name)
        if not isinstance(inner, dict):
            inner = body[name] = {}
        body = inner
    body[path[-1]] = value


def _value(option: FieldOption, raw: Any, sources: Sources) -> Any:
    param, role = option.param, option.role
    if role == "no":
        return False
    if role == "file":
        return sources.text(raw, option.flag)
    texts = [_clean(text, option.flag) for text in (raw if isinstance(raw, tuple) else (raw,))]
    if role == "json":
        return jsontext.document(_at(texts[0], option.flag, sources), flag=option.flag)
    if param.nullable and texts == ["null"]:
        return None
    if param.kind == "array":
        return [item for text in texts for item in _items(option, text, sources)]
    if param.kind == "object":
        return values.structure(param, "object", _at(texts[0], option.flag, sources))
    if param.media and param.kind in {"string", "any"}:
        return _medium(param, texts[0])
    return values.scalar(param, param.kind, texts[0])


def _clean(text: str, flag: str) -> str:
    """Refuse bytes that were no UTF-8 on the command line."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"--{flag}: the text is not UTF-8", flag=f"--{flag}") from None
    return text


def _at(text: str, flag: str, sources: Sources) -> str:
    return sources.text(text[1:], flag) if text.startswith("@") else text


def _items(option: FieldOption, text: str, sources: Sources) -> list[Any]:
    param = option.param
    if param.media:
        return [_medium(param, item) for item in values.items(param, text)]
    if text.startswith("@"):
        if text != "@-" and not os.path.exists(text[1:]):
            raise values.wrong(
                param, f"there is no file {text[1:]!r}", "a text with @ is said as '[\"@…\"]'"
            )
        return values.items(param, sources.text(text[1:], option.flag).strip())
    return values.items(param, text)


def _medium(param: Param, text: Any) -> Any:
    """A link as it is; ``@PATH`` or the name of a file becomes something to upload."""
    if not isinstance(text, str) or "://" in text or text.startswith("data:"):
        return text
    path = text.removeprefix("@")
    if os.path.isfile(path):
        return values.LocalFile(path)
    if text.startswith("@"):
        raise values.wrong(param, f"there is no file {path!r}")
    return text


def missing(action: Action, body: Any, member: str) -> Param | None:
    """The first required field of the body's first level that is not there."""
    if not isinstance(body, dict):
        return None
    for param in action.params:
        wanted = param.required and len(param.path) == 1 and param.only in {"", member}
        if wanted and param.path[0] not in body:
            return param
    return None


def foreign(typed: Iterable[Typed], member: str) -> Param | None:
    """The first given field that only another member of the family takes."""
    for option, _ in typed:
        if option.param.only not in {"", member}:
            return option.param
    return None


def local_files(value: Any) -> bool:
    """Whether something in the body has to be uploaded first."""
    if isinstance(value, dict):
        return any(map(local_files, value.values()))
    if isinstance(value, list):
        return any(map(local_files, value))
    return isinstance(value, values.LocalFile)
