"""Build the one request of a command line, its body from flags, --input and files."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet import jsonio
from callsheet.cli.context import parse_duration
from callsheet.cli.input import values
from callsheet.errors import UsageError
from callsheet.spec import TIMEOUT_FIELD, Family

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from callsheet.cli.context import Context
    from callsheet.cli.input.options import FieldOption, Typed
    from callsheet.spec import Action, Param, Role


_LARGEST = 64 * 1024 * 1024


class CommandRequest(NamedTuple):
    """One POST to be made.

    ``command_action`` is the action whose command was typed, ``action`` the one that is sent.
    ``patience`` is how long the whole wait may take, in seconds.
    """

    command_action: Action
    action: Action
    body: Body
    patience: float

    @property
    def blocking(self) -> bool:
        """Tell whether the server answers only when the job is over."""
        return self.action.role == "wait"

    @property
    def silence(self) -> float:
        """Return the seconds that the server may stay silent.

        What is paid for has its own time where the server was not told of a shorter one.
        """
        from callsheet.flows.invoke import silence_limit

        has_timeout = isinstance(self.body.value, dict) and TIMEOUT_FIELD in self.body.value
        own = 0.0 if has_timeout else (self.command_action.family or Family()).timeout_ms / 1000
        return silence_limit(self.action.role, max(self.patience, own))


def build_request(
    context: Context, command_action: Action, typed: Sequence[Typed]
) -> CommandRequest:
    """Build the request: the action of the family, the body with defaults, and the time to wait.

    Raises ``UsageError``.
    """
    flags = context.flags
    role = role_of(context, command_action)
    action = member_of(context, command_action, role)
    _refuse_foreign(command_action, typed, role)
    body = apply_defaults(command_action, build_body(typed, flags.get("input")), role)
    timeout = flags.get("timeout")
    limit = parse_duration(timeout) if timeout else (command_action.family or Family()).timeout_ms
    if role == "wait":
        body, limit = apply_timeout(command_action, body, limit, typed=timeout is not None)
    elif timeout and takes_timeout(command_action, role):
        body, _ = apply_timeout(command_action, body, limit, typed=True)
    return CommandRequest(command_action, action, body, limit / 1000)


def role_of(context: Context, action: Action) -> Role:
    """Return the role of the family's member to send, by ``--blocking``.

    Raises ``UsageError`` where the family has no such member, or our flags exclude each other.
    """
    blocking, no_wait = "blocking" in context.flags, "no-wait" in context.flags
    if action.family is None or action.role == "query":
        return action.role
    if blocking and no_wait:
        raise UsageError("--blocking and --no-wait exclude each other", flag="--blocking")
    if blocking and not action.family.wait:
        raise UsageError(f"{action.id} has no blocking form on this server", flag="--blocking")
    if no_wait and action.role == "wait":
        raise UsageError(
            f"this server offers {action.id} only, which answers when the job is over",
            flag="--no-wait",
        )
    return "wait" if blocking else action.role


def member_of(context: Context, action: Action, role: Role) -> Action:
    """Return the member of the family with this role: ``action``, or its blocking member.

    The latter comes from the cached catalogue, else it is ``action`` under the other id.
    """
    if role == action.role or action.family is None:
        return action
    action_id = action.family.wait
    cached = context.host.cached_action(action_id)
    return cached or action._replace(id=action_id, role=role, digest="", module="")


def _refuse_foreign(action: Action, typed: Sequence[Typed], role: Role) -> None:
    """Raise ``UsageError`` for a typed field that the member of this role does not take."""
    param = find_foreign(typed, role)
    if param is None or action.family is None:
        return
    flag = f"--{param.flag}"
    if param.only == "wait":
        raise UsageError(
            f"{flag} belongs to {action.family.wait} alone", hint="add --blocking", flag=flag
        )
    raise UsageError(
        f"{flag} is not taken by {action.family.wait}", hint="drop --blocking", flag=flag
    )


def apply_defaults(action: Action, body: Body, role: Role) -> Body:
    """Add this client's own defaults to the fields of a body that were not given."""
    fields: Any = body.value
    if not isinstance(fields, dict):
        return body
    member = "wait" if role == "wait" else "create"
    defaults = {
        param.path[0]: json.loads(param.sent)
        for param in action.params
        if param.sent is not None and param.only in {"", member} and param.path[0] not in fields
    }
    return body.with_value({**fields, **defaults}) if defaults else body


def takes_timeout(action: Action, role: Role) -> bool:
    """Tell whether the schema of the member with this role has ``timeoutMs``."""
    return any(p.path == (TIMEOUT_FIELD,) and p.only in {"", role} for p in action.params)


def apply_timeout(action: Action, body: Body, limit: int, *, typed: bool) -> tuple[Body, int]:
    """Set ``timeoutMs`` where the schema has it; return the body and the limit in milliseconds.

    A value of ``--input`` stays and becomes the limit, unless ``--timeout`` was ``typed`` too.
    """
    fields: Any = body.value
    if not isinstance(fields, dict):
        return body, limit
    own = fields.get(TIMEOUT_FIELD)
    if not typed and isinstance(own, int) and not isinstance(own, bool):
        return body, own
    if not takes_timeout(action, "wait") or (not typed and body.exact is not None):
        return body, limit
    return body.with_value({**fields, TIMEOUT_FIELD: limit}), limit


