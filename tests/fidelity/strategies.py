"""Random schemas of the subset that servers use, each with bodies judged by jsonschema alone."""

from __future__ import annotations

import copy
import json
import os
from typing import TYPE_CHECKING, Any

from fidelity.bodies import TEXTS, bodies, spoilt
from fidelity.material import ActionCase
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator
from referencing import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

Schema = dict[str, Any]
SEED = int(os.environ.get("FIDELITY_SEED", "7"))
_WORDS = ("prompt", "imageUrl", "size", "options", "items", "class", "json", "timeoutMs", "a.b")
_NAMES = st.sampled_from([*_WORDS, "x", "user_id", "userId", "é", "no-x", "self", "dry-run", "0"])
_PATTERNS = ("^[a-z]+$", "^[0-9]{2,4}$", "^a", "b$", "^https://", "x{2,}")
_ENUMS = st.lists(
    st.one_of(st.sampled_from(TEXTS), st.integers(-3, 3), st.booleans(), st.none()),
    min_size=1,
    max_size=4,
    unique_by=json.dumps,
)


@st.composite
def _text(draw: st.DrawFn) -> Schema:
    schema: Schema = {"type": "string"}
    extra = draw(st.sampled_from(["", "", "", "length", "pattern", "enum", "format"]))
    if extra == "length":
        schema["minLength"] = draw(st.integers(0, 3))
        schema["maxLength"] = schema["minLength"] + draw(st.integers(0, 9))
    elif extra == "pattern":
        schema["pattern"] = draw(st.sampled_from(_PATTERNS))
    elif extra == "enum":
        schema["enum"] = draw(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4, unique=True))
    elif extra == "format":
        schema["format"] = draw(st.sampled_from(["uri", "date-time", "uuid", "email"]))
    return schema


@st.composite
def _number(draw: st.DrawFn) -> Schema:
    schema: Schema = {"type": draw(st.sampled_from(["integer", "number"]))}
    if draw(st.booleans()):
        schema[draw(st.sampled_from(["minimum", "exclusiveMinimum"]))] = draw(st.integers(-5, 5))
    if draw(st.booleans()):
        schema[draw(st.sampled_from(["maximum", "exclusiveMaximum"]))] = draw(st.integers(6, 99))
    if draw(st.integers(0, 4)) == 0:
        schema["multipleOf"] = draw(st.sampled_from([1, 2, 5, 0.5]))
    return schema


