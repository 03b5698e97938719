"""Explain in words why a schema refuses a body."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

from callsheet.jsonio import json_equal
from callsheet.schema.keywords import NAMED
from callsheet.schema.shape import kind_of_value
from callsheet.text import nearest, nearest_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import jsonschema_rs

    from callsheet.schema.references import Draft


def matches(pattern: str, text: str) -> bool:
    """Tell whether a pattern is found in a text, by the engine that gives the verdict."""
    from callsheet.schema.limits import linear_validator

    return linear_validator({"pattern": pattern}, "2020-12").is_valid(text)


def message_validator(schema: dict[str, Any] | bool, draft: Draft) -> Any:
    """Build a validator of jsonschema that fetches nothing and agrees with the verdict.

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


def _check_nothing(validator: Any, keyword_value: Any, instance: Any, schema: Any) -> Iterator[Any]:
    return iter(())


def _error(message: str) -> Any:
    from jsonschema.exceptions import ValidationError

    return ValidationError(message)


def _check_pattern(validator: Any, pattern: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if isinstance(instance, str) and not matches(pattern, instance):
        yield _error("does not match")


def _check_named(validator: Any, by_pattern: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if isinstance(instance, dict):
        for pattern, inner in by_pattern.items():
            for name, field in instance.items():
                if matches(pattern, name):
                    yield from validator.descend(field, inner, path=name, schema_path=pattern)


def _check_others(validator: Any, others_schema: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if not isinstance(instance, dict):
        return
    patterns = schema.get("patternProperties", {})
    properties = schema.get("properties", {})
    others = [
        name
        for name in instance
        if name not in properties and not any(matches(pattern, name) for pattern in patterns)
    ]
    if others_schema is False and others:
        yield _error("has unknown fields")
    elif isinstance(others_schema, dict):
        for name in others:
            yield from validator.descend(instance[name], others_schema, path=name)


def _check_multiple(validator: Any, step: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if isinstance(instance, bool) or not isinstance(instance, int | float):
        return
    if Fraction(str(instance)) % Fraction(str(step)):
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


def abbreviate(document: object) -> str:
    """Write a value as JSON, cut to 60 characters."""
    text = json.dumps(document, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def describe_choice(actual: object, choices: Iterable[Any]) -> str:
    """Describe a value that is not one of the choices."""
    allowed = list(choices)
    if len(allowed) == 1:
        return f"is {abbreviate(actual)}, only {abbreviate(allowed[0])} is allowed"
    names = ", ".join(_bare_text(choice) for choice in allowed[:20])
    more = f" and {len(allowed) - 20} more" if len(allowed) > 20 else ""
    near = nearest_value(actual, allowed)
    hint = f"; did you mean {_bare_text(near)}?" if near is not None else ""
    return f"is {abbreviate(actual)}, allowed: {names}{more}{hint}"


def _bare_text(choice: object) -> str:
    plain = isinstance(choice, str) and choice.isprintable() and choice and not _is_json(choice)
    return str(choice) if plain else abbreviate(choice)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def nearest_value(actual: object, choices: Iterable[Any]) -> Any:
    """Return the listed text or number that was probably meant, or ``None``."""
    near: object
    if isinstance(actual, int | float) and not isinstance(actual, bool):
        near = nearest_number(actual, choices)
    else:
        by_text = {
            str(choice): choice for choice in choices if isinstance(choice, str | int | float)
        }
        name = nearest(str(actual), by_text)
        near = by_text[name] if name else None
    return None if near is not None and json_equal(near, actual) else near


def describe_limit(keyword: str, actual: object, limit: object) -> str:
    """Describe a value that a keyword refuses."""
    sentence = _SENTENCES.get(keyword)
    return (
        f"{abbreviate(actual)} is not allowed here" if sentence is None else sentence(actual, limit)
    )


def kind_names(types: Any) -> str:
    """Name the kinds that a ``type`` keyword allows."""
    kinds = [types] if isinstance(types, str) else list(types)
    return " or ".join(_NAMES.get(kind, str(kind)) for kind in kinds)


def _type_sentence(actual: object, kinds: Any) -> str:
    kind = _NAMES[kind_of_value(actual)]
    text = abbreviate(actual) if isinstance(actual, str | int | float) or actual is None else kind
    return f"is {text}, wanted {kind_names(kinds)}"


def _count_sentence(word: str, bound: str) -> Callable[[Any, Any], str]:
    singular = {"entries": "entry"}.get(word, word[:-1])

    def sentence(actual: Any, limit: Any) -> str:
        return f"has {len(actual)} {singular if len(actual) == 1 else word}, {bound} {limit}"

    return sentence


def _number_sentence(bound: str) -> Callable[[Any, Any], str]:
    def sentence(actual: Any, limit: Any) -> str:
        return f"is {abbreviate(actual)}, {bound} {abbreviate(limit)}"

    return sentence


def _excluded(schema: Any) -> str:
    """Describe what ``not`` rules out; look-aheads become rules of that kind."""
    if isinstance(schema, dict) and schema.keys() == {"type", "pattern"}:
        return f"it must not match {abbreviate(schema['pattern'])}"
    return "which the schema rules out"


_SENTENCES: Mapping[str, Callable[[Any, Any], str]] = {
    "type": _type_sentence,
    "minimum": _number_sentence("the least is"),
    "maximum": _number_sentence("the most is"),
    "exclusiveMinimum": _number_sentence("it must be more than"),
    "exclusiveMaximum": _number_sentence("it must be less than"),
    "multipleOf": _number_sentence("it must be a multiple of"),
    "pattern": _number_sentence("it must match"),
    "minLength": _count_sentence("characters", "the least is"),
    "maxLength": _count_sentence("characters", "the most is"),
    "minItems": _count_sentence("entries", "the least is"),
    "maxItems": _count_sentence("entries", "the most is"),
    "minProperties": _count_sentence("fields", "the least is"),
    "maxProperties": _count_sentence("fields", "the most is"),
    "uniqueItems": lambda actual, _: "has the same entry twice",
    "not": lambda actual, limit: f"is {abbreviate(actual)}, {_excluded(limit)}",
    "contains": lambda actual, _: "has too few or too many of the entries that are needed",
    "minContains": lambda actual, _: "has too few of the entries that are needed",
    "maxContains": lambda actual, _: "has too many of the entries that are counted",
    "items": lambda actual, _: "has more entries than are allowed",
    "additionalItems": lambda actual, _: "has more entries than are allowed",
}


Reason: TypeAlias = tuple[tuple[str | int, ...], str, str, tuple[Any, ...]]
"""Pointer, message, keyword and what is allowed."""

_MOST_ERRORS = 100
_NOT_EXPLAINED = frozenset(("unevaluatedProperties", "unevaluatedItems", "falseSchema"))


def explain(
    schema: dict[str, Any] | bool,
    draft: Draft,
    verdict: jsonschema_rs.Validator,
    body: object,
) -> list[Reason]:
    """Explain why a refused body is refused; at least one reason, outermost first."""
    reasons = list(_explained(schema, draft, body))
    by_verdict = [
        reason for error in _verdict_errors(verdict, body) for reason in _describe_plain(error)
    ]
    too_long = {reason[0] for reason in reasons if reason[2] in {"items", "additionalItems"}}
    remaining = [
        reason
        for reason in by_verdict
        if reason[2] in _NOT_EXPLAINED and reason[0][:-1] not in too_long
    ]
    reasons += remaining if reasons else by_verdict
    if not reasons:
        reasons = [((), "is not what the schema allows", "", ())]
    unique = {(reason[0], reason[1]): reason for reason in reasons}
    return sorted(
        unique.values(), key=lambda reason: (len(reason[0]), [str(step) for step in reason[0]])
    )


def _explained(schema: dict[str, Any] | bool, draft: Draft, body: object) -> Iterator[Reason]:
    """Collect the reasons that jsonschema finds; none where it cannot follow."""
    reasons: list[Reason] = []
    try:
        for count, error in enumerate(message_validator(schema, draft).iter_errors(body)):
            if error.validator is not None:  # of a false schema, jsonschema loses the place
                reasons.extend(describe(error))
            if count >= _MOST_ERRORS:
                break
    except Exception:  # it raises what it likes; the verdict stands without its words
        return
    yield from reasons


def _verdict_errors(
    verdict: jsonschema_rs.Validator, body: object
) -> Iterable[jsonschema_rs.ValidationError]:
    try:
        return list(verdict.iter_errors(body))
    except (ValueError, TypeError, RecursionError):
        return ()


def _describe_plain(error: jsonschema_rs.ValidationError) -> Iterator[Reason]:
    pointer, keyword = tuple(error.instance_path), error.kind.name
    extra = error.kind.as_dict().get("unexpected")
    if keyword == "falseSchema":
        yield pointer, f"{abbreviate(error.instance)} is not allowed here", keyword, ()
    elif keyword == "unevaluatedItems":
        yield pointer, "has entries that the schema does not allow", keyword, ()
    elif isinstance(extra, list) and extra:
        yield from (
            ((*pointer, name), f"{abbreviate(name)} is not a known field", keyword, ())
            for name in extra
        )
    else:
        yield pointer, error.message.partition("\n")[0][:200], keyword, ()


def describe(error: Any) -> Iterator[Reason]:
    """Describe one error of jsonschema; a union is followed to its most likely branch."""
    pointer, keyword = tuple(error.absolute_path), str(error.validator)
    if keyword in {"anyOf", "oneOf"}:
        yield from _union(error)
    elif keyword == "required":
        missing = _missing_name(error)
        if missing:
            yield (*pointer, missing), "is required and was not given", keyword, ()
    elif keyword in {"additionalProperties", "unevaluatedProperties"}:
        yield from _unknown_fields(error)
    elif keyword in {"dependentRequired", "dependencies"}:
        yield from _dependent_fields(error)
    elif "propertyNames" in _steps(error.absolute_schema_path):
        name = str(error.instance)
        text = f"the name {describe_limit(keyword, name, error.validator_value)}"
        yield (*pointer, name), text, "propertyNames", ()
    elif keyword in {"enum", "const"}:
        choices = error.validator_value if keyword == "enum" else [error.validator_value]
        yield pointer, describe_choice(error.instance, choices), keyword, tuple(choices)
    else:
        yield (
            pointer,
            describe_limit(keyword, error.instance, error.validator_value),
            keyword,
            (limit,) if isinstance(limit := error.validator_value, str | int | float) else (),
        )


def _steps(path: Iterable[str | int]) -> list[str]:
    """Return the keywords of a path through a schema, without names of fields."""
    keywords: list[str] = []
    for step in map(str, path):
        keywords.append("" if keywords and keywords[-1] in NAMED else step)
    return keywords


def _dependent_fields(error: Any) -> Iterator[Reason]:
    """Name the fields that another one needs; jsonschema makes one error for each."""
    pointer, keyword = tuple(error.absolute_path), str(error.validator)
    for field, needed in error.validator_value.items():
        if field in error.instance and isinstance(needed, list):
            for name in needed:
                if name not in error.instance:
                    yield (*pointer, name), f"is required beside {abbreviate(field)}", keyword, ()


def _missing_name(error: Any) -> str:
    """Return the name that a ``required`` error quotes; each name has its own error."""
    names = [name for name in error.validator_value if name not in error.instance]
    return next((name for name in names if error.message.startswith(repr(name))), "")


def _unknown_fields(error: Any) -> Iterator[Reason]:
    properties = list(error.schema.get("properties", {}))
    pointer = tuple(error.absolute_path)
    for name in sorted(set(error.instance) - set(properties), key=str):
        if any(matches(pattern, name) for pattern in error.schema.get("patternProperties", {})):
            continue
        near = nearest_value(name, properties)
        hint = f"; did you mean {abbreviate(near)}?" if near else ""
        text = f"{abbreviate(name)} is not a known field{hint}"
        yield (*pointer, name), text, str(error.validator), tuple(properties)


def _union(error: Any) -> Iterator[Reason]:
    pointer, keyword = tuple(error.absolute_path), str(error.validator)
    branches = _errors_by_branch(error)
    if not branches:
        yield (
            pointer,
            f"is {abbreviate(error.instance)}, which fits more than one form",
            keyword,
            (),
        )
        return
    choices = _listed_choices(error)
    if choices is not None:
        yield pointer, describe_choice(error.instance, choices), keyword, tuple(choices)
        return
    needed = _alternatives(_likest(error, branches), len(pointer))
    if needed:
        names = " or ".join(abbreviate(name) for name in needed)
        yield (*pointer, needed[0]), f"is missing: {names} is required", "required", tuple(needed)
        return
    branch = _best_branch(branches, len(pointer))
    if branch is None:
        yield _wrong_tag(branches) or _wrong_kind(error, branches)
        return
    for inner in branch:
        yield from describe(inner)


def _wrong_kind(error: Any, branches: list[list[Any]]) -> Reason:
    """Name the kinds that the forms want, where the value is of none of them."""
    kinds = [
        inner.validator_value
        for branch in branches
        for inner in branch
        if inner.validator == "type" and _depth(inner) == _depth(error)
    ]
    subject = f"is {abbreviate(error.instance)}"
    text = f"{subject}, which fits none of the forms"
    if len(kinds) == len(branches):
        text = f"{subject}, wanted {' or '.join(dict.fromkeys(map(kind_names, kinds)))}"
    return tuple(error.absolute_path), text, str(error.validator), ()


def _errors_by_branch(error: Any) -> list[list[Any]]:
    branches: dict[Any, list[Any]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    return list(branches.values())


def _likest(error: Any, branches: list[list[Any]]) -> list[list[Any]]:
    """Return the errors of the forms that name the most of the given fields; of all, if none."""
    if not isinstance(error.instance, dict) or len(branches) != len(error.validator_value):
        return branches
    firsts = (branch[0] for branch in branches)
    forms = [e.schema.get("properties", ()) if _depth(e) == _depth(error) else () for e in firsts]
    named = [len(error.instance.keys() & set(form)) for form in forms]
    return [branch for branch, count in zip(branches, named, strict=True) if count == max(named)]


def _alternatives(branches: list[list[Any]], depth: int) -> list[str]:
    """Return one missing field of each form, where nothing else is wrong with any of them."""
    alone = all(
        error.validator == "required" and _depth(error) == depth
        for branch in branches
        for error in branch
    )
    names = [_missing_name(branch[0]) for branch in branches] if alone else []
    return list(dict.fromkeys(names)) if all(names) else []


def _listed_choices(error: Any) -> list[Any] | None:
    """Return the choices of all branches, where each is a list of choices, a constant or null."""
    choices: list[Any] = []
    for branch in error.validator_value:
        if not isinstance(branch, dict):
            return None
        if "const" in branch:
            choices.append(branch["const"])
        elif "enum" in branch:
            choices.extend(branch["enum"])
        elif branch.get("type") == "null":
            choices.append(None)
        else:
            return None
    return choices


def _best_branch(branches: list[list[Any]], depth: int) -> list[Any] | None:
    """Return the branch that the value was written for, where one fits better than all others.

    A wrong kind of value counts most, then a wrong constant (the field that tells the
    branches apart), then fields that miss or are unknown, then the number of errors.
    """

    def misfit(branch: list[Any]) -> tuple[int, int, int, int]:
        kinds = sum(1 for error in branch if error.validator == "type" and _depth(error) == depth)
        tags = sum(map(_is_choice, branch))
        fields = sum(
            1 for error in branch if error.validator in {"required", "additionalProperties"}
        )
        return kinds, tags, fields, len(branch)

    ranked = sorted(branches, key=misfit)
    best = misfit(ranked[0])
    if best[0] or (len(ranked) > 1 and misfit(ranked[1]) == best):
        return None
    return ranked[0]


def _wrong_tag(branches: list[list[Any]]) -> Reason | None:
    """Find the field that tells the branches apart, where its value is none of theirs."""
    by_pointer = [
        {tuple(error.absolute_path): error for error in branch if _is_choice(error)}
        for branch in branches
    ]
    pointers = set.intersection(*map(set, by_pointer))
    if len(pointers) != 1:
        return None
    (pointer,) = pointers
    errors = [tagged[pointer] for tagged in by_pointer]
    choices: list[Any] = []
    for error in errors:
        own = error.validator_value if error.validator == "enum" else [error.validator_value]
        choices.extend(choice for choice in own if choice not in choices)
    return pointer, describe_choice(errors[0].instance, choices), "enum", tuple(choices)


def _is_choice(error: Any) -> bool:
    return error.validator in {"const", "enum"}


def _depth(error: Any) -> int:
    return len(error.absolute_path)
