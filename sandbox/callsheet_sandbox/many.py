"""Make a catalogue of any size, the same every time: groups of jobs, of queries and of searches."""

from callsheet_sandbox.catalogue import Action, read_action
from callsheet_sandbox.templates import Json

_VERBS = (
    *("generate", "generate_and_wait", "query", "search", "resize", "describe", "list"),
    *("translate", "rank", "compare", "crop", "blend", "score", "label", "export", "import"),
    *("merge", "split", "upscale", "tag"),
)
_TONES = ("calm", "bright", "dark", "plain", "loud", "soft", "warm", "cold")
_MOST = 100_000


def many(count: int) -> dict[str, Action]:
    """Make `count` actions, 20 a group; ValueError where that is no sensible number."""
    if not 1 <= count <= _MOST:
        raise ValueError(f"a catalogue of {count} actions is not made here (1 to {_MOST})")
    return {action.id: action for action in map(make_action, range(count))}


def make_action(number: int, *, extra: Json = None) -> Action:
    """Make the action of this number; `extra` holds properties to add to its input."""
    group, verb = f"ai.lab{number // len(_VERBS):03}", _VERBS[number % len(_VERBS)]
    document: dict[str, Json] = {
        "id": f"{group}.{verb}",
        "title": f"{verb} {number}".replace("_", " "),
    }
    document |= _job(group, verb) if number % len(_VERBS) < 3 else {"reply": {"ok": True}}
    document.setdefault("input", _input(number))
    document.setdefault("output", _output(number))
    document["description"] = f"Does the work of {verb} in laboratory {number}. It always answers."
    if extra:
        document["input"] = {
            **document["input"],
            "properties": {**document["input"]["properties"], **extra},
        }
    return read_action(document)


def _job(group: str, verb: str) -> dict[str, Json]:
    role = {"generate": "create", "query": "query"}.get(verb, "wait")
    fields: dict[str, Json] = {"family": {"name": group, "role": role, "media": "image"}, "cost": 1}
    if role == "query":
        fields |= {"readOnly": True, "input": _object({"taskId": {"type": "string"}}, "taskId")}
    elif role == "wait":
        properties = {"prompt": _text("What is to be made."), "timeoutMs": {"type": "integer"}}
        fields["input"] = _object(properties, "prompt")
    return fields


def _object(properties: dict[str, Json], *required: str) -> dict[str, Json]:
    return {"type": "object", "properties": properties, "required": list(required)}


def _text(words: str) -> dict[str, Json]:
    return {"type": "string", "description": words, "maxLength": 2000}


def _input(number: int) -> dict[str, Json]:
    tones = sorted(_TONES[: 2 + number % 6])
    frame = _object({"width": {"type": "integer", "minimum": 1}, "left": {"type": "number"}})
    fields: dict[str, Json] = {
        "prompt": _text(f"What number {number} works on."),
        "tone": {"type": "string", "enum": tones, "default": tones[0]},
        "count": {"type": "integer", "minimum": 1, "maximum": 5 + number % 90},
        "imageInput": {"type": "array", "items": {"type": "string"}},
        "seed": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "frame": frame,
        "keepAlpha": {"type": "boolean", "description": "Whether transparency stays."},
    }
    selected = {
        key: field for place, (key, field) in enumerate(fields.items()) if place <= number % 9
    }
    return _object(selected, "prompt")


def _output(number: int) -> dict[str, Json]:
    row = _object({"name": {"type": "string"}, "score": {"type": "number"}})
    fields: dict[str, Json] = {"ok": {"type": "boolean"}, "rows": {"type": "array", "items": row}}
    return _object(fields if number % 2 else {"ok": {"type": "boolean"}})
