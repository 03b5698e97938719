"""Every recorded action goes the whole road, and the judge agrees with every labelled body."""

from __future__ import annotations

import gzip
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from callsheet.actions.naming import OWN_FLAGS
from callsheet.actions.params import MAX_FLAGS, param_at, read_params, with_flags
from callsheet.actions.resolve import resolve_actions
from callsheet.config.overlay import Overlay
from callsheet.schema.admission import admit
from callsheet.schema.draft import draft_of
from callsheet.schema.validator import Validator, Violation
from callsheet.spec import Advertised

CORPUS = Path(os.environ.get("CORPUS", "../shared/corpus"))
pytestmark = pytest.mark.skipif(
    not (CORPUS / "actions.jsonl.gz").exists(), reason=f"no corpus in {CORPUS}"
)


def lines(name: str) -> list[dict[str, Any]]:
    with gzip.open(CORPUS / name, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


@pytest.fixture(scope="module")
def actions() -> dict[str, dict[str, Any]]:
    return {action["id"]: action for action in lines("actions.jsonl.gz")}


def advertised(actions: dict[str, dict[str, Any]]) -> list[Advertised]:
    return [
        Advertised(
            id=name,
            description=action["description"] or "",
            input=action["input"],
            output=action.get("output"),
        )
        for name, action in actions.items()
    ]


def test_every_schema_is_admitted_and_read_by_its_draft(
    actions: dict[str, dict[str, Any]],
) -> None:
    assert {name: draft_of(action["input"]) for name, action in actions.items()} == {
        name: action["draft"] for name, action in actions.items()
    }
    assert all(isinstance(admit(action["input"]), dict) for action in actions.values())


def test_flags_are_unique_few_and_never_ours(actions: dict[str, dict[str, Any]]) -> None:
    for name, action in actions.items():
        params = with_flags(read_params(admit(action["input"])), action_id=name, overlay=Overlay())
        names = [param.flag for param in params]

        assert len(set(names)) == len(names) <= MAX_FLAGS
        assert not OWN_FLAGS & set(names)
        assert {param.path[0] for param in params} >= set(action["input"].get("properties", {}))
        assert all(param_at(params, param.path) == param for param in params)


def test_every_action_becomes_a_command_in_any_order(
    actions: dict[str, dict[str, Any]],
) -> None:
    entries = advertised(actions)
    first = resolve_actions(entries, Overlay())
    random.Random(7).shuffle(entries)

    assert [action.id for action in first.actions] == sorted(actions)
    assert len(first.by_command) == len(actions)
    assert all(action.typed for action in first.actions)
    assert first.problems == ()
    assert resolve_actions(entries, Overlay()) == first


def test_the_judge_agrees_with_every_label(actions: dict[str, dict[str, Any]]) -> None:
    wrong = []
    count = 0
    for instance in lines("instances.jsonl.gz"):
        compiled = Validator.of(actions[instance["id"]]["input"])
        for verdict in ("valid", "invalid"):
            for _, body in instance[verdict]:
                count += 1
                faults = compiled.violations(body)
                if bool(faults) != (verdict == "invalid") or not all(map(good, faults)):
                    wrong.append((instance["id"], verdict, body, faults))
    assert wrong == []
    assert count > 5_000


def good(fault: Violation) -> bool:
    return bool(fault.message) and "\n" not in fault.message and bool(fault.keyword)
