"""Derive Python identifiers from the names of a server."""

from __future__ import annotations

import hashlib
import keyword
import re
import unicodedata
from typing import TYPE_CHECKING

from callsheet.text import word_set

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


# Written out, not asked of the interpreter or of pydantic: their next version must not rename.
# What an annotation or a decorator in a class body must still be able to mean:
IN_CLASS_BODIES = frozenset({"str", "int", "float", "bool", "list", "dict", "property", "overload"})
_OPTIONS = frozenset({"self", "body", "extra_body", "timeout", "idempotency_key"})
_MODEL = word_set("""
    construct copy dict from_orm json parse_file parse_obj parse_raw root schema schema_json
    update_forward_refs validate model_computed_fields model_config model_construct model_copy
    model_dump model_dump_json model_extra model_fields model_fields_set model_json_schema
    model_parametrized_name model_post_init model_rebuild model_validate model_validate_json
    model_validate_strings
""")
FIELD_RESERVED = IN_CLASS_BODIES | _OPTIONS | _MODEL
_LONGEST = 80
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def words(text: str) -> list[str]:
    """Split a name into lower-case ASCII words, at punctuation and at changes of case."""
    flat = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    flat = _WORD_START.sub(" ", flat)
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", flat) if word]


def snake(text: str, *, fallback: str = "field") -> str:
    """Return a lower-case identifier of about 80 characters at most, never a keyword.

    Never with a leading underscore; ``fallback`` begins it where no word or a digit would.
    """
    name = "_".join(words(text))[:_LONGEST].rstrip("_") or f"{fallback}_{_hash(text)}"
    if name[0].isdigit():
        name = f"{fallback}_{name}"
    return f"{name}_" if keyword.iskeyword(name) else name


def pascal(text: str, *, fallback: str = "Model") -> str:
    """Return a class name; ``fallback`` begins it where no word, a digit or a keyword would."""
    name = "".join(word[:1].upper() + word[1:] for word in words(text))[:_LONGEST]
    name = name or f"{fallback}{_hash(text)}"
    return f"{fallback}{name}" if name[0].isdigit() or keyword.iskeyword(name) else name


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def assign(
    wanted: Iterable[tuple[str, str]],
    reserved: Iterable[str] = (),
    *,
    joint: str = "_",
    former: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Assign distinct names to keys: ``(key, wished name)`` → ``{key: name}``.

    ``former`` names stay, unless they are reserved now. A wish that is reserved or taken gets
    ``joint`` at its end, then also a number. On a clash the key that already spells the name keeps
    it, then the first in order of keys. The order in which the pairs come
    does not matter.
    """
    used = set(reserved)
    ordered = sorted(wanted, key=lambda pair: (pair[0] != pair[1], pair[0]))
    assigned: dict[str, str] = {}
    for key, _ in ordered:
        former_name = (former or {}).get(key)
        if former_name and former_name not in used:
            assigned[key] = former_name
            used.add(former_name)
    for key, wish in ordered:
        if key in assigned:
            continue
        name, number = wish, 1 if joint else 2
        while name in used:
            name = f"{wish}{joint}" if number == 1 else f"{wish}{joint}{number}"
            number += 1
        used.add(name)
        assigned[key] = name
    return assigned


def fields(wire: Iterable[str]) -> dict[str, str]:
    """Map wire names to distinct names for keyword arguments and model fields."""
    return assign(((name, snake(name)) for name in set(wire)), FIELD_RESERVED)
