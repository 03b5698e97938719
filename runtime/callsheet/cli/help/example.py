"""Make the command line that a page ends with: it can be pasted, and its schema takes it."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from callsheet.cli.input import options, values
from callsheet.cli.input.request import put, schema_of
from callsheet.secret import is_sensitive
from callsheet.text import kebab, one_line, safe_text, word_set

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from callsheet.spec import Action, Param


_LONGEST_VALUE = 120
_MORE = 2
_PROMPT = "ocean waves"
_TEXT_WORDS = word_set("prompt text query description message content question title topic")
_BY_WORD = {
    "url": "https://example.com/",
    "uri": "https://example.com/",
    "link": "https://example.com/",
    "email": "name@example.com",
    "date": "2026-01-31",
    "time": "12:30",
    "timezone": "Europe/Berlin",
    "language": "en",
    "currency": "usd",
    "country": "US",
    "path": "example.txt",
    "file": "example.txt",
}
_BY_MEDIUM = {"video": "video.mp4", "image": "image.png", "audio": "audio.mp3"}
# Tried in this order where a pattern or a length refuses the value that the name suggests.
_OTHERS = (
    "example", "a", "abcdefgh", "1", "12345678", "A1", "2026-01-31", "2026-01-31T12:30:00Z",
    "12:30", "https://example.com/", "name@example.com", "en", "en-US", "1.0.0", "1:1", "/a",
    "123e4567-e89b-12d3-a456-426614174000", "#a1b2c3", "a_1", "A", "0", "aa", "aaa",
)  # fmt: skip


def example_line(action: Action, prog: str) -> str:
    """Return a command line to paste; ``--skeleton`` stands where the schema gives no values."""
    words = [prog, *action.command]
    body = example_body(action)
    if body is None or not action.typed:
        return " ".join([*words, "--skeleton" if action.typed else "--input '{}'"])
    words += values.to_argv(action, body)
    if options.is_job(action):
        words += ["--out", _file_name(action)]
    text = " ".join(map(_quoted, words))
    return text if safe_text(text) == text else " ".join([prog, *action.command, "--skeleton"])


def example_body(action: Action) -> dict[str, Any] | None:
    """Make a body of what is required and a little more; ``None`` where a value cannot be made."""
    body: dict[str, Any] = {}
    params = [p for p in action.params if p.only != "wait" and not options.is_deadline(p, action)]
    needed = [p for p in params if p.required]
    parents = {p.path[:-1] for p in needed}
    for param in (p for p in needed if p.path not in parents):
        example = _value(param)
        if example is None:
            return None
        put(body, param.path, json.loads(example))
    more = [p for p in params if not (p.required or p.hidden or p.only) and len(p.path) == 1]
    for param in _chosen(more, is_empty=not body):
        put(body, param.path, json.loads(_value(param) or "null"))
    return body


def text_param(action: Action) -> Param | None:
    """Return the field that a bare text is meant for: the required text, else a job's prompt."""
    texts = [p for p in options.params_with_flag(action) if p.kind == "string" and not p.choices]
    plain = [p for p in texts if len(p.path) == 1 and not p.media and p.only != "wait"]
    needed = [p for p in plain if p.required]
    prompts = [p for p in plain if p.path[0] in _TEXT_WORDS and {p.default, p.sent} == {None}]
    wanted = [p for p in needed if p in prompts] or needed
    return next(iter(wanted or (prompts if options.is_job(action) else ())), None)


def line_with_text(action: Action, prog: str, text: str) -> str:
    """Return the command line that gives ``text`` to the action; empty where none is meant."""
    param = text_param(action)
    if param is None:
        return ""
    words = [prog, *action.command, *values.to_argv(action, {param.path[0]: one_line(text)})]
    return " ".join(map(_quoted, words))


def _chosen(params: list[Param], *, is_empty: bool) -> list[Param]:
    """Return what to show of the fields that may be left out.

    Those with an example, two at most; in an empty body else the prompt, else a choice.
    """
    with_example = [p for p in params if p.example is not None and _is_usable(p, p.example)]
    if with_example or not is_empty:
        return with_example[:_MORE]
    prompts = [p for p in params if p.kind == "string" and p.path[0] in _TEXT_WORDS]
    return (prompts or [p for p in params if p.choices])[:1]


