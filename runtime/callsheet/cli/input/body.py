"""Build a body from flags, --input and files."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet import jsonio
from callsheet.cli.input import values
from callsheet.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from callsheet.cli.input.options import FieldOption, Typed
    from callsheet.spec import Action, Param


_LARGEST = 64 * 1024 * 1024


class Sources:
    """Reads what ``--input``, ``@file``, ``@-`` and ``--NAME-file`` name; raises ``UsageError``."""

    def __init__(self) -> None:
        self._stdin_taken_by = ""

    def read(self, name: str, flag: str) -> bytes:
        """The bytes of a file, or of standard input for ``-``."""
        if name == "-":
            return self._stdin(flag)
        try:
            if os.path.getsize(name) > _LARGEST:
                raise UsageError(f"--{flag}: {name} is larger than 64 MiB", flag=f"--{flag}")
            with open(name, "rb") as file:
                return file.read()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a file name"
            raise UsageError(f"--{flag}: {name}: {reason}", flag=f"--{flag}") from None

    def text(self, name: str, flag: str) -> str:
        """The same as text; it has to be UTF-8."""
        return decoded(self.read(name, flag), flag)

    def _stdin(self, flag: str) -> bytes:
        if self._stdin_taken_by:
            raise UsageError(
                f"--{flag}: standard input was read by --{self._stdin_taken_by} already",
                flag=f"--{flag}",
            )
        self._stdin_taken_by = flag
        return sys.stdin.buffer.read()


def decoded(data: bytes, flag: str) -> str:
    """``data`` as text, without a byte order mark; raises ``UsageError`` for anything but UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"--{flag}: the text is not UTF-8", flag=f"--{flag}") from None


class Body(NamedTuple):
    """``value`` is the body as JSON; ``exact`` the bytes of ``--input`` where it stands alone.

    ``doubt`` is what looked wrong on the command line; the schema may clear it.
    """

    value: Any
    exact: bytes | None = None
    doubt: UsageError | None = None

    def encoded(self) -> bytes:
        """The bytes that go out."""
        return jsonio.encode(self.value).encode() if self.exact is None else self.exact

    def changed(self, value: Any) -> Body:
        """Another value in the place of what was typed."""
        return self._replace(value=value, exact=None)


def build(typed: Sequence[Typed], given_input: str | None) -> Body:
    """The body that the flags and ``--input`` make; raises ``UsageError`` where none can be read.

    Keys stand in the order of the flags; a nested flag wins over its object's own flag.
    """
    sources = Sources()
    base, exact = _base(given_input, sources)
    if not typed:
        return Body({} if exact is None else base, exact)
    if not isinstance(base, dict):
        raise UsageError("--input: flags can only be added to a JSON object", flag="--input")
    doubts: list[UsageError] = []
    entries = [(option.param, meant(option, raw, sources, doubts)) for option, raw in typed]
    for param, value in _ancestors_first(entries):
        put(base, param.path, value)
    return Body(base, doubt=doubts[0] if doubts else None)


def _base(given: str | None, sources: Sources) -> tuple[Any, bytes | None]:
    if given is None:
        return {}, None
    if given.lstrip()[:1] in {"{", "["}:
        exact = given.encode("utf-8", "surrogateescape")
    else:
        exact = sources.read(given.removeprefix("@"), "input")
    try:
        return jsonio.decode(decoded(exact, "input")), exact
    except ValueError as error:
        raise UsageError(f"--input: {error}", flag="--input") from None


def _ancestors_first(entries: list[tuple[Param, Any]]) -> list[tuple[Param, Any]]:
    """As typed, but what belongs to one object together, and the object's own flag first."""
    first: dict[tuple[str, ...], int] = {}
    for place, (param, _) in enumerate(entries):
        for end in range(1, len(param.path) + 1):
            first.setdefault(param.path[:end], place)

    def rank(entry: tuple[Param, Any]) -> list[int]:
        path = entry[0].path
        return [first[path[:end]] for end in range(1, len(path) + 1)]

    return sorted(entries, key=rank)


