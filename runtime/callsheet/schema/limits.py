"""Limit the size and the cost of a schema, and rewrite patterns for an engine of linear time."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, TypeAlias

from callsheet.schema.keywords import IN_PLACE, LINKS, NAMED
from callsheet.schema.references import Draft, SchemaRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import jsonschema_rs


MOST_DEPTH = 64
MOST_NODES = 400_000
MOST_TEXT = 100_000
MOST_PATTERN = 2_000
MOST_BITS = 1_100
MOST_WEIGHT = 100_000
MOST_HOPS = 100
"""Schemas that apply to the same value, each inside or behind the one before."""

Steps: TypeAlias = tuple[str, ...]
Lose: TypeAlias = "Callable[[dict[str, Any], str, str], None]"
"""Take a keyword out of a schema: the schema, the keyword and the reason."""
TargetOf: TypeAlias = "Callable[[dict[str, Any], str], object]"
"""Return what a link leads to: the schema that holds it, and its keyword."""
NOT_LINEAR = "it cannot be matched in linear time"

_PIECE = re.compile(
    r"""
    \\.                                  # an escape
  | \[\^?(?:\\.|[^\]\\])*\]               # a class of characters
  | \(\?(?:<?[=!]|:|P?<\w+>|[a-z-]+[:)])  # a group that says what it is
  | \{\d+(?:,\d*)?\}                     # a quantifier
  | .
    """,
    re.VERBOSE | re.DOTALL,
)
_FLAGS = re.compile(r"\(\?[is]+\)")
_SHORTHAND = re.compile(r"(\\[dDwWsS])-|-(\\[dDwWsS])")
_REPEATS = re.compile(r"[*+?]|\{\d+(?:,\d*)?\}")
_CLASSES = {"[]": r"[^\s\S]", "[^]": r"[\s\S]"}
_ESCAPES = {r"\<": "<", r"\>": ">"}
_AHEAD = ("(?=", "(?!")


class Copier:
    """Copy JSON within limits; ``troubles`` says where the copy differs, and why.

    Depth 64, texts of 100,000 characters, patterns of 2,000, numbers that a double can hold,
    no lone surrogate. Raises ``SchemaRefused`` beyond 400,000 values.
    """

    def __init__(self) -> None:
        self.troubles: dict[Steps, str] = {}
        self._left = MOST_NODES

    def copy(self, node: object, steps: Steps = (), *, is_pattern: bool = False) -> Any:
        """Copy a value that stands at these steps."""
        self._left -= 1
        if self._left < 0:
            raise SchemaRefused(f"more than {MOST_NODES} values", "")
        if len(steps) > MOST_DEPTH:
            return self._note(steps, f"nested deeper than {MOST_DEPTH}", None)
        if isinstance(node, str):
            return self._text(node, steps, is_pattern=is_pattern)
        if isinstance(node, dict):
            is_names = steps[-1:] == ("patternProperties",)
            return {
                (safe := self._name(name, steps, is_pattern=is_names)): self.copy(
                    inner, (*steps, safe), is_pattern=name == "pattern"
                )
                for name, inner in node.items()
            }
        if isinstance(node, list | tuple):
            return [self.copy(inner, (*steps, str(index))) for index, inner in enumerate(node)]
        if isinstance(node, float) and not math.isfinite(node):
            return self._note(steps, "a number that JSON does not have", 0)
        if isinstance(node, int) and node.bit_length() > MOST_BITS:
            return self._note(steps, "a number with too many digits", 0)
        return node

    def _name(self, name: object, steps: Steps, *, is_pattern: bool) -> str:
        text = str(name)
        return self._text(text, (*steps, to_sound_text(text)), is_pattern=is_pattern)

    def _text(self, text: str, steps: Steps, *, is_pattern: bool) -> str:
        most = MOST_PATTERN if is_pattern else MOST_TEXT
        if len(text) > most:
            self._note(steps, f"a text longer than {most} characters", None)
        sound = to_sound_text(text)
        if sound != text[:MOST_TEXT]:
            self._note(steps, "a text with half a character (lone surrogate)", None)
        return sound

    def _note(self, steps: Steps, reason: str, instead: object) -> Any:
        self.troubles[steps] = reason
        return instead


def to_sound_text(text: str) -> str:
    """Return the first 100,000 characters, with a replacement for each lone surrogate."""
    cut = text[:MOST_TEXT]
    return cut if cut.isascii() else _LONE_SURROGATE.sub("\ufffd", cut)


_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class CostCutter:
    """Cut what makes checking one value cost without measure.

    Counted are the schemas that apply to one and the same value, through ``$ref`` and unions,
    each as often as it is reached.
    """

    def __init__(self, target_of: TargetOf, lose: Lose) -> None:
        self._target_of, self._lose = target_of, lose
        self._weights: dict[int, int] = {}
        self._open: set[int] = set()

    def cut(self, schema: dict[str, Any]) -> int:
        """Return how many schemas apply to a value beside one, after cutting below it."""
        mark = id(schema)
        if mark in self._weights:
            return self._weights[mark]
        self._open.add(mark)
        parts = {key: self._weigh(schema, key) for key in (IN_PLACE | LINKS) & schema.keys()}
        while parts and 1 + sum(parts.values()) > MOST_WEIGHT:
            heaviest = max(parts, key=lambda key: (parts[key], key))
            reason = f"more than {MOST_WEIGHT} schemas apply to one value"
            self._lose(schema, heaviest, reason)
            del parts[heaviest]
        self._open.discard(mark)
        self._weights[mark] = 1 + sum(parts.values())
        return self._weights[mark]

    def _weigh(self, schema: dict[str, Any], key: str) -> int:
        weight = 0
        for applied in self._applied(schema, key):
            if not isinstance(applied, dict):
                continue
            if id(applied) in self._open:
                self._lose(schema, key, "the schema applies itself to the same value without end")
                return 0
            if len(self._open) > MOST_HOPS:
                self._lose(schema, key, f"it is the end of a chain of more than {MOST_HOPS}")
                return 0
            weight += self.cut(applied)
        return weight

    def _applied(self, schema: dict[str, Any], key: str) -> list[object]:
        if key in LINKS:
            return [self._target_of(schema, key)]
        return schemas_under(key, schema[key])


def schemas_under(key: str, content: Any) -> list[object]:
    """List the schemas that a keyword holds."""
    if key in NAMED:
        return list(content.values()) if isinstance(content, dict) else []
    return list(content) if isinstance(content, list) else [content]


_PATTERN_BYTES = 1_000_000


def is_possible(pattern: str) -> bool:
    """Tell whether the linear-time engine takes a pattern."""
    try:
        linear_validator({"pattern": pattern}, "2020-12")
    except ValueError:
        return False
    return True


def linear_validator(schema: dict[str, Any] | bool, draft: Draft) -> jsonschema_rs.Validator:
    """Compile the linear-time validator of a schema; raise ``ValueError`` where that fails."""
    import jsonschema_rs as rs

    classes: dict[Draft, type[rs.Validator]] = {
        "draft-04": rs.Draft4Validator,
        "draft-06": rs.Draft6Validator,
        "draft-07": rs.Draft7Validator,
        "2019-09": rs.Draft201909Validator,
        "2020-12": rs.Draft202012Validator,
    }
    limits = rs.RegexOptions(size_limit=_PATTERN_BYTES, dfa_size_limit=_PATTERN_BYTES)
    return classes[draft](schema, pattern_options=limits, retriever=_refuse, validate_formats=False)


def _refuse(uri: str) -> Any:
    raise ValueError(f"{uri[:120]} is not fetched")


def repair_patterns(
    schema: dict[str, Any], lose: Callable[[dict[str, Any], str, str], None]
) -> None:
    """Rewrite what one schema says about patterns; lose what no linear engine can match."""
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and not is_sound(pattern):
        rules, is_whole = linear_rules(pattern)
        del schema["pattern"]
        schema["allOf"] = [*schema.get("allOf", ()), *rules]
        if not schema["allOf"]:
            del schema["allOf"]
        if not is_whole:
            lose(schema, "pattern", f"{pattern[:120]}: {NOT_LINEAR}")
    named = schema.get("patternProperties")
    if not isinstance(named, dict):
        return
    for name in [name for name in named if not is_sound(name)]:
        inner, plain = named.pop(name), respell(name)
        if is_possible(plain):
            named[plain] = {"allOf": [named[plain], inner]} if plain in named else inner
        else:
            lose(schema, "patternProperties", f"{name[:120]}: {NOT_LINEAR}")
            schema["patternProperties"] = named


def is_sound(pattern: str) -> bool:
    """Tell whether the engine takes a pattern, and reads it as ECMA-262 does."""
    return not any(escape in pattern for escape in _ESCAPES) and is_possible(pattern)


def linear_rules(pattern: str) -> tuple[list[dict[str, Any]], bool]:
    """Return schemas that together say what a pattern says, and whether they say all of it.

    A look-ahead at the beginning becomes a rule of its own. Non-texts pass every rule.
    """
    plain = respell(pattern)
    if is_possible(plain):
        return [{"pattern": plain}], True
    pieces = _PIECE.findall(plain)
    choices = _split(pieces)
    if len(choices) == 1:
        return _conjunction(pieces)
    rules = [_conjunction(choice) for choice in choices]
    if not all(is_whole for _, is_whole in rules):
        return [], False
    return [{"anyOf": [_all_of(parts) for parts, _ in rules]}], True


def _conjunction(pieces: Sequence[str]) -> tuple[list[dict[str, Any]], bool]:
    """Return the rules of a pattern without a choice: its look-aheads, then the rest."""
    flags = pieces[0] if pieces and _FLAGS.fullmatch(pieces[0]) else ""
    body = list(pieces[1:] if flags else pieces)
    if body[:1] != ["^"]:
        return _whole_pattern("".join(pieces))
    start = 1
    rules: list[dict[str, Any]] = []
    is_whole = True
    while start < len(body) and body[start] in _AHEAD:
        end = _close(body, start)
        if end is None or _REPEATS.fullmatch("".join(body[end + 1 : end + 2])):
            return [], False
        inner = body[start + 1 : end]
        anchored = ["^", *inner] if len(_split(inner)) == 1 else ["^", "(?:", *inner, ")"]
        parts, is_known = linear_rules(flags + "".join(anchored))
        if body[start] == "(?=":
            rules += parts
        elif is_known:
            rules.append({"not": {"type": "string", **_all_of(parts)}})
        is_whole = is_whole and is_known
        start = end + 1
    if start == 1:
        return _whole_pattern("".join(pieces))
    rest, is_known = _whole_pattern(flags + "^" + "".join(body[start:]))
    return [*rules, *rest], is_whole and is_known


def _whole_pattern(pattern: str) -> tuple[list[dict[str, Any]], bool]:
    if pattern == "^":
        return [], True
    return ([{"pattern": pattern}], True) if is_possible(pattern) else ([], False)


def _all_of(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return parts[0] if len(parts) == 1 else {"allOf": parts} if parts else {}


def _split(pieces: Sequence[str]) -> list[list[str]]:
    """Split a pattern at the bars outside its groups."""
    choices: list[list[str]] = [[]]
    depth = 0
    for piece in pieces:
        depth += _opens(piece) - (piece == ")")
        if piece == "|" and depth == 0:
            choices.append([])
        else:
            choices[-1].append(piece)
    return choices


def _close(pieces: Sequence[str], start: int) -> int | None:
    """Return where the group that opens at ``start`` ends."""
    depth = 0
    for index in range(start, len(pieces)):
        depth += _opens(pieces[index]) - (pieces[index] == ")")
        if depth == 0:
            return index
    return None


def _opens(piece: str) -> bool:
    return piece == "(" or (piece.startswith("(?") and not piece.endswith(")"))


def respell(pattern: str) -> str:
    """Write a pattern of ECMA-262 so that the engine reads it alike.

    A brace that starts no quantifier, and a hyphen beside a shorthand in a class, stand for
    themselves; ``\\<`` is no border of a word.
    """
    return "".join(_respelled(_PIECE.findall(pattern)))


def _respelled(pieces: Sequence[str]) -> Iterator[str]:
    for index, piece in enumerate(pieces):
        if piece == "{" and pieces[index + 1 : index + 2] != [","]:  # Python reads {,5} as {0,5}
            yield "\\{"
        elif piece[0] == "[" and len(piece) > 1:
            yield _CLASSES.get(piece) or _SHORTHAND.sub(_escape_hyphen, piece)
        else:
            yield _ESCAPES.get(piece, piece)


def _escape_hyphen(match: re.Match[str]) -> str:
    return f"{match[1]}\\-" if match[1] else f"\\-{match[2]}"