def _value(param: Param) -> str | None:
    """Return a value as JSON text that the parameter's limits allow; ``None`` for none.

    An example, the default and the first choice go before what kind and name suggest.
    """
    return next((text for text in _candidates(param) if _is_usable(param, text)), None)


def _candidates(param: Param) -> Iterator[str]:
    if not is_sensitive(param.path[-1]):
        yield from filter(None, (param.example, param.default if param.default != '""' else None))
    is_list = param.kind == "array"
    for candidate in [*param.choices[:1], *([] if param.choices else _made(param))]:
        if is_list:
            least = param.limits.get("minItems", 1)
            yield json.dumps([candidate] * max(1, least if isinstance(least, int) else 1))
        else:
            yield json.dumps(candidate, ensure_ascii=False)
    if is_list:
        yield "[]"


def _made(param: Param) -> Iterator[Any]:
    """Yield values of the parameter's kind, or of its items' kind, the most telling first."""
    kind = param.items if param.kind == "array" else param.kind
    kinds = param.reads if kind == "any" else (kind,)
    if not kinds or "string" in kinds:
        yield from _texts(param)
    if {"integer", "number"} & set(kinds):
        yield from _numbers(param)
    yield from (
        example
        for name, example in (("boolean", True), ("object", {}), ("array", []))
        if name in kinds
    )


def _texts(param: Param) -> Iterator[str]:
    """Yield texts: what the name asks for, then the name itself in capitals, to be replaced."""
    words = kebab(param.path[-1]).split("-")
    capitals = "_".join(words).upper()
    if is_sensitive(param.path[-1]):
        yield f"YOUR_{capitals}"
    if param.media:
        yield "https://example.com/" + _BY_MEDIUM[_medium_in(words) or "image"]
    if _TEXT_WORDS.intersection(words):
        yield _PROMPT
    yield from (_BY_WORD[word] for word in reversed(words) if word in _BY_WORD)
    yield capitals
    least = param.limits.get("minLength")
    if isinstance(least, int) and least <= _LONGEST_VALUE:
        yield "a" * least
    yield from _OTHERS


def _numbers(param: Param) -> Iterator[int | float]:
    limits = param.limits.get("items", {}) if param.kind == "array" else param.limits
    low, step = limits.get("minimum", limits.get("exclusiveMinimum")), limits.get("multipleOf")
    yield from (1, *(n for n in (low, step) if isinstance(n, int | float)))
    if isinstance(low, int | float):
        yield from (low + (step if isinstance(step, int | float) else 1), low + 0.5)
    high = limits.get("maximum", limits.get("exclusiveMaximum"))
    yield from (high, high - 1) if isinstance(high, int | float) else ()
    yield from (0, 0.5)


def _is_usable(param: Param, text: str) -> bool:
    """Tell whether a value is short, one line of plain text, and allowed by the limits."""
    is_plain = safe_text(text) == text and "\\" not in text.replace('\\"', "")
    if text == "null" or len(text) > _LONGEST_VALUE or not is_plain:
        return False
    from callsheet.schema.validator import UnusableSchema, Validator

    field = param._replace(path=("field",), required=True)
    try:
        return not Validator.of(schema_of([field])).violations({"field": json.loads(text)})
    except UnusableSchema:
        return True


def _medium_in(words: Iterable[str]) -> str:
    """Return the kind of medium that some words name: ``video``, ``image``, ``audio`` or empty."""
    from callsheet.protocol.media import kinds_named

    kinds = kinds_named(tuple(words))
    return next((kind for kind in _BY_MEDIUM if kind in kinds), "")


def _file_name(action: Action) -> str:
    """Return where ``--out`` of an example leads: a file of the action's medium, else a folder."""
    from callsheet.protocol.media import expected_media

    kinds = expected_media(action.id)
    medium = next((kind for kind in _BY_MEDIUM if kind in kinds), "")
    medium = medium or _medium_in(word for name in action.media for word in kebab(name).split("-"))
    return _BY_MEDIUM.get(medium, "output/")


def _quoted(word: str) -> str:
    """Quote a word for a shell, in double quotes where they suffice."""
    plain = shlex.quote(word)
    if plain == word or set(word) & set('"$`\\!'):
        return plain
    return f'"{word}"'