def _inside(child: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    rare = st.one_of(_tuple(child), _untyped(child))
    return st.one_of(_array(child), objects(child), _union(child), _merged(child), rare)


@st.composite
def _array(draw: st.DrawFn, child: st.SearchStrategy[Schema]) -> Schema:
    schema: Schema = {"type": "array", "items": draw(child)}
    if draw(st.integers(0, 3)) == 0:
        schema["minItems"] = draw(st.integers(0, 2))
        schema["maxItems"] = schema["minItems"] + draw(st.integers(0, 2))
    if draw(st.integers(0, 5)) == 0:
        schema["uniqueItems"] = True
    return schema


@st.composite
def _tuple(draw: st.DrawFn, child: st.SearchStrategy[Schema]) -> Schema:
    schema: Schema = {"type": "array", "prefixItems": draw(st.lists(child, min_size=1, max_size=3))}
    if draw(st.booleans()):
        schema["items"] = draw(st.one_of(st.just(False), child))
    return schema


@st.composite
def _untyped(draw: st.DrawFn, child: st.SearchStrategy[Schema]) -> Schema:
    """Draw a schema that speaks of objects or lists and lets in anything else."""
    schema = draw(st.one_of(objects(child), _array(child)))
    return {key: rule for key, rule in schema.items() if key != "type"}


@st.composite
def objects(draw: st.DrawFn, child: st.SearchStrategy[Schema]) -> Schema:
    """Draw an object with named fields, open or closed."""
    names = draw(st.lists(_NAMES, max_size=4, unique=True))
    schema: Schema = {"type": "object", "properties": {name: draw(child) for name in names}}
    needed = [name for name in names if draw(st.booleans())]
    if needed:
        schema["required"] = needed
    closing = draw(st.sampled_from(["", "", False, True, "schema", "pattern", "both"]))
    if closing in {"schema", "both"}:
        schema["additionalProperties"] = draw(child)
    if closing in {"pattern", "both"}:
        schema["patternProperties"] = {"^x-": draw(child)}
    if isinstance(closing, bool):
        schema["additionalProperties"] = closing
    return schema


@st.composite
def _union(draw: st.DrawFn, child: st.SearchStrategy[Schema]) -> Schema:
    word = draw(st.sampled_from(["anyOf", "oneOf", "tagged"]))
    parts = draw(st.lists(child, min_size=1, max_size=3))
    if word != "tagged":
        return {word: [*parts, *([{"type": "null"}] if draw(st.booleans()) else [])]}
    return {
        "oneOf": [
            {
                "type": "object",
                "properties": {"kind": {"const": f"k{place}"}, "value": part},
                "required": ["kind"],
            }
            for place, part in enumerate(parts)
        ]
    }


@st.composite
def _merged(draw: st.DrawFn, child: st.SearchStrategy[Schema]) -> Schema:
    return {"allOf": [draw(objects(child)), draw(objects(child))]}


def _nullable(schema: Schema) -> Schema:
    kind = schema.get("type")
    return {**schema, "type": [kind, "null"]} if isinstance(kind, str) else schema


_ODD = "List<ä b>"
_LINK = st.sampled_from(["a", _ODD]).map(lambda name: {"$ref": f"#/$defs/{name}"})
_SCALARS = st.one_of(
    _text(),
    _number(),
    st.just({"type": "boolean"}),
    _text().map(_nullable),
    _number().map(_nullable),
    _ENUMS.map(lambda values: {"enum": values}),
    st.sampled_from([{"const": "v1"}, {"const": 2}, {"const": None}, {}, {"type": "object"}]),
    st.just({"type": ["string", "number"]}),
    _LINK,
)
_ANY = st.recursive(_SCALARS, _inside, max_leaves=6)


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    """Draw a schema of one action's input; links lead to two definitions, which may lead back."""
    schema: Schema = draw(objects(_ANY))
    schema["$defs"] = {"a": draw(objects(_ANY)), _ODD: draw(_ANY)}
    text = json.dumps(schema).replace("#/$defs/", "#/definitions/")
    if draw(st.integers(0, 5)) == 0 and "prefixItems" not in text:
        schema = json.loads(text)
        schema["definitions"] = schema.pop("$defs")
    return schema


@st.composite
def _cases(draw: st.DrawFn) -> tuple[Schema, list[Any]]:
    schema = draw(schemas())
    drawn = [draw(bodies(schema)) for _ in range(6)]
    return schema, [*drawn, *(draw(spoilt(copy.deepcopy(body))) for body in [*drawn, *drawn])]


def random_cases(count: int) -> list[ActionCase]:
    """Return cases from ``FIDELITY_SEED``; a schema that no body satisfies is left out."""
    cases: list[ActionCase] = []

    @seed(SEED)
    @settings(
        max_examples=max(1, count),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(_cases())
    def take(drawn: tuple[Schema, list[Any]]) -> None:
        case = _case(f"random.s{len(cases):04}", *drawn)
        if case is not None:
            cases.append(case)

    if count:
        take()
    return cases


def _case(name: str, schema: Schema, drawn: list[Any]) -> ActionCase | None:
    if any(_circles(part, schema, ()) for part in _definitions(schema).values()):
        return None
    allows = oracle(schema)
    distinct = list({json.dumps(body): body for body in drawn if isinstance(body, dict)}.values())
    pairs = [(body, allows(body)) for body in distinct]
    return ActionCase(
        id=name,
        input=schema,
        output=schema if int(name[-1]) % 2 else None,
        valid=tuple(body for body, good in pairs if good),
        invalid=tuple(body for body, good in pairs if not good),
    )


def _definitions(schema: Schema) -> Schema:
    definitions: Schema = schema.get("$defs") or schema["definitions"]
    return definitions


def _circles(part: Any, root: Schema, passed: tuple[str, ...]) -> bool:
    """Tell whether a schema leads back to itself without a step into the value."""
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        return name in passed or _circles(_definitions(root)[name], root, (*passed, name))
    inside = [branch for word in ("anyOf", "oneOf", "allOf") for branch in part.get(word, ())]
    return any(_circles(branch, root, passed) for branch in inside)


def oracle(schema: Schema) -> Callable[[Any], bool]:
    """Return the verdict of jsonschema, which nobody here wrote."""
    kind = Draft7Validator if "definitions" in schema else Draft202012Validator
    validator = kind(schema, registry=Registry())
    return validator.is_valid
