"""From rendered files, the disk and the manifest to what is written, deleted and kept."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from callsheet.errors import UsageError
from callsheet_codegen.ir import Manifest, Plan, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from callsheet_codegen.ir import RenderedFile

MANIFEST = ".manifest.json"


def digest(text: str) -> str:
    """sha256 of the text as it lies on disk."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def dump_manifest(manifest: Manifest) -> str:
    """The manifest as the file that is committed."""
    return json.dumps({"files": dict(sorted(manifest.files.items()))}, indent=1) + "\n"


def load_manifest(text: str | None) -> Manifest:
    """The manifest of an earlier run; an empty one where there is none or it is not readable."""
    try:
        files = json.loads(text or "{}").get("files", {})
        return Manifest(files={str(path): str(sha) for path, sha in files.items()})
    except (ValueError, AttributeError):
        return Manifest()


def plan(
    rendered: Iterable[RenderedFile], disk: Mapping[str, str | None], manifest: Manifest
) -> Plan:
    """Compare; raises ``UsageError`` before anything if a foreign file is in the way.

    ``disk`` holds the text of every file that is rendered or in the manifest, ``None`` where
    there is none. A file of the manifest that somebody changed is overwritten, but it is left
    alone when it would be deleted: it may be somebody's work now.
    """
    files = sorted(rendered, key=lambda file: file.path)
    wanted = {file.path: digest(file.text) for file in files}
    steps = []
    for file in files:
        held = disk.get(file.path)
        if held == file.text:
            continue
        if held is not None and file.path not in manifest.files:
            raise UsageError(
                f"{file.path} exists and was not written by callsheet",
                hint="choose another --out or --package, or move the file away",
            )
        steps.append(Step(kind="write", path=file.path, text=file.text))
    for path in sorted(manifest.files.keys() - wanted.keys()):
        held = disk.get(path)
        if held is not None and digest(held) == manifest.files[path]:
            steps.append(Step(kind="delete", path=path))
        elif held is not None:
            steps.append(Step(kind="keep", path=path))
    result = Manifest(files=wanted)
    if steps or result != manifest:
        steps.append(Step(kind="write", path=MANIFEST, text=dump_manifest(result)))
    return Plan(steps=tuple(steps), manifest=result)
