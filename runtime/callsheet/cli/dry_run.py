"""Print a request without sending it, a body to fill in, or the line that makes a request again."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from callsheet import jsonio
from callsheet.cli import pricing
from callsheet.cli.input import prepare, values
from callsheet.cli.input.request import local_files
from callsheet.cli.output import formats as output
from callsheet.config.credentials import header_of
from callsheet.errors import CallsheetError, UsageError
from callsheet.schema.references import SchemaRefused, follow
from callsheet.schema.shape import KINDS, Shape, ShapeReader

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from callsheet.cli.context import Context
    from callsheet.cli.input.request import CommandRequest
    from callsheet.spec import Action
    from callsheet.storage.ledger_entry import LedgerEntry


_WHOLE = 3
_DEEPEST = 8
_ORDER = ("object", "array", "string", "integer", "number", "boolean")


def dry_run(context: Context, request: CommandRequest) -> None:
    """Print method, URL, headers with the key masked, and body; or a curl line.

    Note on stderr how each local file would go out. Raises ``UsageError`` for any other form.
    """
    form = context.flags.get("dry-run")
    if form not in {"yes", "curl"}:
        raise UsageError(f"--dry-run: {form!r} is not 'curl'", flag="--dry-run")
    from callsheet.flows.retry import action_path
    from callsheet.secret import redact_headers
    from callsheet.transport.auth import headers_for

    settings = context.settings
    ways = prepare.file_ways(context, request)
    for steps, path in local_files(request.body.value):
        context.console.note(ways[steps].words(path))
    pricing.note_price(context, request)
    url = settings.require_host() + action_path(request.action.id)
    is_form = any(way.encoding == "multipart" for way in ways.values())
    extra = {"Content-Type": "multipart/form-data" if is_form else "application/json"}
    headers = dict(redact_headers(headers_for(settings, url, extra)))
    body = request.body.encoded()
    if form == "curl":
        context.console.emits_json = False
        output.write(_curl(context, url, body) + "\n")
        return
    document = {"method": "POST", "url": url, "headers": headers, "body": request.body.value}
    text = "\n".join(
        [
            f"POST {url}",
            *(f"{name}: {header}" for name, header in headers.items()),
            "",
            body.decode(),
        ]
    )
    output.emit(context.console, document, lambda: text)


def _curl(context: Context, url: str, body: bytes) -> str:
    """Return a curl line that reads the key from its variable; other credentials are masked."""
    settings = context.settings
    name, before = header_of(settings.auth)
    parts = ["curl", "-X", "POST", shlex.quote(url), "-H", "'Content-Type: application/json'"]
    for header in settings.headers:
        parts += ["-H", shlex.quote(str(header))]
    if settings.key is not None:
        parts += ["-H", f'"{name}: {before}${context.program.env}_API_KEY"']
    return " ".join([*parts, "--data-binary", shlex.quote(body.decode())])


def print_skeleton(context: Context, command: Action, action: Action | None = None) -> None:
    """Print a body with every field that may be filled in, required ones first.

    ``action`` is the member of the family that would be sent, where it is another one.
    """
    context.console.emits_json = False
    hidden = {p.path[0] for p in command.params if p.hidden and not p.required}
    output.write_json(_fill(_schema(context, action or command, command), hidden))


def _schema(context: Context, action: Action, command: Action) -> dict[str, Any]:
    """Return the schema as the host advertises it, else as the bindings have it, else empty."""
    from callsheet.schema.admission import admit
    from callsheet.schema.references import SchemaRefused

    try:
        schema = context.run(context.host.schema(action))
    except CallsheetError:
        stored = context.bindings.schema(command.module) if command.module else None
        schema = (stored or {}).get("input")
    try:
        return admit(schema)
    except SchemaRefused:
        return {}


def rerun_line(context: Context, action: Action, row: LedgerEntry) -> str:
    """Return the shell line that makes a request again.

    The whole body stands in ``--input`` where flags cannot express a part of it.
    """
    line = [context.prog]
    if "host" in context.flags:
        line += ["--host", row.host]
    body = row.body or ""
    if action.command and action.role in {"", "create"}:
        line += [*action.command, *(_flags(action, body) or ["--input", body])]
    else:
        line += ["call", action.id, "--input", body]
    if row.target:
        line += ["--out", row.target]
    return shlex.join(line)


def _flags(action: Action, body: str) -> list[str] | None:
    """Return the body as flags; ``None`` where a part of it has no flag, or nothing is in it."""
    fields = jsonio.decode(body)
    words = values.to_argv(action, fields) if isinstance(fields, dict) else []
    return None if words[:1] == ["--input"] else words or None


def _fill(schema: Mapping[str, Any], hidden: Collection[str] = ()) -> dict[str, Any]:
    """Return a body for an admitted schema, required fields first, without ``hidden`` ones.

    Objects are whole to depth 3 and hold what is required below; of a union the first branch.
    """
    body = _Maker(schema).value(schema, 0)
    fields = body.items() if isinstance(body, dict) else ()
    return {name: field for name, field in fields if name not in hidden}


class _Maker:
    """Makes an example value of each schema inside ``root``."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root
        self.reader = ShapeReader(root)

    def value(self, schema: Any, depth: int) -> Any:
        """Return a default, an example, a choice, or an empty value of the schema's kind."""
        shape = self.reader.read(self._branch(schema))
        if depth and "default" in shape.shown:
            return shape.shown["default"]
        examples = shape.shown.get("examples")
        if depth and isinstance(examples, list) and examples:
            return examples[0]
        if shape.choices:
            return shape.choices[0]
        kind = _kind(shape)
        if kind == "object":
            return self._object(shape, depth)
        if kind == "array":
            return self._array(shape, depth)
        return _empty(kind, shape.limits)

    def _branch(self, schema: Any, steps: int = 8) -> Any:
        """Return the schema with the first branch of its union that is not null."""
        if not isinstance(schema, dict) or not steps:
            return schema
        if "$ref" in schema and len(schema) == 1:
            try:
                return self._branch(follow(str(schema["$ref"]), self.root), steps - 1)
            except SchemaRefused:
                return schema
        for word in ("oneOf", "anyOf"):
            branches = [branch for branch in schema.get(word, ()) if branch != {"type": "null"}]
            if branches:
                others = {key: limit for key, limit in schema.items() if key != word}
                return {"allOf": [others, self._branch(branches[0], steps - 1)]}
        return schema

    def _object(self, shape: Shape, depth: int) -> dict[str, Any]:
        return {
            name: self.value(shape.properties[name], depth + 1)
            for name in _ordered(shape, deep=depth < _WHOLE)
            if depth < _DEEPEST
        }

    def _array(self, shape: Shape, depth: int) -> list[Any]:
        least = shape.limits.get("minItems", 0)
        inner = self.reader.read(shape.items) if shape.items is not None else Shape()
        is_shown = inner.choices or inner.kinds == {"object"}
        count = max(least if isinstance(least, int) else 0, 1 if is_shown else 0)
        return [self.value(shape.items, depth + 1)] * min(count, 20) if depth < _DEEPEST else []


def _kind(shape: Shape) -> str:
    """Return the kind to show; empty where the schema says nothing of the value."""
    if shape.kinds == KINDS:
        return "object" if shape.properties else "array" if shape.items is not None else ""
    return next((kind for kind in _ORDER if kind in shape.kinds), "")


def _ordered(shape: Shape, *, deep: bool) -> Iterable[str]:
    names = [name for name, schema in shape.properties.items() if schema is not False]
    required = [name for name in names if name in shape.required]
    return [*required, *(name for name in names if deep and name not in shape.required)]


def _empty(kind: str, limits: Mapping[str, Any]) -> Any:
    """Return the smallest plain value of a kind; ``None`` for one that is not known."""
    if kind in {"integer", "number"}:
        low, above = limits.get("minimum", 0), limits.get("exclusiveMinimum", -1)
        are_numbers = all(type(limit) in {int, float} for limit in (low, above))
        return max(0, low, above + 1) if are_numbers else 0
    return {"string": "", "boolean": False}.get(kind)