def put(body: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Set the value at a path of names; objects are made on the way."""
    for name in path[:-1]:
        inner = body.get(name)
        if not isinstance(inner, dict):
            inner = body[name] = {}
        body = inner
    body[path[-1]] = value


def meant(option: FieldOption, raw: Any, sources: Sources, doubts: list[UsageError]) -> Any:
    """What the text (of a list: the texts) after an option means; raises ``UsageError``.

    ``doubts`` collects what does not look right and may yet be allowed.
    """
    param, role = option.param, option.role
    if role == "no":
        return False
    if role == "file":
        return sources.text(raw, option.flag)
    texts = [_clean(text, option.flag) for text in (raw if isinstance(raw, tuple) else (raw,))]
    reader = values.ValueReader(param)
    if role == "json":
        value = reader.json(_at(texts[0], option.flag, sources))
    else:
        value = _read(reader, option.flag, texts, sources)
    found = values.doubt(param, value)
    doubts += [*reader.doubts, *([] if found is None else [found])]
    return value


def _read(reader: values.ValueReader, flag: str, texts: list[str], sources: Sources) -> Any:
    param = reader.param
    if param.kind != "array":
        text = _at(texts[0], flag, sources) if param.kind == "object" else texts[0]
        return _medium(param, text, reader.one(text)) if param.media else reader.one(text)
    if param.nullable and texts == ["null"]:
        return None
    return [item for text in texts for item in _items(reader, flag, text, sources)]


def _clean(text: str, flag: str) -> str:
    """Refuse bytes that were no UTF-8 on the command line."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"--{flag}: the text is not UTF-8", flag=f"--{flag}") from None
    return text


def _at(text: str, flag: str, sources: Sources) -> str:
    return sources.text(text[1:], flag) if text.startswith("@") else text


def _items(reader: values.ValueReader, flag: str, text: str, sources: Sources) -> list[Any]:
    param = reader.param
    if param.media and text.startswith("@") and text.endswith(".json"):  # a list, no medium
        text = sources.text(text[1:], flag).strip()
    found = reader.several(text)
    if param.media and not (text.startswith("[") and _is_list(text)):
        return [_medium(param, item, item) for item in found]
    if param.media or not text.startswith("@"):
        return found
    if text != "@-" and not os.path.exists(text[1:]):
        raise values.wrong(
            param, f"there is no file {text[1:]!r}", "a text with @ is said as '[\"@…\"]'"
        )
    return reader.several(sources.text(text[1:], flag).strip())


def _is_list(text: str) -> bool:
    try:
        return isinstance(jsonio.decode(text), list)
    except ValueError:
        return False


def _medium(param: Param, text: Any, value: Any) -> Any:
    """A link as it is; ``@PATH`` or the name of a file becomes something to upload.

    A text in quotes is exactly that text.
    """
    if not isinstance(text, str) or not isinstance(value, str):
        return value
    exact = values.quoted(text)
    if exact is not None or values.is_link(text):
        return value if exact is None else exact
    path = text.removeprefix("@")
    if os.path.isfile(path):
        return values.LocalFile(path)
    if text.startswith("@"):
        hint = "a text with @ is said in quotes: '\"@…\"'"
        raise values.wrong(param, f"there is no file {path!r}", hint)
    return value


def missing(action: Action, body: Any, member: str) -> list[Param]:
    """The required fields that are not there: what an object needs inside it, not the object."""
    wanted = [one for one in action.params if one.required and one.only in {"", member}]
    above = {one.path[:-1] for one in wanted}
    objects = {one.path for one in wanted if one.kind == "object" and one.path in above}
    leaves = [one for one in wanted if one.path not in objects and one.path[:-1] in {(), *objects}]
    return [one for one in leaves if _lacks(body, one.path)]


def _lacks(body: Any, path: tuple[str, ...]) -> bool:
    for name in path:
        if not isinstance(body, dict):
            return False
        if name not in body:
            return True
        body = body[name]
    return False


def foreign(typed: Iterable[Typed], member: str) -> Param | None:
    """The first given field that only another member of the family takes."""
    for option, _ in typed:
        if option.param.only not in {"", member}:
            return option.param
    return None


def local_files(value: Any) -> list[str]:
    """The paths in the body that have to be uploaded first."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [path for item in value for path in local_files(item)]
    return [str(value)] if isinstance(value, values.LocalFile) else []
