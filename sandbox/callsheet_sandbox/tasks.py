"""Work out where a job stands from the time that has passed."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from callsheet_sandbox.catalogue import Action
from callsheet_sandbox.speeds import Speed
from callsheet_sandbox.store import TaskRow
from callsheet_sandbox.templates import Json

FAIL = "[fail]"
NO_MEDIA = "[no-media]"
UNREADABLE = "[unreadable]"
THROTTLE = "[throttle]"

_PENDING_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Standing:
    """A job's state (pending, processing, success, failed) and its progress from 0 to 1."""

    state: str
    progress: float

    @property
    def finished(self) -> bool:
        """Tell whether the job has ended, well or not."""
        return self.state in {"success", "failed"}


def standing(row: TaskRow, now: float) -> Standing:
    """Return where the job stands at `now` (seconds since the epoch)."""
    share = (now - row.created) / row.seconds if row.seconds > 0 else 1.0
    if share >= 1:
        return Standing("failed" if FAIL in row.prompt else "success", 1.0)
    if share < _PENDING_SHARE:
        return Standing("pending", 0.0)
    return Standing("processing", round(share, 2))


def new_task(
    realm: str,
    action: Action,
    body: Mapping[str, Json],
    *,
    speed: Speed,
    reference: str,
    now: float,
) -> TaskRow:
    """Make the row of a job; ``options.sandboxSeconds`` in the body overrides its length."""
    options = body.get("options")
    seconds = options.get("sandboxSeconds") if isinstance(options, dict) else None
    if not isinstance(seconds, int | float):
        seconds = speed.seconds(action.media)
    scene, chosen = _choice(action, body)
    return TaskRow(
        realm=realm,
        id=str(uuid.uuid4()),
        upstream=uuid.uuid4().hex,
        action=action.id,
        media=action.media,
        scene=scene,
        prompt=str(body.get("prompt") or ""),
        provider=body.get("provider") or chosen.get("provider"),
        model=body.get("model") or chosen.get("model"),
        body=json.dumps(body),
        created=now,
        seconds=float(seconds),
        reference=reference,
    )


def _choice(action: Action, body: Mapping[str, Json]) -> tuple[str | None, Mapping[str, str]]:
    usual: str | None = action.models.get("default")
    scene = str(body.get("scene") or usual or "")
    chosen = action.models.get(scene) or action.models.get(usual or "")
    return scene or None, chosen if isinstance(chosen, dict) else {}
