"""Rewrite patterns, so that an engine that runs in linear time takes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from callsheet.schema.limits import is_possible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


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


def mend_patterns(schema: dict[str, Any], lose: Callable[[dict[str, Any], str, str], None]) -> None:
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
