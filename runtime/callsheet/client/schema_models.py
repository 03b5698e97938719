"""Build the input model of an action at run time, from the schema that its server advertises."""

from __future__ import annotations

import json
from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import Field, create_model

from callsheet.errors import UsageError
from callsheet.identifiers import fields as field_names
from callsheet.identifiers import pascal
from callsheet.model import Model, RootModel, camel
from callsheet.schema.admission import admit
from callsheet.schema.references import SchemaRefused, follow
from callsheet.schema.shape import KINDS, Shape, ShapeReader, kind_of_value, with_integer
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_MOST_MODELS, _MOST_STEPS, _DEEPEST = 300, 20_000, 12
_LONGEST_DOC = 2000
_LENGTHS = {"min_length": "minLength", "max_length": "maxLength"}
_COUNTS = {"min_length": "minItems", "max_length": "maxItems"}
_BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
_UNIONS = frozenset({"anyOf", "oneOf"})
_CONDITIONS = frozenset({"if", "then", "else", "dependentSchemas", "dependencies"})
_PLAIN: Mapping[str, tuple[Any, Mapping[str, str]]] = {
    "null": (None, {}),
    "boolean": (bool, {}),
    "integer": (int, _BOUNDS),
    "number": (float, _BOUNDS),
    "string": (str, _LENGTHS),
}


def build_model(action_id: str, schema: Any, doc: str = "") -> type[Model] | type[RootModel[Any]]:
    """Build the model of a body, with a field a property, by Python name.

    Choices and plain limits are part of the types. What types cannot say is left to the check of
    the body, which every call makes: a pattern, a condition, an object that holds itself.
    Raises ``UsageError`` where there is no schema, or one that cannot be used.
    """
    if schema is None:
        raise UsageError(
            f"{action_id}: no schema is known, so there is nothing to build a model of",
            hint="client.call takes a mapping",
        )
    try:
        admitted = admit(schema)
    except SchemaRefused as error:
        raise UsageError(f"{action_id}: the schema cannot be used: {error}") from None
    builder = _Builder(admitted)
    name, text = f"{pascal(action_id)}Input", one_line(doc, _LONGEST_DOC)
    if builder.is_object(admitted):
        return builder.model(admitted, name, 0, text)
    root = (builder.annotation(admitted, name, 0), ...)
    return create_model(name, __base__=RootModel, __doc__=text, __module__=__name__, root=root)


