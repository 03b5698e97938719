"""The dialect files together hold every wire shape, and a wrong file is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jmespath
import jsonschema
import pytest
from unit.sandbox.observing import observe

from callsheet_sandbox.dialects import BUILT_IN, read_dialect, read_dialects
from callsheet_sandbox.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKLIST = json.loads((Path(__file__).parent / "checklist.json").read_text("utf-8"))
ROWS = [(row, shape) for row, shapes in CHECKLIST.items() for shape in shapes]


@pytest.fixture(scope="module")
def observed() -> Iterator[dict[str, dict[str, Any]]]:
    with serve() as running:
        # A stream of events lasts as long as its job: the functional tests read it.
        shapes = {name: realm.dialect.task.deliver for name, realm in running.world.realms.items()}
        yield {name: observe(running, name) for name in shapes if shapes[name] != "events"}


@pytest.mark.parametrize(("row", "shape"), ROWS)
def test_some_dialect_has_it(observed: dict[str, dict[str, Any]], row: str, shape: str) -> None:
    wanted = jmespath.compile(CHECKLIST[row][shape])
    having = [name for name, replies in observed.items() if _holds(wanted, replies)]
    assert having, f"no dialect has {row}: {shape}"


def _holds(wanted: Any, replies: dict[str, Any]) -> bool:
    try:
        return wanted.search(replies) not in (None, False, "", [], {})
    except jmespath.exceptions.JMESPathTypeError:
        return False


def _outputs(replies: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield each advertised output schema of video tasks with each reply that it speaks of."""
    document = replies["schema"]["body"]
    document = document.get("data", document) if isinstance(document, dict) else {}
    schema = document.get("outputSchema") or document.get("output")
    for answer in [*replies["steps"], replies["timeout"], replies["failed"]] if schema else []:
        body = answer["body"]
        yield schema, body.get("data", body)


def test_replies_keep_to_the_advertised_outputs(observed: dict[str, dict[str, Any]]) -> None:
    judged = []
    for name, replies in observed.items():
        for schema, body in _outputs(replies):
            jsonschema.validate(body, schema)
            assert set(body) - {"pollAfterMs"} <= set(schema["properties"])
            judged.append(name)
    assert set(judged) == {"coded", "plain", "rows"}


def test_there_are_twenty_one() -> None:
    names = list(read_dialects())
    assert len(names) == 21
    assert "plain" in names
    assert names == sorted(path.stem for path in BUILT_IN.glob("*.json"))


def test_every_dialect_says_what_it_is() -> None:
    titles = {dialect.title for dialect in read_dialects().values()}
    assert len(titles) == 21
    assert all(len(title) > 20 for title in titles)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"title": "t", "colour": 1}, "dialect new: unknown key 'colour'"),
        ({"title": "t", "auth": {"kind": 1}}, "dialect new.auth: unknown key 'kind'"),
        ({"title": "t", "list": {"page": {"by": "page"}}}, "dialect new.list.page: .*size"),
        ({}, "dialect new: .*title"),
    ],
)
def test_a_wrong_file_is_named(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_dialect("new", document)
