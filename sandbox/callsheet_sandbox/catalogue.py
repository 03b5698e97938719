"""Read the actions that a server advertises from a folder of JSON files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from callsheet_sandbox.templates import Json

BUILT_IN = Path(__file__).parent / "catalogue"
ROLES = ("create", "wait", "query")
DEEDS = (*ROLES, "reply", "upload", "search", "searches", "tasks")


@dataclass(frozen=True, slots=True)
class Action:
    """One action: what is advertised (schemas, texts, marks) and what the sandbox does.

    `does` is one of DEEDS. `models` maps a scene to the provider and model taken when the
    request names none; its key ``default`` names the default scene. `reply` is the template
    that a ``reply`` action answers with.
    """

    id: str
    title: str | None = None
    description: str | None = None
    input: Json = field(default_factory=dict)
    output: Json = None
    family: Mapping[str, str] = field(default_factory=dict)
    cost: int = 0
    read_only: bool = False
    billable: bool = True
    does: str = "reply"
    reply: Json = None
    models: Mapping[str, Json] = field(default_factory=dict)

    @property
    def media(self) -> str:
        """Return the medium that the action's family makes: ``video`` or ``image``."""
        return self.family.get("media", "video")


def read_action(document: Json) -> Action:
    """Make an action of a catalogue file's content; ValueError says what is wrong with it."""
    if (
        not isinstance(document, dict)
        or not isinstance(document.get("id"), str)
        or not document["id"]
    ):
        raise ValueError("an action is a JSON object with a text `id`")
    keys = {"id", "title", "description", "input", "output", "family", "cost"}
    keys |= {"readOnly", "billable", "does", "reply", "models"}
    if unknown := sorted(set(document) - keys):
        raise ValueError(f"{document['id']}: unknown key {unknown[0]!r}; known: {sorted(keys)}")
    fields = {key: entry for key, entry in document.items() if key != "readOnly"}
    family = document.get("family") or {}
    does = document.get("does") or family.get("role") or "reply"
    if does not in DEEDS:
        raise ValueError(f"{document['id']}: `does` is {does!r}; known: {', '.join(DEEDS)}")
    return Action(
        **{**fields, "family": family, "does": does},
        read_only=bool(document.get("readOnly", False)),
    )


def read_catalogue(folder: Path) -> dict[str, Action]:
    """Read every ``*.json`` of a folder, by id in file order; ValueError names a bad file."""
    actions = {}
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise ValueError(f"{folder}: no catalogue here (expected files like ai.video.query.json)")
    for path in paths:
        try:
            action = read_action(json.loads(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        actions[action.id] = action
    return actions
