"""Takes impossible patterns out of a schema so that it can only let more through, never less."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.schema.keywords import NAMED, ONE, SEVERAL

if TYPE_CHECKING:
    from collections.abc import Callable

_AROUND_NAMES = ("additionalProperties", "unevaluatedProperties")
_REVERSING = ("not", "if", "then", "else")


def loosen(
    schema: dict[str, Any], possible: Callable[[str], bool]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A copy without the patterns that ``possible`` denies, and those patterns.

    What a removal could make stricter goes too: ``not`` and conditions over such a pattern,
    an upper bound on matches, ``additionalProperties`` beside a pattern of names; ``oneOf``
    becomes ``anyOf``. A link counts as holding one, since its target may.
    """
    walk = _Walk(possible)
    return walk.object(schema), tuple(dict.fromkeys(walk.removed))


class _Walk:
    def __init__(self, possible: Callable[[str], bool]) -> None:
        self.removed: list[str] = []
        self._possible = possible

    def object(self, schema: dict[str, Any]) -> dict[str, Any]:
        copy: dict[str, Any] = {}
        for key, value in schema.items():
            if key == "pattern" and isinstance(value, str) and not self._keeps(value):
                continue
            copy[key] = self._value(key, value)
        if self._names_removed(schema):
            for key in _AROUND_NAMES:
                copy.pop(key, None)
        self._unreverse(schema, copy)
        return copy

    def _value(self, key: str, value: Any) -> Any:
        if key in NAMED and isinstance(value, dict):
            names = key != "patternProperties"
            return {
                name: self._schema(item)
                for name, item in value.items()
                if names or self._keeps(name)
            }
        if key in SEVERAL or key in ONE:
            return self._schema(value)
        if isinstance(value, dict) and key not in {"const", "default"}:
            return self.object(value)  # a $ref may point under a keyword that nobody knows
        return value

    def _schema(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._schema(item) for item in value]
        return self.object(value) if isinstance(value, dict) else value

    def _keeps(self, pattern: str) -> bool:
        if self._possible(pattern):
            return True
        self.removed.append(pattern)
        return False

    def _names_removed(self, schema: dict[str, Any]) -> bool:
        named = schema.get("patternProperties")
        return isinstance(named, dict) and not all(map(self._possible, named))

    def _unreverse(self, schema: dict[str, Any], copy: dict[str, Any]) -> None:
        if self._touches(schema.get("not")):
            copy.pop("not", None)
        if self._touches(schema.get("if")):
            for key in _REVERSING[1:]:
                copy.pop(key, None)
        if "maxContains" in copy and self._touches(schema.get("contains")):
            del copy["maxContains"]
        if self._touches(schema.get("oneOf")):
            branches = copy.pop("oneOf")
            copy["allOf"] = [*copy.get("allOf", ()), {"anyOf": branches}]

    def _touches(self, value: Any) -> bool:
        """Whether an impossible pattern stands in the value, or may behind a link in it."""
        if isinstance(value, list):
            return any(map(self._touches, value))
        if not isinstance(value, dict):
            return False
        if "$ref" in value or "$dynamicRef" in value:
            return True
        pattern = value.get("pattern")
        if isinstance(pattern, str) and not self._possible(pattern):
            return True
        return self._names_removed(value) or any(map(self._touches, value.values()))