class Sources:
    """Reads what ``--input``, ``@file``, ``@-`` and ``--NAME-file`` name; raises ``UsageError``."""

    def __init__(self) -> None:
        self._stdin_taken_by = ""

    def read(self, name: str, flag: str) -> bytes:
        """Return the bytes of a file, or of standard input for ``-``."""
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
        """Return the same as text; raise ``UsageError`` where it is not UTF-8."""
        return decode_utf8(self.read(name, flag), flag)

    def _stdin(self, flag: str) -> bytes:
        if self._stdin_taken_by:
            raise UsageError(
                f"--{flag}: standard input was read by --{self._stdin_taken_by} already",
                flag=f"--{flag}",
            )
        self._stdin_taken_by = flag
        return sys.stdin.buffer.read()


def decode_utf8(raw: bytes, flag: str) -> str:
    """Return ``raw`` as text, without a byte order mark; raise ``UsageError`` where not UTF-8."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"--{flag}: the text is not UTF-8", flag=f"--{flag}") from None


class Body(NamedTuple):
    """A request body: ``value`` is it as JSON, ``exact`` the bytes of an ``--input`` or a form.

    ``content_type`` is that of a form; empty for JSON.
    """

    value: Any
    exact: bytes | None = None
    content_type: str = ""

    def encoded(self) -> bytes:
        """Return the bytes that go out."""
        return jsonio.encode(self.value).encode() if self.exact is None else self.exact

    def with_value(self, value: Any) -> Body:
        """Return a body with another value in the place of what was typed."""
        return self._replace(value=value, exact=None)


def build_body(typed: Sequence[Typed], input_text: str | None) -> Body:
    """Make the body from flags and ``--input``; raise ``UsageError`` for what cannot be read.

    Keys stand in the order of the flags; a nested flag wins over its object's own flag.
    """
    sources = Sources()
    base, exact = _read_input(input_text, sources)
    if not typed:
        return Body({} if exact is None else base, exact)
    if not isinstance(base, dict):
        raise UsageError("--input: flags can only be added to a JSON object", flag="--input")
    entries = [(option.param, read_option(option, raw, sources)) for option, raw in typed]
    for param, field in _ancestors_first(entries):
        put(base, param.path, field)
    return Body(base)


def _read_input(text: str | None, sources: Sources) -> tuple[Any, bytes | None]:
    """Return the JSON of ``--input`` and its bytes; ``({}, None)`` where it was not typed."""
    if text is None:
        return {}, None
    if text.lstrip()[:1] in {"{", "["}:
        exact = text.encode("utf-8", "surrogateescape")
    else:
        exact = sources.read(text.removeprefix("@"), "input")
    try:
        return jsonio.decode(decode_utf8(exact, "input")), exact
    except ValueError as error:
        raise UsageError(f"--input: {error}", flag="--input") from None


def _ancestors_first(entries: list[tuple[Param, Any]]) -> list[tuple[Param, Any]]:
    """Group the entries of one object, its own flag first; the rest stays in the typed order."""
    first: dict[tuple[str, ...], int] = {}
    for index, (param, _) in enumerate(entries):
        for end in range(1, len(param.path) + 1):
            first.setdefault(param.path[:end], index)

    def rank(entry: tuple[Param, Any]) -> list[int]:
        path = entry[0].path
        return [first[path[:end]] for end in range(1, len(path) + 1)]

    return sorted(entries, key=rank)


def put(body: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Set the value at a path of names in ``body`` itself; replace what is not an object there."""
    for name in path[:-1]:
        inner = body.get(name)
        if not isinstance(inner, dict):
            inner = body[name] = {}
        body = inner
    body[path[-1]] = value


def read_option(option: FieldOption, raw: Any, sources: Sources) -> Any:
    """Return the value of the text (of a list: the texts) after an option.

    Raises ``UsageError`` for a file that cannot be read and for an object that is not JSON.
    """
    param, role = option.param, option.role
    if role == "no":
        return False
    if role == "file":
        return sources.text(raw, option.flag)
    texts = [
        _require_utf8(text, option.flag) for text in (raw if isinstance(raw, tuple) else [raw])
    ]
    reader = values.ValueReader(param)
    if param.kind == "array" and role == "value":
        if param.nullable and texts == ["null"]:
            return None
        return [item for text in texts for item in _items(reader, option.flag, text, sources)]
    entries = [_one_value(option, reader, text, sources) for text in texts]
    return entries if len(entries) > 1 else entries[0]


def _one_value(option: FieldOption, reader: values.ValueReader, text: str, sources: Sources) -> Any:
    """Return the value of one use of an option that does not only take lists."""
    param = option.param
    if option.role == "json":
        return reader.read_json(_read_at(text, option.flag, sources))
    if param.kind == "object":
        text = _read_at(text, option.flag, sources)
    return _medium(param, text, reader.read(text)) if param.media else reader.read(text)