class _Builder:
    """Builds the annotations of one schema; what is too deep, too much or recursive is ``Any``."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.reader, self._root = ShapeReader(root), root
        self._built: dict[str, Any] = {}
        self._models = self._steps = 0

    def _has_steps(self) -> bool:
        """Count a step; return false where a schema takes too many, as one in a circle does."""
        self._steps += 1
        return self._steps < _MOST_STEPS

    def is_object(self, schema: Any) -> bool:
        """Tell whether a body of this schema is an object, as far as anything is said of it."""
        shape = self.reader.read(schema)
        return shape.kinds == {"object"} or (shape.kinds == KINDS and bool(shape.properties))

    def model(self, schema: Any, name: str, depth: int, doc: str = "") -> type[Model]:
        """Return the model of an object with properties; other fields are let in as well."""
        self._models += 1
        sure, all_fields = self.reader.read(self._sure(schema)), self.reader.read(schema).properties
        wires = [wire for wire, part in all_fields.items() if part is not False]
        names = field_names(wires)
        fields: dict[str, Any] = {}
        for wire in wires:
            part = sure.properties.get(wire, {})  # {}: what only one branch says is not sure
            annotation = self.annotation(part, f"{name}{pascal(wire)}", depth + 1)
            shown = one_line(self.reader.read(all_fields[wire]).shown.get("description") or "")
            options: dict[str, Any] = {"description": shown[:_LONGEST_DOC] or None}
            if camel(names[wire]) != wire:
                options |= {"validation_alias": wire, "serialization_alias": wire}
            if wire in sure.required:
                fields[names[wire]] = annotation, Field(**options)
            else:
                fields[names[wire]] = _union([annotation, None]), Field(default=None, **options)
        doc = doc or one_line(sure.shown.get("description") or "", _LONGEST_DOC)
        model: type[Model] = create_model(
            name, __base__=Model, __doc__=doc, __module__=__name__, **fields
        )
        return model

    def annotation(self, schema: Any, name: str, depth: int) -> Any:
        """Return the type of the values that a schema lets in, or a wider one."""
        key = json.dumps(schema, sort_keys=True)
        if key not in self._built:
            self._built[key] = Any  # for an object that holds itself
            self._built[key] = self._annotate(schema, name, depth)
        return self._built[key]

    def _annotate(self, schema: Any, name: str, depth: int) -> Any:
        if depth > _DEEPEST or not self._has_steps():
            return Any
        if branches := self._branches(schema):
            named = enumerate(branches, 1)
            return _union([self.annotation(b, f"{name}{number}", depth) for number, b in named])
        shape = self.reader.read(self._sure(schema))
        if shape.choices is not None:
            kinds = with_integer(shape.kinds)
            choices = [choice for choice in shape.choices if kind_of_value(choice) in kinds]
            is_plain = all(isinstance(choice, str | int | None) for choice in choices)
            return Literal[tuple(choices)] if choices and is_plain else Any
        if shape.kinds >= KINDS or not shape.kinds:
            return Any
        return _union(
            [self._member(kind, shape, schema, name, depth) for kind in sorted(shape.kinds)]
        )

    def _branches(self, schema: Any, depth: int = 0) -> list[Any]:
        """Return the schemas of which one has to fit; none where they name no field or kind."""
        if not isinstance(schema, dict) or depth > _DEEPEST or not self._has_steps():
            return []
        if "$ref" in schema:
            rest = {key: part for key, part in schema.items() if key != "$ref"}
            branches = self._branches(follow(schema["$ref"], self._root), depth + 1)
            return [{"allOf": [rest, branch]} if rest else branch for branch in branches]
        for key in ("anyOf", "oneOf"):
            if self._is_open(schema.get(key, ())):
                rest = {name: part for name, part in schema.items() if name != key}
                shapes = map(self.reader.read, schema[key])
                if any(shape.properties or shape.kinds < KINDS for shape in shapes):
                    return [{"allOf": [rest, branch]} if rest else branch for branch in schema[key]]
        return []

    def _is_open(self, branches: Sequence[Any]) -> bool:
        """Tell whether more than one branch of a union may take a value that is not null."""
        kinds = [self.reader.read(branch).kinds - {"null"} for branch in branches]
        return len(list(filter(None, kinds))) > 1

    def _sure(self, schema: Any, depth: int = 0) -> Any:
        """Return the schema without its unions and conditions: what holds of every value."""
        if not isinstance(schema, dict) or depth > _DEEPEST or not self._has_steps():
            return schema if isinstance(schema, bool) else {}
        sure = {
            key: part
            for key, part in schema.items()
            if key not in _CONDITIONS and not (key in _UNIONS and self._is_open(part))
        }
        parts = [self._sure(part, depth + 1) for part in sure.get("allOf", ())]
        if "$ref" in sure:
            parts.append(self._sure(follow(sure.pop("$ref"), self._root), depth + 1))
        return {**sure, "allOf": parts} if parts else sure

    def _member(self, kind: str, shape: Shape, schema: Any, name: str, depth: int) -> Any:
        """Return the type of the values of one kind."""
        if kind == "object":
            has_room = shape.properties and self._models < _MOST_MODELS
            return self.model(schema, name, depth) if has_room else dict[str, Any]
        if kind == "array":
            items = self.annotation(shape.items, f"{name}Item", depth + 1)
            return _limited(GenericAlias(list, (items,)), shape.limits, _COUNTS)
        annotation, limits = _PLAIN[kind]
        return _limited(annotation, shape.limits, limits)


def _union(members: list[Any]) -> Any:
    """Return the union of types of which the number is not known here."""
    return Any if Any in members else Union[tuple(members)]  # noqa: UP007 - none can be written for members of unknown number


def _limited(annotation: Any, limits: Mapping[str, Any], names: Mapping[str, str]) -> Any:
    """Add to a type those limits of the schema that pydantic has under the names."""
    options = {ours: limits[theirs] for ours, theirs in names.items() if theirs in limits}
    options = {ours: limit for ours, limit in options.items() if not isinstance(limit, bool)}
    return Annotated[annotation, Field(**options)] if options else annotation
