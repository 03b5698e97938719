"""Explain in words why a schema refuses a body."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

from callsheet.jsonio import json_equal
from callsheet.schema.keywords import NAMED
from callsheet.schema.shape import kind_of_value
from callsheet.suggest import nearest, nearest_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import jsonschema_rs

    from callsheet.schema.references import Draft


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern is found in a text, by the engine that gives the verdict."""
    from callsheet.schema.limits import linear_validator

    return linear_validator({"pattern": pattern}, "2020-12").is_valid(text)


def message_validator(schema: dict[str, Any] | bool, draft: Draft) -> Any:
    """A validator of jsonschema that fetches nothing and agrees with the verdict.

    Python's own ``re`` is not used: it can hang on a pattern, and reads ``\\d`` and ``$``
    otherwise than ECMA-262. What is unevaluated is left to the verdict, since
    jsonschema reads patterns there with ``re``.
    """
    from jsonschema import validators
    from referencing import Registry

    bases: dict[Draft, Any] = {
        "draft-04": validators.Draft4Validator,
        "draft-06": validators.Draft6Validator,
        "draft-07": validators.Draft7Validator,
        "2019-09": validators.Draft201909Validator,
        "2020-12": validators.Draft202012Validator,
    }
    own = {
        "pattern": _check_pattern,
        "patternProperties": _check_named,
        "additionalProperties": _check_others,
        "unevaluatedProperties": _check_nothing,
        "unevaluatedItems": _check_nothing,
        "multipleOf": _check_multiple,
        "format": _check_nothing,
    }
    extend: Callable[..., Any] = validators.extend
    return extend(bases[draft], own)(schema, registry=Registry())


