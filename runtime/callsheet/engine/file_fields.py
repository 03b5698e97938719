"""Decide how a local file is sent: inside a field, or through an action that stores it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.protocol import media_words
from callsheet.protocol.values import word, words
from callsheet.schema.admission import admit
from callsheet.schema.references import SchemaRefused
from callsheet.schema.shape import Shape, ShapeReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from callsheet.spec import Advertised


BASE64, DATA_URI, FORM = "base64", "data-uri", "multipart"
_FORMATS = {"byte": BASE64, "base64": BASE64, "datauri": DATA_URI, "dataurl": DATA_URI,
            "binary": FORM, "file": FORM}  # fmt: skip
_NAME_ENDINGS = {"base64": BASE64, "b64": BASE64, "datauri": DATA_URI, "dataurl": DATA_URI}
_FILE_NAMES = {
    **dict.fromkeys(("file", "files", "upload", "attachment", "binary", "document"), FORM),
    **dict.fromkeys(
        ("data", "content", "image", "img", "picture", "photo", "video", "audio", "media", "blob"),
        DATA_URI,
    ),
}
"""Encodings of fields without any other sign, by the last word of their names."""
_UPLOAD_WORDS = frozenset({"upload", "uploads", "uploader", "put", "store", "attach", "ingest"})
_STORE_WORDS = frozenset({"storage", "file", "files", "asset", "assets", "attachment", "media"})
_OTHER_WORDS = media_words.TEXT_WORDS | {
    *("remove", "get", "query", "download", "read", "rename", "move", "copy", "share", "status"),
    *("url", "urls", "edit", "upscale", "enhance", "generate", "create", "animate", "extend"),
    *("remix", "swap", "convert", "sign", "presign", "presigned", "link", "update", "transform"),
}
_NAMES, _TYPES = ("filename", "name", "title"), ("contenttype", "mimetype", "mediatype", "type")
_SIZES = ("size", "length", "filesize", "bytes", "contentlength")
_FILLS = {
    **dict.fromkeys(_NAMES, "name"),
    **dict.fromkeys(_TYPES, "type"),
    **dict.fromkeys(_SIZES, "size"),
}
"""What is known of a file, by the name of the field that asks for it."""
_DATA_URI_TEXT = r"data[- ]ur[il]\b|\bdata:[a-z]*/"
_LINK_TEXT = r"(?<!data )(?<!data-)\b(?:ur[il]s?|links?|https?)\b"


class UploadAction(NamedTuple):
    """The action that stores a file: the field of the file, its encoding, the field of the link.

    ``fills`` are other required fields, each with what they take: ``name``, ``type`` or ``size``.
    """

    action: str
    field: str
    encoding: str = DATA_URI
    result: str = "url"
    fills: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, configured: Mapping[str, str]) -> UploadAction:
        """Return the action that a configuration names."""
        encoding = configured.get("encoding", DATA_URI)
        return cls(
            configured["action"], configured["field"], encoding, configured.get("result", "url")
        )

    @property
    def words(self) -> str:
        """Return the phrase that says how the action takes a file."""
        forms = {BASE64: "as base64", DATA_URI: "as a data URI", FORM: "as a form"}
        return f"{self.action}, {forms.get(self.encoding, self.encoding)} in `{self.field}`"


class FileField(NamedTuple):
    """How a field takes a file; ``takes_link`` is true where a link will do too."""

    encoding: str
    takes_link: bool


def file_field(schema: Any, steps: Sequence[str | int]) -> FileField | None:
    """Return how the field at ``steps`` takes a file itself; ``None`` where it does not.

    ``schema`` is an admitted one. A field takes it as text, or as a part of a form.
    """
    reader = ShapeReader(schema if isinstance(schema, dict) else {})
    shape, name = reader.read(schema), ""
    for step in steps:
        if str(step) in shape.properties:
            shape, name = reader.read(shape.properties[str(step)]), str(step)
        elif shape.items is None:
            return None
        else:
            shape = _with_items(reader, shape)
    shape = _with_items(reader, shape)
    encoding = _encoding(name, shape)
    return FileField(encoding, _takes_link(name, shape)) if encoding else None


def _with_items(reader: ShapeReader, shape: Shape) -> Shape:
    """Return the shape of the items of a list, with what is said about the list; else itself."""
    if shape.items is None:
        return shape
    items = reader.read(shape.items)
    return replace(items, shown={**shape.shown, **items.shown})


def _encoding(name: str, shape: Shape) -> str:
    """Return the encoding that a field's schema, description or name asks for; else empty."""
    plain, text = word(name), _text(shape)
    if str(shape.limits.get("pattern", "")).startswith("^data:"):
        return DATA_URI
    by_format = _FORMATS.get(word(shape.shown.get("format", "")), "")
    by_name = next((e for end, e in _NAME_ENDINGS.items() if plain.endswith(end)), "")
    is_base64 = word(shape.shown.get("contentEncoding", "")) == BASE64 or "base64" in text
    if DATA_URI in {by_format, by_name} or re.search(_DATA_URI_TEXT, text):
        return DATA_URI
    return by_format or by_name or (BASE64 if is_base64 else "")


