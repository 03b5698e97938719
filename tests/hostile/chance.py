"""Schemas made at random from a seed, of JSON Schema's words and of strings that break out."""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import Any

from hostile.cases import Case
from hostile.making.breakouts import BREAKOUTS
from hostile.making.naming import _COLLIDING, _ODD, _PYDANTIC, _PYTHON
from hostile.making.places import entry
from hostile.making.references import references

SEED = 20_240_311
_TYPES = ("string", "integer", "number", "boolean", "object", "array", "null")
_NAMES = (*_PYTHON, *_PYDANTIC, *_COLLIDING, *_ODD, *BREAKOUTS.values(), "a", "b", "size", "name")
_REFS = (*references(), *("#", "#/$defs/A", "#/$defs/B", "#/definitions/C") * 30)
_TEXTS = (*BREAKOUTS.values(), "A text.", "x", "")
_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    1,
    -1,
    2.5,
    10**30,
    "",
    "x",
    [],
    {},
    [1, "a"],
    {"a": None},
)


class Chance:
    """Makes schemas; the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def value(self) -> Any:
        """Return any JSON value, often a string that breaks out."""
        return deepcopy(self.random.choice((*_VALUES, *self.random.sample(_TEXTS, 3))))

    def schema(self, depth: int = 0) -> Any:
        """Return a schema, mostly a valid one."""
        pick = self.random
        if pick.random() < 0.03:
            return pick.choice((True, False, self.value()))
        schema: dict[str, Any] = {}
        if pick.random() < 0.8:
            schema["type"] = pick.choice(_TYPES)
        if pick.random() < 0.1:
            schema["type"] = pick.sample(_TYPES, pick.randint(1, 3))
        for _ in range(pick.randint(0, 4)):
            self._add_keyword(schema)
        if depth < 4:
            self._add_subschemas(schema, depth + 1)
        return schema

    def _add_keyword(self, schema: dict[str, Any]) -> None:
        pick = self.random
        texts = (
            *("title", "description", "$comment", "format", "pattern", "x-go-type", "$id"),
            *("$anchor", "contentEncoding", "customTypePath", "default_factory"),
        )
        kind = pick.randint(0, 6)
        if kind <= 2:
            schema[pick.choice(texts)] = pick.choice(_TEXTS)
        elif kind == 3:
            schema["enum"] = [self.value() for _ in range(pick.randint(1, 5))]
        elif kind == 4:
            schema[pick.choice(("const", "default", "example"))] = self.value()
        elif kind == 5:
            schema[pick.choice(("minimum", "maxLength", "minItems", "multipleOf"))] = pick.randint(
                0, 9
            )
        elif pick.random() < 0.5:
            schema["$ref"] = pick.choice(_REFS)

    def _add_subschemas(self, schema: dict[str, Any], depth: int) -> None:
        pick = self.random
        if schema.get("type") == "object" or pick.random() < 0.2:
            names = pick.sample(_NAMES, pick.randint(0, 6))
            schema["properties"] = {name: self.schema(depth) for name in names}
            schema["required"] = [name for name in names if pick.random() < 0.3]
        if schema.get("type") == "array":
            schema["items"] = self.schema(depth)
        if pick.random() < 0.2:
            word = pick.choice(("anyOf", "oneOf", "allOf", "prefixItems"))
            schema[word] = [self.schema(depth) for _ in range(pick.randint(1, 3))]
        if pick.random() < 0.1:
            word = pick.choice(("additionalProperties", "not", "if", "propertyNames", "contains"))
            schema[word] = self.schema(depth)

    def case(self, number: int) -> Case:
        """Return one action with a schema of a body and of a reply."""
        body = self.schema()
        if isinstance(body, dict):
            body.setdefault("type", "object")
            body["$defs"] = {name: self.schema(2) for name in ("A", "B")}
            body["definitions"] = {"C": self.schema(2)}
        document = {"entry": entry(body, outputSchema=self.schema())}
        return Case(kind="random", name=f"r{number:04}", document=document)


def schemas(count: int, seed: int = SEED) -> list[Case]:
    """Return so many cases."""
    chance = Chance(seed)
    return [chance.case(number) for number in range(count)]