def _check_nothing(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
    return iter(())


def _error(message: str) -> Any:
    from jsonschema.exceptions import ValidationError

    return ValidationError(message)


def _check_pattern(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if isinstance(instance, str) and not matches(value, instance):
        yield _error("does not match")


def _check_named(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if isinstance(instance, dict):
        for pattern, inner in value.items():
            for name, item in instance.items():
                if matches(pattern, name):
                    yield from validator.descend(item, inner, path=name, schema_path=pattern)


def _check_others(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if not isinstance(instance, dict):
        return
    patterns = schema.get("patternProperties", {})
    known = schema.get("properties", {})
    others = [
        name
        for name in instance
        if name not in known and not any(matches(one, name) for one in patterns)
    ]
    if value is False and others:
        yield _error("has unknown fields")
    elif isinstance(value, dict):
        for name in others:
            yield from validator.descend(instance[name], value, path=name)


def _check_multiple(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if isinstance(instance, bool) or not isinstance(instance, int | float):
        return
    if Fraction(str(instance)) % Fraction(str(value)):
        yield _error("is not a multiple")


_SHOWN = 60
_NAMES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}


def abbreviate(value: object) -> str:
    """A value as JSON, cut to 60 characters."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def describe_choice(given: object, listed: Iterable[Any]) -> str:
    """What to say of a value that is not one of the listed ones."""
    allowed = list(listed)
    if len(allowed) == 1:
        return f"is {abbreviate(given)}, only {abbreviate(allowed[0])} is allowed"
    said = ", ".join(_bare(one) for one in allowed[:20])
    more = f" and {len(allowed) - 20} more" if len(allowed) > 20 else ""
    near = nearest_value(given, allowed)
    hint = f"; did you mean {_bare(near)}?" if near is not None else ""
    return f"is {abbreviate(given)}, allowed: {said}{more}{hint}"


def _bare(value: object) -> str:
    plain = isinstance(value, str) and value.isprintable() and value and not _is_json(value)
    return str(value) if plain else abbreviate(value)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def nearest_value(given: object, listed: Iterable[Any]) -> Any:
    """Return the listed text or number that was probably meant, or ``None``."""
    near: object
    if isinstance(given, int | float) and not isinstance(given, bool):
        near = nearest_number(given, listed)
    else:
        by_text = {str(value): value for value in listed if isinstance(value, str | int | float)}
        name = nearest(str(given), by_text)
        near = by_text[name] if name else None
    return None if near is not None and json_equal(near, given) else near


def describe_limit(keyword: str, given: object, limit: object) -> str:
    """What to say of a value that a keyword refuses."""
    say = _SENTENCES.get(keyword)
    return f"{abbreviate(given)} is not allowed here" if say is None else say(given, limit)


def kind_names(value: Any) -> str:
    """The kinds that a ``type`` keyword allows, in words."""
    kinds = [value] if isinstance(value, str) else list(value)
    return " or ".join(_NAMES.get(kind, str(kind)) for kind in kinds)


def _type(given: object, kinds: Any) -> str:
    kind = _NAMES[kind_of_value(given)]
    said = abbreviate(given) if isinstance(given, str | int | float) or given is None else kind
    return f"is {said}, wanted {kind_names(kinds)}"


def _one(word: str) -> str:
    return {"entries": "entry"}.get(word, word[:-1])


def _count(word: str, bound: str) -> Callable[[Any, Any], str]:
    def say(given: Any, limit: Any) -> str:
        return f"has {len(given)} {_one(word) if len(given) == 1 else word}, {bound} {limit}"

    return say


def _number(bound: str) -> Callable[[Any, Any], str]:
    def say(given: Any, limit: Any) -> str:
        return f"is {abbreviate(given)}, {bound} {abbreviate(limit)}"

    return say


_SENTENCES: Mapping[str, Callable[[Any, Any], str]] = {
    "type": _type,
    "minimum": _number("the least is"),
    "maximum": _number("the most is"),
    "exclusiveMinimum": _number("it must be more than"),
    "exclusiveMaximum": _number("it must be less than"),
    "multipleOf": _number("it must be a multiple of"),
    "pattern": _number("it must match"),
    "minLength": _count("characters", "the least is"),
    "maxLength": _count("characters", "the most is"),
    "minItems": _count("entries", "the least is"),
    "maxItems": _count("entries", "the most is"),
    "minProperties": _count("fields", "the least is"),
    "maxProperties": _count("fields", "the most is"),
    "uniqueItems": lambda given, _: "has the same entry twice",
    "not": lambda given, _: f"is {abbreviate(given)}, which the schema rules out",
    "contains": lambda given, _: "has too few or too many of the entries that are needed",
    "minContains": lambda given, _: "has too few of the entries that are needed",
    "maxContains": lambda given, _: "has too many of the entries that are counted",
    "items": lambda given, _: "has more entries than are allowed",
    "additionalItems": lambda given, _: "has more entries than are allowed",
}


Found: TypeAlias = tuple[tuple[str | int, ...], str, str, tuple[Any, ...]]
"""Pointer, message, keyword and what is allowed."""

_MOST_ERRORS = 100
_LEFT_TO_THE_VERDICT = frozenset(("unevaluatedProperties", "unevaluatedItems", "falseSchema"))


def explain(
    schema: dict[str, Any] | bool,
    draft: Draft,
    verdict: jsonschema_rs.Validator,
    body: object,
) -> list[Found]:
    """Why a refused body is refused; at least one reason, outermost first."""
    found = list(_messages(schema, draft, body))
    plain = [one for error in _plain_errors(verdict, body) for one in _plain(error)]
    too_long = {one[0] for one in found if one[2] in {"items", "additionalItems"}}
    left = [one for one in plain if one[2] in _LEFT_TO_THE_VERDICT and one[0][:-1] not in too_long]
    found += left if found else plain
    if not found:
        found = [((), "is not what the schema allows", "", ())]
    unique = {(one[0], one[1]): one for one in found}
    return sorted(unique.values(), key=lambda one: (len(one[0]), [str(step) for step in one[0]]))


def _messages(schema: dict[str, Any] | bool, draft: Draft, body: object) -> Iterator[Found]:
    """The reasons that jsonschema finds; none where it cannot follow."""
    found: list[Found] = []
    try:
        for count, error in enumerate(message_validator(schema, draft).iter_errors(body)):
            if error.validator is not None:  # of a false schema, jsonschema loses the place
                found.extend(describe(error))
            if count >= _MOST_ERRORS:
                break
    except Exception:  # it raises what it likes; the verdict stands without its words
        return
    yield from found


def _plain_errors(
    verdict: jsonschema_rs.Validator, body: object
) -> Iterable[jsonschema_rs.ValidationError]:
    try:
        return list(verdict.iter_errors(body))
    except (ValueError, TypeError, RecursionError):
        return ()


def _plain(error: jsonschema_rs.ValidationError) -> Iterator[Found]:
    where, keyword = tuple(error.instance_path), error.kind.name
    extra = error.kind.as_dict().get("unexpected")
    if keyword == "falseSchema":
        yield where, f"{abbreviate(error.instance)} is not allowed here", keyword, ()
    elif keyword == "unevaluatedItems":
        yield where, "has entries that the schema does not allow", keyword, ()
    elif isinstance(extra, list) and extra:
        yield from (
            ((*where, name), f"{abbreviate(name)} is not a known field", keyword, ())
            for name in extra
        )
    else:
        yield where, error.message.partition("\n")[0][:200], keyword, ()


def describe(error: Any) -> Iterator[Found]:
    """The reasons in one error of jsonschema; a union is followed to the branch that was meant."""
    where, keyword = tuple(error.absolute_path), str(error.validator)
    if keyword in {"anyOf", "oneOf"}:
        yield from _union(error)
    elif keyword == "required":
        missing = _missing(error)
        if missing:
            yield (*where, missing), "is required and was not given", keyword, ()
    elif keyword in {"additionalProperties", "unevaluatedProperties"}:
        yield from _extras(error)
    elif keyword in {"dependentRequired", "dependencies"}:
        yield from _needed_beside(error)
    elif "propertyNames" in _steps(error.absolute_schema_path):
        name = str(error.instance)
        text = f"the name {describe_limit(keyword, name, error.validator_value)}"
        yield (*where, name), text, "propertyNames", ()
    elif keyword in {"enum", "const"}:
        listed = error.validator_value if keyword == "enum" else [error.validator_value]
        yield where, describe_choice(error.instance, listed), keyword, tuple(listed)
    else:
        yield (
            where,
            describe_limit(keyword, error.instance, error.validator_value),
            keyword,
            _allowed(error.validator_value),
        )


def _allowed(value: Any) -> tuple[Any, ...]:
    return (value,) if isinstance(value, str | int | float) else ()


def _steps(path: Iterable[str | int]) -> list[str]:
    """The keywords of a path through a schema, without names of fields."""
    found: list[str] = []
    for step in map(str, path):
        found.append("" if found and found[-1] in NAMED else step)
    return found


def _needed_beside(error: Any) -> Iterator[Found]:
    """The fields that another one needs; jsonschema makes one error for each and quotes both."""
    where, keyword = tuple(error.absolute_path), str(error.validator)
    for name, needed in error.validator_value.items():
        if name in error.instance and isinstance(needed, list):
            for one in needed:
                if one not in error.instance:
                    yield (*where, one), f"is required beside {abbreviate(name)}", keyword, ()


def _missing(error: Any) -> str:
    """jsonschema makes one error for each missing name and quotes it first."""
    names = [name for name in error.validator_value if name not in error.instance]
    return next((name for name in names if error.message.startswith(repr(name))), "")


def _extras(error: Any) -> Iterator[Found]:
    known = list(error.schema.get("properties", {}))
    where = tuple(error.absolute_path)
    for name in sorted(set(error.instance) - set(known), key=str):
        if any(matches(pattern, name) for pattern in error.schema.get("patternProperties", {})):
            continue
        near = nearest_value(name, known)
        hint = f"; did you mean {abbreviate(near)}?" if near else ""
        text = f"{abbreviate(name)} is not a known field{hint}"
        yield (*where, name), text, str(error.validator), tuple(known)


def _union(error: Any) -> Iterator[Found]:
    where, keyword = tuple(error.absolute_path), str(error.validator)
    branches = _branches(error)
    if not branches:
        yield where, f"is {abbreviate(error.instance)}, which fits more than one form", keyword, ()
        return
    listed = _listed(error)
    if listed is not None:
        yield where, describe_choice(error.instance, listed), keyword, tuple(listed)
        return
    needed = _alternatives(branches, len(where))
    if needed:
        names = " or ".join(abbreviate(name) for name in needed)
        yield (*where, needed[0]), f"is missing: {names} is required", "required", tuple(needed)
        return
    meant = _meant(branches, len(where))
    if meant is None:
        yield _tags(branches) or _kinds(error, branches)
        return
    for inner in meant:
        yield from describe(inner)


def _kinds(error: Any, branches: list[list[Any]]) -> Found:
    """The kinds that the forms want, where the value is of none of them."""
    kinds = [one.validator_value for branch in branches for one in branch if _at(one, error)]
    said = f"is {abbreviate(error.instance)}"
    text = f"{said}, which fits none of the forms"
    if len(kinds) == len(branches):
        text = f"{said}, wanted {' or '.join(dict.fromkeys(map(kind_names, kinds)))}"
    return tuple(error.absolute_path), text, str(error.validator), ()


def _at(one: Any, union: Any) -> bool:
    return one.validator == "type" and len(one.absolute_path) == len(union.absolute_path)


def _branches(error: Any) -> list[list[Any]]:
    found: dict[Any, list[Any]] = {}
    for one in error.context or ():
        found.setdefault(one.schema_path[0], []).append(one)
    return list(found.values())


def _alternatives(branches: list[list[Any]], depth: int) -> list[str]:
    """One missing field of each form, where nothing else is wrong with any of them."""
    alone = all(
        one.validator == "required" and _depth(one) == depth
        for branch in branches
        for one in branch
    )
    names = [_missing(branch[0]) for branch in branches] if alone else []
    return list(dict.fromkeys(names)) if all(names) else []


def _listed(error: Any) -> list[Any] | None:
    """The choices of all branches, where each is a list of choices, a constant or null."""
    found: list[Any] = []
    for branch in error.validator_value:
        if not isinstance(branch, dict):
            return None
        if "const" in branch:
            found.append(branch["const"])
        elif "enum" in branch:
            found.extend(branch["enum"])
        elif branch.get("type") == "null":
            found.append(None)
        else:
            return None
    return found


def _meant(branches: list[list[Any]], depth: int) -> list[Any] | None:
    """The branch that the value was written for, where one fits better than all others.

    A wrong kind of value counts most, then a wrong constant (the field that tells the
    branches apart), then fields that miss or are unknown, then the number of errors.
    """

    def misfit(branch: list[Any]) -> tuple[int, int, int, int]:
        kinds = sum(1 for one in branch if one.validator == "type" and _depth(one) == depth)
        tags = sum(1 for one in branch if one.validator in {"const", "enum"})
        fields = sum(1 for one in branch if one.validator in {"required", "additionalProperties"})
        return kinds, tags, fields, len(branch)

    ranked = sorted(branches, key=misfit)
    best = misfit(ranked[0])
    if best[0] or (len(ranked) > 1 and misfit(ranked[1]) == best):
        return None
    return ranked[0]


def _tags(branches: list[list[Any]]) -> Found | None:
    """The field that tells the branches apart, where its value is none of theirs."""
    tagged = [
        {tuple(one.absolute_path): one for one in branch if one.validator in {"const", "enum"}}
        for branch in branches
    ]
    places = set.intersection(*(set(one) for one in tagged))
    if len(places) != 1:
        return None
    (place,) = places
    errors = [one[place] for one in tagged]
    listed: list[Any] = []
    for error in errors:
        own = error.validator_value if error.validator == "enum" else [error.validator_value]
        listed.extend(one for one in own if one not in listed)
    return place, describe_choice(errors[0].instance, listed), "enum", tuple(listed)


def _depth(error: Any) -> int:
    return len(error.absolute_path)
