"""Parts that are far longer, wider or deeper than any that a server needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostile.making.places import PLACES, entry

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEXT = {"type": "string"}
_MILLION = 1_000_000
_LETTERS = {"plain": "x", "wide": "é", "words": "word ", "lines": "a\n", "quotes": '"""\\'}


def _long(length: int, letter: str) -> str:
    return (letter * (length // len(letter) + 1))[:length]


def _texts() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield titles of 1 MB, descriptions of 5 MB, names of 100 kB and ids of 10 kB."""
    for kind, letter in _LETTERS.items():
        # What is no ASCII is six bytes a character in the list, which must stay one that is read.
        share = 1 if letter.isascii() and "\n" not in letter and '"' not in letter else 6
        title, text = _long(_MILLION // share, letter), _long(5 * _MILLION // share, letter)
        yield f"title-{kind}", PLACES["title"](title)
        yield f"title-of-field-{kind}", PLACES["title-of-field"](title)
        yield f"description-{kind}", PLACES["description"](text)
        yield f"description-of-field-{kind}", PLACES["description-of-field"](text)
        name = _long(100_000, letter)
        yield f"property-{kind}", PLACES["property-name"](name)
        yield f"reply-property-{kind}", PLACES["output-name"](name)
        yield f"id-{kind}", PLACES["id"](_long(10_000, letter))
    yield "id-of-words", PLACES["id"](_long(10_000, "ab."))


def _wide() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield choices of 20,000 values and schemas of 3,000 properties."""
    choices: dict[str, list[Any]] = {
        "texts": [f"member {n}" for n in range(20_000)],
        "numbers": list(range(20_000)),
        "mixed": [str(n) if n % 2 else n / 4 for n in range(20_000)],
        "sentences": [f"{n} {'word ' * 20}" for n in range(20_000)],
    }
    for kind, values in choices.items():
        yield f"choice-{kind}", entry(_fields(a={"enum": values}))
        yield f"reply-choice-{kind}", entry({}, outputSchema=_fields(a={"enum": values}))
    kinds: dict[str, Any] = {
        "text": _TEXT,
        "flag": {"type": "boolean", "default": True},
        "object": _fields(a=_TEXT),
        "choice": {"enum": ["a", "b"], "description": "One of two."},
    }
    for kind, spec in kinds.items():
        fields = _fields(**{f"p{n}": spec for n in range(3_000)})
        yield f"properties-{kind}", entry({**fields, "required": [*fields["properties"]]})
        yield f"reply-properties-{kind}", entry(_fields(a=_TEXT), outputSchema=fields)


def _fields(**specs: Any) -> dict[str, Any]:
    return {"type": "object", "properties": specs}


def _deep() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield schemas of 2,000 levels, as text: no JSON library writes them."""
    levels = {
        "entries": ('{"type":"array","items":', "}"),
        "fields": ('{"type":"object","properties":{"a":', "}}"),
        "values": ('{"additionalProperties":', "}"),
        "choices": ('{"anyOf":[{"type":"integer"},', "]}"),
        "parts": ('{"allOf":[', "]}"),
        "negations": ('{"not":', "}"),
        "defaults": ('{"default":[', "]}"),
    }
    for kind, (head, tail) in levels.items():
        schema = f"{head * 2_000}{{}}{tail * 2_000}"
        text = f'{{"type":"object","properties":{{"a":{schema}}}}}'
        yield f"levels-{kind}", {"id": "hostile.act", "schema_text": text}
    links = {f"d{n}": _fields(a={"$ref": f"#/$defs/d{n + 1}"}, b=_TEXT) for n in range(2_000)} | {
        "d2000": _TEXT
    }
    chain = {"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": links}
    yield "levels-references", entry(chain)


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``(name, case)``: every part that is too long, then too wide, then too deep."""
    for make in (_texts, _wide, _deep):
        for name, oversized in make():
            yield name, {"about": name.replace("-", " "), "entry": oversized}
