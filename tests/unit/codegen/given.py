"""Small catalogues and a modeller for the generator's tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from callsheet.catalog.lock import Snapshot
from callsheet.spec import Advertised
from callsheet_codegen.build import ProjectBuilder
from callsheet_codegen.config import LOCK, Config, parse_overlay
from callsheet_codegen.models.pool import ModelSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet_codegen.ir import Project
    from callsheet_codegen.models.pool import Modeller, ModelRequest


def thing(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    """Return an object schema."""
    return {"type": "object", "properties": properties, "required": list(required)}


TEXT = {"type": "string"}
TASK = thing(("taskId",), taskId=TEXT)
ASKED = thing(("status",), status=TEXT, videoUrl=TEXT)

FAMILY = (
    Advertised(id="ai.video.generate", description="Start.", input=thing(("prompt",), prompt=TEXT)),
    Advertised(
        id="ai.video.generate_and_wait", description="Wait.", input=thing(("prompt",), prompt=TEXT)
    ),
    Advertised(id="ai.video.query", description="Ask.", input=TASK, output=ASKED),
)
PING = Advertised(id="ping", description="Answer.", input=thing())


def catalogue(*more: Advertised, source: str = "https://api.example.com") -> Snapshot:
    """Return a family, an action without a group, and ``more``."""
    return Snapshot(source, (*FAMILY, PING, *more))


def config(out: Path, **overlay: Any) -> Config:
    """Configure a project that is written to ``out``."""
    return Config(
        package="acme_client",
        command="acme",
        env="ACME",
        out=out,
        lock=out / LOCK,
        overlay=parse_overlay(overlay),
    )


def no_models(requests: Mapping[str, ModelRequest]) -> Mapping[str, ModelSource]:
    """Refuse all models, without a process."""
    return {name: ModelSource(refused="not here") for name in requests}


def plain_models(requests: Mapping[str, ModelRequest]) -> Mapping[str, ModelSource]:
    """Make models that know strings alone, without a process."""
    sources = {}
    for name, request in requests.items():
        fields = {
            cls: {wire: (wire, "str", wire in schema["required"]) for wire in schema["properties"]}
            for cls, (schema, _) in request.items()
        }
        source = "".join(f"class {cls}:\n    pass\n" for cls in fields)
        sources[name] = ModelSource(source=source, fields=fields)
    return sources


def built(snapshot: Snapshot, modeller: Modeller, **options: Any) -> ProjectBuilder:
    """Build a project with its models."""
    build = ProjectBuilder(snapshot, config(Path("out")), modeller=modeller, **options)
    build.plan.collect_models()
    return build


def project(build: ProjectBuilder) -> Project:
    """Return all of a project."""
    return build.project_for(frozenset(build.plan.stale))
