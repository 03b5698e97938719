"""From rendered files, the disk and the manifest to what is written, deleted and kept."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Literal

from callsheet.errors import UsageError
from callsheet_codegen.ir import Manifest, Plan, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

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
    rendered: Iterable[RenderedFile],
    disk: Mapping[str, str | None],
    manifest: Manifest,
    *,
    kept: Mapping[str, str] | None = None,
    force: bool = False,
) -> Plan:
    """Compare; raises ``UsageError`` before anything if a file is in the way.

    ``disk`` holds the sha256 of every file that is rendered or in the manifest, ``None`` where
    there is none. ``kept`` are files that need not be rendered, with what they hold. A file of
    the manifest that somebody changed is in the way only where it would get another text than
    it was given before; else it stays (``edited``), also when it is not generated any more.
    ``force`` overwrites whatever somebody changed in files of ours.
    """
    files = {file.path: file for file in rendered}
    wanted = {path: digest(file.text) for path, file in files.items()} | dict(kept or {})
    steps, edited = [], []
    for path in sorted(files):
        held, ours = disk.get(path), manifest.files.get(path)
        if held == wanted[path]:
            continue
        if held is not None and ours is None:
            raise _foreign(path)
        if held not in {None, ours} and not force:
            edited.append(path)
            continue
        steps.append(Step(kind="write", path=path, text=files[path].text))
    lost = [path for path in edited if wanted[path] != manifest.files[path]]
    if lost:
        raise _by_hand(lost)
    steps += _gone(wanted, disk, manifest)
    result = Manifest(files=wanted)
    if any(step.kind != "keep" for step in steps) or result != manifest:
        steps.append(Step(kind="write", path=MANIFEST, text=dump_manifest(result)))
    return Plan(steps=tuple(steps), manifest=result, edited=tuple(edited))


def _gone(
    wanted: Mapping[str, str], disk: Mapping[str, str | None], manifest: Manifest
) -> Iterator[Step]:
    """What becomes of files of the manifest that are not generated any more."""
    for path in sorted(manifest.files.keys() - wanted.keys()):
        held = disk.get(path)
        if held is not None:
            kind: Literal["delete", "keep"] = "delete" if held == manifest.files[path] else "keep"
            yield Step(kind=kind, path=path)


def _foreign(path: str) -> UsageError:
    return UsageError(
        f"{path} exists and was not written by callsheet",
        hint="choose another --out or --package, or move the file away",
    )


def _by_hand(paths: Sequence[str]) -> UsageError:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return UsageError(
        f"{paths[0]}{more} was changed by hand and would be overwritten; nothing was written",
        hint="keep the change elsewhere, then --force overwrites it",
        code="edited",
    )
