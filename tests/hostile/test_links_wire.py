"""Each link on the wire, on the terminal and on disk, and what happens when it is taken away."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import click
import pytest
from hostile.addresses import addresses
from hostile.cases import Case, load
from hostile.gates import gate
from hostile.making.patterns import CATASTROPHIC
from hostile.screen import moved

from callsheet import text
from callsheet.catalog import fetch as catalog
from callsheet.catalog.fetch import LARGEST_SCHEMA
from callsheet.cli import completion
from callsheet.cli.help import layout
from callsheet.cli.input import options
from callsheet.cli.output import formats as output
from callsheet.flows import retry
from callsheet.jsonio import strict_json
from callsheet.schema import admission as schema
from callsheet.schema import messages
from callsheet.schema.validator import Validator
from callsheet.spec import Action, Param
from callsheet.storage import output_path
from callsheet.text import dumps, is_typable
from callsheet.transport import reply_body

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def case(name: str) -> Case:
    """Return one case of the gate."""
    return next(entry for entry in load("gate") if entry.name == name)


def test_a_redirect_elsewhere_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = case("list-redirect-302")
    assert gate(away, tmp_path / "held").faults() == []

    monkeypatch.setattr(retry, "origin_of", lambda url: "one")
    strayed = gate(away, tmp_path / "removed").sockets
    assert strayed == ["list-redirect-302: GET /api/actions (no key)"]


def test_a_list_that_goes_on_elsewhere_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = case("list-link-elsewhere")
    assert gate(away, tmp_path / "held").faults() == []

    monkeypatch.setattr(catalog, "origin_of", lambda url: "one")
    assert gate(away, tmp_path / "removed").sockets != []


@pytest.mark.parametrize(
    ("name", "link", "removed"),
    [
        ("schema-a-key-twice", "strict_json", json.loads),
        ("schema-type-0", "is_json", lambda reply: True),
        ("schema-too-large", "LARGEST_SCHEMA", 9 * LARGEST_SCHEMA),
        ("list-type-0", "is_json", lambda reply: True),
        ("list-not-a-number-beside-the-list", "strict_json", json.loads),
    ],
)
def test_the_gate_takes_json_alone_and_not_too_much(
    name: str, link: str, removed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gate(case(name), tmp_path / "held").faults() == []

    monkeypatch.setattr(catalog, link, removed)
    assert gate(case(name), tmp_path / "removed").broken != []


def test_a_page_of_the_list_that_is_too_large_is_no_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gate(case("list-too-large"), tmp_path / "held").faults() == []

    monkeypatch.setattr(reply_body, "LARGEST_REPLY", 32 * LARGEST_SCHEMA)
    assert gate(case("list-too-large"), tmp_path / "removed").broken != []


@pytest.mark.parametrize("text", ['{"maximum": NaN}', '{"title": "\\ud800"}'])
def test_what_passes_the_gate_falls_at_the_firewall(text: str) -> None:
    assert strict_json(text.encode()) is None
    admitted = json.dumps(schema.admit(json.loads(text)), ensure_ascii=False, allow_nan=False)

    assert strict_json(admitted.encode()) is not None


def test_ids_stay_one_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [case for case in load("identifiers") if set(case.id) & set("/?#%")][:12]
    assert addresses(cases, tmp_path / "held").faults() == []

    monkeypatch.setattr("urllib.parse.quote", lambda text, safe: text)
    assert len(addresses(cases, tmp_path / "removed").sockets) > 6


def test_a_pattern_is_matched_in_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    pattern, text = CATASTROPHIC[0][0], "a" * 24 + "!"
    bound = {"properties": {"a": {"pattern": pattern}}}
    Validator.of(bound).violations({"a": "!"})  # loads what judging needs
    quick = _took(lambda: Validator.of(bound).violations({"a": text}))

    monkeypatch.setattr(messages, "matches", _by_backtracking)
    assert quick < 0.05 < _took(lambda: Validator.of(bound).violations({"a": text}))


def _by_backtracking(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None


def _took(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


EVIL = "\x1b]0;title\x07\x1b[2J\u202e$(touch canary)"
ACTION = Action(
    id="a.b",
    command=("a", "b"),
    doc=EVIL,
    params=(Param(path=("x",), flag="x", doc=EVIL, choices=(EVIL, "plain")),),
)


def test_help_is_inert(monkeypatch: pytest.MonkeyPatch) -> None:
    assert moved(layout.action_help(ACTION, "ads")) == []

    monkeypatch.setattr(layout, "safe_text", lambda text, *_, **__: str(text))
    effects = moved(layout.action_help(ACTION, "ads"))
    assert "the title was changed" in effects
    assert "U+202E is printed" in effects


def test_json_and_tables_are_inert(monkeypatch: pytest.MonkeyPatch) -> None:
    document = {EVIL: [EVIL, "\U000e0041\u00ad\x9b2J"]}
    for form in output.FORMATS:
        assert moved(output.render(document, form, raw_for_terminal=True)) == []
    assert json.loads(dumps(document)) == document

    monkeypatch.setattr(text, "_UNSAFE", re.compile("(?!)"))
    assert moved(dumps(document)) != []


def test_completions_are_plain_words(monkeypatch: pytest.MonkeyPatch) -> None:
    field = options.field_options(ACTION)[0]
    context = click.Context(click.Command("b"))

    def words() -> list[str]:
        return [candidate.value for candidate in field.shell_complete(context, "")]

    assert words() == ["plain"]

    monkeypatch.setattr(completion, "is_typable", lambda text: True)
    assert EVIL in words()
    assert not is_typable("$(touch canary)")


def test_a_name_on_disk_is_made_of_plain_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def place() -> str:
        return output_path.target_path("out/", action="../../x", task_id="../../../canary")

    assert place() == "out/x-canary-1.bin"
    monkeypatch.setattr(output_path, "_word", lambda text: text)
    assert "../../../canary" in place()
