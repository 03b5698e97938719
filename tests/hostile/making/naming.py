"""Field and action names that mean something to Python, pydantic or click, or that collide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostile.making.places import entry

if TYPE_CHECKING:
    from collections.abc import Iterator

_PYTHON = (
    *("False", "None", "True", "and", "as", "assert", "async", "await", "break", "class"),
    *("continue", "def", "del", "elif", "else", "except", "finally", "for", "from", "global"),
    *("if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return"),
    *("try", "while", "with", "yield", "match", "case", "type", "_", "__", "self", "cls", "print"),
    *("__init__", "__class__", "__dict__", "__slots__", "__getattr__", "__annotations__", "mro"),
    *("__module__", "__doc__", "__debug__", "__import__", "__builtins__", "__post_init__", "exec"),
    *("str", "int", "float", "bool", "list", "dict", "tuple", "set", "object", "super", "property"),
    *("Any", "Literal", "Field", "Model", "RootModel", "BaseModel", "Omit", "OMIT", "INPUT"),
    *("OUTPUT", "Group", "Task", "Result", "Action", "Param", "Family", "annotations", "overload"),
)
_PYDANTIC = (
    *("copy", "json", "dict", "schema", "validate", "construct", "parse_obj", "parse_raw", "root"),
    *("model_config", "model_fields", "model_dump", "model_validate", "model_extra", "model_x"),
    *("model_fields_set", "model_post_init", "model_computed_fields", "update_forward_refs"),
    *(
        "__pydantic_fields__",
        "__fields__",
        "__pydantic_validator__",
        "from_orm",
        "fields",
        "Config",
    ),
)
_OURS = (
    *("help", "json", "out", "input", "dry-run", "timeout", "no-wait", "blocking", "host", "h"),
    *("profile", "version", "quiet", "verbose", "debug", "format", "jmespath", "force", "open"),
    *("skeleton", "no-check", "upload", "set", "auth", "body", "extra_body", "idempotency_key"),
    *(
        "prompt-file",
        "prompt",
        "no-prompt",
        "input.help",
        "ctx",
        "param",
        "params",
        "args",
        "-",
        "--",
    ),
)
_COLLIDING = (
    *("imageInput", "image_input", "image-input", "image input", "ImageInput", "IMAGE_INPUT"),
    *("image.input", "image/input", "imageinput", "image__input", "_image_input", "image_input_"),
    *(
        "ima\u0301geInput",
        "imàgeInput",
        "a",
        "A",
        "á",
        "\uff41",
        "a_",
        "_a",
        "a-",
        "a1",
        "a_1",
        "a 1",
    ),
    *(
        "ﬁeld",
        "field",
        "ß",
        "ss",
        "SS",
        "İ",
        "i",
        "\u0131",
        "\u041a",
        "K",
        "\u212a",
        "x540d",
        "名",
        "名 ",
    ),
)
_ODD = (
    *("", " ", "\t", "\n", "\r\n", "\x00", "\x7f", "\u200b", "\ufeff", "\u202e", "\U0001f3ac", "."),
    *(
        "..",
        "/",
        "\\",
        "$",
        "$ref",
        "%s",
        "{}",
        "{{x}}",
        "0",
        "9lives",
        "1.5",
        "-1",
        "--flag",
        "=x",
    ),
    *("a=b", "'", '"', "`x`", "$(x)", "a;b", "con", "nul", "aux.json", "~", "*", "#", "@file", "!"),
    *(
        "٣",
        "\U0001d569",
        "e\u0301\u0302\u0303",
        "\u05d0",
        "\u0627",
        "ᚠ",
        "👩‍👩‍👧",
        "\ud7ff",
        "\uffff",
    ),
)
_LONG = ("x" * 300, "x" * 299 + "y", "ab_" * 500, "aB" * 700, "名" * 300, "_" * 1_000, "9" * 400)
_SETS = {
    "python": _PYTHON,
    "pydantic": _PYDANTIC,
    "ours": _OURS,
    "colliding": _COLLIDING,
    "odd": _ODD,
    "long": _LONG,
}


def _as_action(name: str) -> dict[str, Any]:
    return entry({"type": "object", "properties": {"a": {"type": "string"}}}, id=f"hostile.{name}")


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``(name, case)``: each set as fields, nested, as booleans; some as action or group."""
    for kind, names in _SETS.items():
        for spec in ({"type": "string"}, {"type": "boolean"}, {"enum": ["a", 1, None]}, {}):
            fields = dict.fromkeys(names, spec)
            inner = {"type": "object", "properties": {**fields}}
            schema = {**inner, "required": list(names[:5])}
            schema["properties"] = {**fields, "inner": inner, "Inner": {"items": inner}}
            about = f"{len(names)} names: {kind}, as {spec}"
            number = len(str(spec))
            yield (
                f"{kind}-{number:02}",
                {"about": about, "entry": entry(schema, outputSchema=schema)},
            )
    for number, name in enumerate((*_PYTHON[:60:3], *_PYDANTIC[::3], *_OURS[::2], *_COLLIDING)):
        yield f"action-{number:02}", {"about": f"the action {name!r}", "entry": _as_action(name)}
    for number, name in enumerate((*_PYTHON[1:60:4], *_COLLIDING[::2])):
        yield (
            f"group-{number:02}",
            {"about": f"the group {name!r}", "entry": _as_action(f"{name}.x")},
        )