def _require_utf8(text: str, flag: str) -> str:
    """Return the text; raise ``UsageError`` where its bytes on the command line were not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"--{flag}: the text is not UTF-8", flag=f"--{flag}") from None
    return text


def _read_at(text: str, flag: str, sources: Sources) -> str:
    """Return the text of the file that ``@PATH`` names; any other text as it is."""
    return sources.text(text[1:], flag) if text.startswith("@") else text


def _items(reader: values.ValueReader, flag: str, text: str, sources: Sources) -> list[Any]:
    """Return the items that one use of a list's flag adds, also from ``@FILE``."""
    param = reader.param
    if param.media and text.startswith("@") and text.endswith(".json"):  # a list, no medium
        text = sources.text(text[1:], flag).strip()
    items = reader.read_items(text)
    if param.media and not (text.startswith("[") and _is_list(text)):
        return [_medium(param, item, item) for item in items]
    if param.media or not text.startswith("@"):
        return items
    if text != "@-" and not os.path.exists(text[1:]):
        raise values.usage_error(
            param, f"there is no file {text[1:]!r}", "type a text with @ as '[\"@…\"]'"
        )
    return reader.read_items(sources.text(text[1:], flag).strip())


def _is_list(text: str) -> bool:
    try:
        return isinstance(jsonio.decode(text), list)
    except ValueError:
        return False


def _medium(param: Param, text: Any, value: Any) -> Any:
    """Return a link as it is, ``@PATH`` and the name of a file as ``LocalFile``.

    A text in quotes is exactly that text; any other value stays ``value``. Raises ``UsageError``
    where ``@PATH`` is not a file.
    """
    if not isinstance(text, str) or not isinstance(value, str):
        return value
    exact = values.unquote(text)
    if exact is not None or values.is_link(text):
        return value if exact is None else exact
    path = text.removeprefix("@")
    if os.path.isfile(path):
        return values.LocalFile(path)
    if text.startswith("@"):
        hint = "type a text with @ in quotes: '\"@…\"'"
        raise values.usage_error(param, f"there is no file {path!r}", hint)
    return value


def find_missing(action: Action, body: Any, member: str) -> list[Param]:
    """List the required fields that a body lacks: of an object those inside it, not the object."""
    required = [param for param in action.params if param.required and param.only in {"", member}]
    parents = {param.path[:-1] for param in required}
    objects = {param.path for param in required if param.kind == "object" and param.path in parents}
    leaves = [p for p in required if p.path not in objects and p.path[:-1] in {(), *objects}]
    return [param for param in leaves if _lacks(body, param.path)]


def _lacks(body: Any, path: tuple[str, ...]) -> bool:
    """Tell whether an object of the body lacks a name of the path."""
    for name in path:
        if not isinstance(body, dict):
            return False
        if name not in body:
            return True
        body = body[name]
    return False


def find_foreign(typed: Iterable[Typed], member: str) -> Param | None:
    """Return the first typed field that only another member of the family takes."""
    for option, _ in typed:
        if option.param.only not in {"", member}:
            return option.param
    return None


def schema_of(params: Iterable[Param]) -> dict[str, Any]:
    """Return the schema that these parameters know: kinds, choices, limits, required fields."""
    root: dict[str, Any] = {}
    for param in params:
        parent = root
        for name in param.path[:-1]:
            parent = parent.setdefault("properties", {}).setdefault(name, {})
        fields = parent.setdefault("properties", {})
        fields[param.path[-1]] = fields.get(param.path[-1], {}) | _field_schema(param)
        if param.required:
            parent.setdefault("required", []).append(param.path[-1])
    return root


def _field_schema(param: Param) -> dict[str, Any]:
    """Return what one parameter knows as a schema of its field."""
    is_array = param.kind == "array"
    kind = param.items if is_array else param.kind
    kinds = list(param.reads) if kind == "any" else [kind]
    schema: dict[str, Any] = {"type": kinds} if kinds else {}
    if param.choices:
        schema["enum"] = list(param.choices)
    if is_array:
        schema = {"type": ["array"], "items": schema | param.limits.get("items", {})}
    schema = {**param.limits, **schema}
    return {"anyOf": [schema, {"type": "null"}]} if param.nullable else schema


def local_files(
    value: Any, steps: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], values.LocalFile]]:
    """Yield each file in the body that has to be uploaded first, with the steps that lead to it."""
    if isinstance(value, values.LocalFile):
        yield steps, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from local_files(inner, (*steps, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from local_files(inner, (*steps, str(index)))


def replace_files(
    value: Any,
    text_of: Callable[[tuple[str, ...], values.LocalFile], str],
    steps: tuple[str, ...] = (),
) -> Any:
    """Return the body with a text in the place of each local file; steps lead to its place."""
    if isinstance(value, values.LocalFile):
        return text_of(steps, value)
    if isinstance(value, dict):
        return {key: replace_files(inner, text_of, (*steps, key)) for key, inner in value.items()}
    if isinstance(value, list):
        entries = enumerate(value)
        return [replace_files(inner, text_of, (*steps, str(index))) for index, inner in entries]
    return value