def _text(shape: Shape) -> str:
    texts = (shape.shown.get(key) for key in ("title", "description", "default", "examples"))
    return " ".join(str(text)[:1000] for text in texts if text).lower()


def _takes_link(name: str, shape: Shape) -> bool:
    is_link = word(shape.shown.get("format", "")) in {"uri", "url", "urireference"}
    plain = [part for part in words(name) if part not in {"data", "base64"}]
    by_name = bool(plain) and plain[-1] in media_words.LINK_ENDINGS and "data" not in words(name)
    return is_link or by_name or bool(re.search(_LINK_TEXT, _text(shape)))


def upload_actions(actions: Iterable[Advertised]) -> list[UploadAction]:
    """Return the actions that store a file, those first whose words and schema both say so."""
    ranked: list[tuple[int, UploadAction]] = []
    for action in actions:
        schema = action.input if isinstance(action.input, dict) else {}
        names = set(words(action.id))
        if not schema or (names & _OTHER_WORDS and not names & _UPLOAD_WORDS):
            continue
        if (found := _upload_action(action, schema, names)) is not None:
            ranked.append(found)
    return [store for _, store in sorted(ranked, key=lambda pair: pair[0])]


def _upload_action(
    action: Advertised, schema: dict[str, Any], names: set[str]
) -> tuple[int, UploadAction] | None:
    """Return (rank, upload action) where all its required fields can be filled, else ``None``."""
    try:
        admitted = admit(schema)
    except SchemaRefused:
        return None
    reader = ShapeReader(admitted)
    root = reader.read(admitted)
    shapes = {name: reader.read(field) for name, field in root.properties.items()}
    uploads = bool(names & _UPLOAD_WORDS)
    signed = {name: e for name, shape in shapes.items() if (e := _file_encoding(name, shape))}
    guessed = {n: e for n, s in shapes.items() if uploads and (e := _guess(n, s))}
    for files, rank in ((signed, 0 if uploads else 2 if names & _STORE_WORDS else 3), (guessed, 1)):
        sure = [name for name in files if name in root.required] or list(files)
        others = {name: _FILLS.get(word(name)) for name in root.required if name not in sure[:1]}
        is_alone = rank < 3 or len(root.required) == 1
        if len(sure) == 1 and is_alone and all(others.values()):
            fills = tuple((name, str(what)) for name, what in sorted(others.items()))
            return rank, UploadAction(action.id, sure[0], files[sure[0]], "url", fills)
    return None


def _file_encoding(name: str, shape: Shape) -> str:
    is_text = "string" in shape.kinds and shape.choices is None
    return _encoding(name, shape) if is_text and not _takes_link(name, shape) else ""


def _guess(name: str, shape: Shape) -> str:
    is_text = "string" in shape.kinds and shape.choices is None and not _takes_link(name, shape)
    last = words(name)[-1:] or ("",)
    return _FILE_NAMES.get(last[0], "") if is_text else ""
