"""Random bodies: drawn along a schema, and spoilt a little."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXTS = (
    *("", "x", "abc", "null", "true", "5", "1.50", "@file", "-dash", "--flag", " spaced "),
    *("a,b", "[1]", '{"a":1}', '"quoted"', "é猫", "12", "xx", "https://a.example/x,y", "007"),
)
_TEXT = st.one_of(st.sampled_from(TEXTS), st.text(st.characters(codec="utf-8"), max_size=6))
_NUMBER = st.one_of(
    st.integers(-9, 99),
    st.sampled_from([0.5, 1.0, -2.5, 10.0, 1e21, 12345678901234567890]),
)
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), _NUMBER, _TEXT),
    lambda child: st.one_of(st.lists(child, max_size=3), st.dictionaries(_TEXT, child, max_size=3)),
    max_leaves=4,
)
_DEEPEST = 6


@st.composite
def bodies(draw: st.DrawFn, schema: dict[str, Any]) -> Any:
    """Draw a body that the schema probably allows."""
    return _value(draw, schema, schema, 0)


def _value(draw: st.DrawFn, schema: Any, root: Mapping[str, Any], depth: int) -> Any:
    if not isinstance(schema, dict) or not schema:
        return draw(ANYTHING)
    if "$ref" in schema:
        target: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return _value(draw, target, root, depth + 1) if depth < _DEEPEST * 2 else {}
    if "const" in schema or "enum" in schema:
        return draw(st.sampled_from(schema.get("enum") or [schema["const"]]))
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return _value(draw, draw(st.sampled_from(schema[word])), root, depth + 1)
    if "allOf" in schema:
        parts = [_value(draw, part, root, depth + 1) for part in schema["allOf"]]
        return {
            name: field for part in parts if isinstance(part, dict) for name, field in part.items()
        }
    kind = schema.get("type")
    kind = draw(st.sampled_from(kind)) if isinstance(kind, list) else kind
    if kind is None and draw(st.booleans()):
        kind = "object" if "properties" in schema else "array" if "items" in schema else None
    return _KINDS[str(kind)](draw, schema, root, depth)


def _object(draw: st.DrawFn, schema: Any, root: Mapping[str, Any], depth: int) -> Any:
    needed = schema.get("required", ())
    names = [
        name
        for name in schema.get("properties", {})
        if name in needed or (depth < _DEEPEST and draw(st.booleans()))
    ]
    names = draw(st.permutations(names))
    body = {n: _value(draw, schema["properties"][n], root, depth + 1) for n in names}
    more = schema.get("additionalProperties", {})
    if more is not False and draw(st.integers(0, 3)) == 0:
        body[draw(_TEXT)] = _value(draw, more, root, depth + 1)
    for word in schema.get("patternProperties", ()):
        body[f"{word.removeprefix('^')}1"] = _value(
            draw, schema["patternProperties"][word], root, depth + 1
        )
    return body


def _array(draw: st.DrawFn, schema: Any, root: Mapping[str, Any], depth: int) -> Any:
    least = schema.get("minItems", 0)
    most = schema.get("maxItems", 3) if depth < _DEEPEST else least
    count = draw(st.integers(least, max(least, most)))
    first = [_value(draw, part, root, depth + 1) for part in schema.get("prefixItems", ())]
    if schema.get("items") is False or (first and draw(st.booleans())):
        return first
    return first + [_value(draw, schema.get("items", {}), root, depth + 1) for _ in range(count)]


def _text(draw: st.DrawFn, schema: Any, root: Mapping[str, Any], depth: int) -> Any:
    if "pattern" in schema:
        return draw(st.from_regex(schema["pattern"], fullmatch=True, alphabet="abx0129:/htps-"))
    if "maxLength" in schema:
        sizes = {"min_size": schema["minLength"], "max_size": schema["maxLength"]}
        return draw(st.text(st.characters(codec="utf-8"), **sizes))
    return draw(_TEXT)


def _number(draw: st.DrawFn, schema: Any, root: Mapping[str, Any], depth: int) -> Any:
    step = schema.get("multipleOf", 1)
    factor = draw(st.integers(-6, 60))
    number = factor * step if step != 1 else factor
    if schema["type"] == "integer" or not draw(st.booleans()):
        return number
    return draw(st.sampled_from([float(number), number + 0.5 if step == 1 else number]))


_KINDS: dict[str, Any] = {
    "object": _object,
    "array": _array,
    "string": _text,
    "integer": _number,
    "number": lambda draw, schema, root, depth: _number(
        draw, {**schema, "type": "number"}, root, depth
    ),
    "boolean": lambda draw, schema, root, depth: draw(st.booleans()),
    "null": lambda draw, schema, root, depth: None,
    "None": lambda draw, schema, root, depth: draw(ANYTHING),
}


@st.composite
def spoilt(draw: st.DrawFn, body: Any) -> Any:
    """Draw a body with one value changed, one field gone, or one too many."""
    if isinstance(body, dict) and body and draw(st.integers(0, 3)):
        name = draw(st.sampled_from(sorted(body)))
        how = draw(st.integers(0, 2))
        if how == 0:
            del body[name]
        else:
            body[name] = draw(spoilt(body[name]) if how == 1 else ANYTHING)
        return body
    if isinstance(body, dict):
        return {**body, draw(_TEXT): draw(ANYTHING)}
    if isinstance(body, list) and body:
        return [draw(spoilt(body[0])), *body[1:]]
    return draw(ANYTHING)
