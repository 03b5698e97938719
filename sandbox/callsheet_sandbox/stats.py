"""Sum up what happened: charges by reference, credentials by origin, requests by path."""

from collections import Counter
from collections.abc import Iterable, Mapping

from callsheet_sandbox.templates import Json
from callsheet_sandbox.world import World


def stats(world: World, realm: str) -> dict[str, Json]:
    """Return the sums of a realm.

    `charges` counts by client reference, `requests` by method and path; `credentials` counts by
    origin (as the Host header names it) and kind of key (bearer, x-api-key, both, none). What
    reached the foreign origin is counted in `credentials` and in `foreign`.
    """
    store = world.setting.store
    requests = store.requests(realm)
    foreign = list(world.foreign_log)
    return {
        "charges": dict(Counter(charge["reference"] for charge in store.charges(realm))),
        "credentials": _by_origin([*requests, *foreign]),
        "requests": _by_path(requests),
        "foreign": _by_path(foreign),
    }


def _by_origin(entries: Iterable[Mapping[str, Json]]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for entry in entries:
        origin = counts.setdefault(entry["headers"].get("host", ""), Counter())
        origin[entry["auth"] or "none"] += 1
    return {origin: dict(kinds) for origin, kinds in counts.items()}


def _by_path(entries: Iterable[Mapping[str, Json]]) -> dict[str, int]:
    return dict(Counter(f"{entry['method']} {entry['path']}" for entry in entries))
