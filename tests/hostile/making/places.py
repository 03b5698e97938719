"""The 33 places of an advertised action where a server writes a string."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Entry = dict[str, Any]
_ID = "hostile.act"


def entry(schema: object, **more: Any) -> Entry:
    """Return an action that is listed with its schema."""
    return {"id": _ID, "description": "Does a thing.", "inputSchema": schema, **more}


def _fields(name: str = "field", **spec: Any) -> Entry:
    plain = {"size": {"type": "integer"}, name: {"type": "string", **spec}}
    return {"type": "object", "properties": plain}


def _field(**spec: Any) -> Entry:
    return entry(_fields(**spec))


def _beside(**more: Any) -> Entry:
    return entry({**_fields(), **more})


def _output(schema: Entry) -> Entry:
    return entry(_fields(), outputSchema=schema)


def _defined(text: str, **more: Any) -> Entry:
    target = text.replace("~", "~0").replace("/", "~1").replace("%", "%25")
    return {"$ref": f"#/$defs/{target}", "$defs": {text: {**_fields(), **more}}}


def _vendor(text: str) -> Entry:
    keys = ("x-python-type", "x-enum-varnames", "customTypePath", "customBasePath")
    return {**dict.fromkeys(keys, text), "x-python-import": {"module": text, "name": text}}


def _chosen(text: str) -> Entry:
    kind = {"type": "object", "properties": {"kind": {"const": text}}, "required": ["kind"]}
    marks = {"propertyName": "kind", "mapping": {text: f"#/$defs/{text}"}}
    return {"anyOf": [kind, {"type": "object"}], "discriminator": marks}


PLACES: dict[str, Callable[[str], Entry]] = {
    "id": lambda text: entry(_fields(), id=f"hostile.{text}"),
    "title": lambda text: entry(_fields(), title=text),
    "description": lambda text: entry(_fields(), description=text),
    "mark": lambda text: entry(_fields(), annotations={"title": text, text: True}),
    "schema-title": lambda text: _beside(title=text),
    "schema-description": lambda text: _beside(description=text),
    "schema-comment": lambda text: _beside(**{"$comment": text}),
    "schema-dialect": lambda text: _beside(**{"$schema": text}),
    "schema-id": lambda text: _beside(**{"$id": text}),
    "anchor": lambda text: _beside(**{"$anchor": text, "$dynamicAnchor": text}),
    "reference": lambda text: _beside(**{"$ref": text}),
    "dynamic-reference": lambda text: _beside(**{"$dynamicRef": text, "$recursiveRef": text}),
    "definition-name": lambda text: entry(_defined(text)),
    "definition-description": lambda text: entry(_defined("part", description=text)),
    "property-name": lambda text: entry(_fields(text)),
    "required-name": lambda text: _beside(required=[text, "size"]),
    "dependent-name": lambda text: _beside(dependentRequired={text: [text]}),
    "pattern-name": lambda text: _beside(patternProperties={text: {"type": "string"}}),
    "unknown-keyword": lambda text: _beside(**{text: text}),
    "vendor-keyword": lambda text: entry({**_fields(**_vendor(text)), **_vendor(text)}),
    "discriminator": lambda text: entry(_chosen(text)),
    "type": lambda text: _field(type=text),
    "title-of-field": lambda text: _field(title=text),
    "description-of-field": lambda text: _field(description=text),
    "default": lambda text: _field(default=text, default_factory=text),
    "example": lambda text: _field(examples=[text], example=text),
    "enum": lambda text: _field(enum=[text, "plain"]),
    "const": lambda text: _field(const=text),
    "pattern": lambda text: _field(pattern=text),
    "format": lambda text: _field(format=text, contentEncoding=text, contentMediaType=text),
    "output-name": lambda text: _output(_fields(text, description=text)),
    "output-enum": lambda text: _output(_fields(enum=[text], const=text)),
    "nested": lambda text: _field(type="array", items=_fields(text, enum=[text])),
}
