"""Which actions a host has, and which schema validates a body."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from unit.scripted import HOST, Stage, reply

from callsheet.actions.resolve import ActionResolver
from callsheet.catalog.cached import CachedRow, CommandWord
from callsheet.catalog.host import Host
from callsheet.config.bindings import Bindings
from callsheet.config.settings import Settings
from callsheet.errors import CallsheetError, InvalidInput, NetworkError, UsageError
from callsheet.protocol import schema_document
from callsheet.spec import Action, Family

if TYPE_CHECKING:
    from callsheet.flows.effects import HttpReply, Send

PROMPT = {
    "type": "object",
    "properties": {
        "prompt": {"type": "string"},
        "camera": {"properties": {"a/b": {"type": "integer"}}},
    },
    "required": ["prompt"],
}
LIST = reply({"actions": [{"id": "v.make", "inputSchema": PROMPT}]}, url=f"{HOST}/api/actions")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folder = str(tmp_path)
    return Settings(
        command="ads", env="ADS", host=HOST, config_dir=folder, state_dir=folder, cache_dir=folder
    )


def host_of(settings: Settings, stage: Stage, bindings: Bindings | None = None) -> Host:
    return Host(settings, bindings or Bindings(), stage.timing)


def error_of(stage: Stage, host: Host, body: Any, name: str = "v.make") -> CallsheetError | None:
    try:
        stage.run(host.validate(Action(id=name), body))
    except CallsheetError as error:
        return error
    return None


def test_the_list_is_asked_for_once_and_kept(settings: Settings) -> None:
    stage = Stage(LIST)
    host = host_of(settings, stage)
    for _ in range(3):
        assert stage.run(host.find("v.make")).id == "v.make"
    assert stage.run(host_of(settings, stage).find("v.make")).id == "v.make"
    assert len(stage.sends) == 1


def test_an_id_that_is_new_is_looked_for_on_the_server(settings: Settings) -> None:
    later = reply({"actions": [{"id": "v.new", "inputSchema": PROMPT}]})
    stage = Stage(LIST, later)
    host = host_of(settings, stage)
    stage.run(host.find("v.make"))
    assert stage.run(host.find("v.new")).typed
    assert len(stage.sends) == 2


def test_an_id_that_nobody_knows_is_a_paid_action_of_its_own(settings: Settings) -> None:
    stage = Stage(LIST)
    action = stage.run(host_of(settings, stage).find("v.secret"))
    assert (action.paid, action.typed, len(stage.sends)) == (True, False, 1)


def test_a_body_is_held_against_the_schema_of_the_host(settings: Settings) -> None:
    stage = Stage(LIST)
    host = host_of(settings, stage)
    assert error_of(stage, host, {"prompt": "waves"}) is None
    error = error_of(stage, host, {"prompt": 5})
    assert isinstance(error, InvalidInput)
    assert error.pointer == "/prompt"
    deep = error_of(stage, host, {"prompt": "x", "camera": {"a/b": "x"}})
    assert isinstance(deep, InvalidInput)
    assert deep.pointer == "/camera/a~1b"
    assert isinstance(error_of(stage, host, {}), InvalidInput)
    assert len(stage.sends) == 1


@pytest.mark.parametrize("body", [[], "x", 5, None, True])
def test_a_body_is_an_object(settings: Settings, body: object) -> None:
    stage = Stage(LIST)
    assert isinstance(error_of(stage, host_of(settings, stage), body), InvalidInput)


def test_a_body_without_a_schema_goes_out_with_a_note(settings: Settings) -> None:
    stage = Stage(reply({"actions": [{"id": "v.raw", "inputSchema": {"type": 5}}]}), (reply({}),))
    host = host_of(settings, stage)
    assert error_of(stage, host, {"anything": 1}, "v.raw") is None
    assert error_of(stage, host, {"anything": 2}, "v.raw") is None
    assert len(host.notes) == 1
    assert "v.raw" in host.notes[0]


def test_a_host_must_be_known(settings: Settings) -> None:

    stage = Stage(LIST)
    with pytest.raises(UsageError, match="no server"):
        stage.run(host_of(settings._replace(host=""), stage).refresh())


def test_bindings_of_another_interface_are_refused(settings: Settings) -> None:
    with pytest.raises(UsageError, match="interface 99") as caught:
        host_of(settings, Stage(LIST), Bindings(package="x", interface=99))
    assert "callsheet generate" in caught.value.hint


def test_overrides_win_over_the_overlay(settings: Settings) -> None:
    stage = Stage(reply({"things": [{"id": "v.make", "inputSchema": PROMPT}]}))
    host = Host(settings, Bindings(), stage.timing, overrides={"list": "things"})
    assert stage.run(host.find("v.make")).typed


def test_a_refresh_forgets_what_was_compiled(settings: Settings) -> None:
    loose = reply({"actions": [{"id": "v.make", "inputSchema": {"type": "object"}}]})
    stage = Stage(LIST, loose)
    host = host_of(settings, stage)
    assert error_of(stage, host, {}) is not None
    stage.run(host.refresh())
    assert error_of(stage, host, {}) is None


def test_what_is_generated_works_without_a_list(settings: Settings) -> None:
    stage = Stage(reply({"hello": "world"}))
    host = host_of(settings, stage)
    assert error_of(stage, host, {"anything": 1}) is None
    assert "no list of actions" in host.notes[0]


def test_a_job_is_asked_for_in_the_words_of_its_host(settings: Settings) -> None:
    query = {"type": "object", "properties": {"task_id": {}}, "required": ["task_id"]}
    members = {"v.make": PROMPT, "v.make_and_wait": PROMPT, "v.query": query}
    entries = [{"id": name, "inputSchema": schema} for name, schema in members.items()]
    stage = Stage(reply({"actions": entries}))
    host = host_of(settings, stage)
    bound = Family(create="v.make", query="v.query", task_key="taskId")
    action = Action(id="v.make", role="create", family=bound, module="v_make")
    assert stage.run(host.apply_terms(action)).family == bound
    stage.run(host.refresh())
    listed = stage.run(host.apply_terms(action)).family
    assert listed is not None
    assert (listed.task_key, listed.query) == ("task_id", "v.query")
    unpaired = Action(id="v.make", role="wait", family=bound, module="v_make")
    assert stage.run(host.apply_terms(unpaired)).family == bound


MARKED = {"id": "v.make", "inputSchema": PROMPT, "readOnly": True, "idempotency": True}
HOUR = 3600.0


def marked(settings: Settings, later: float, *answers: Any) -> tuple[Stage, Host]:
    """Give a host that marked an action as free and idempotent so many seconds ago."""
    stage = Stage(reply({"actions": [MARKED]}), *answers)
    host = host_of(settings, stage)
    stage.run(host.refresh())
    stage.now += later
    return stage, host


@pytest.mark.parametrize(
    ("later", "answers", "paid", "sends"),
    [
        (HOUR - 1, (), False, 1),
        (HOUR + 1, (reply({"actions": [MARKED]}),), False, 2),
        (HOUR + 1, (reply({"actions": [{"id": "v.make", "inputSchema": PROMPT}]}),), True, 2),
        (HOUR + 1, (NetworkError("down", sent=True),), True, 2),
        (-2 * HOUR, (NetworkError("down", sent=True),), True, 2),
    ],
)
def test_a_mark_that_makes_an_action_free_counts_for_an_hour(
    settings: Settings, later: float, answers: Any, paid: bool, sends: int
) -> None:
    stage, host = marked(settings, later, *answers)
    for action in (Action(id="v.make"), Action(id="v.make", paid=False, idempotent=True)):
        assert stage.run(host.apply_terms(action)).paid is paid
    assert len(stage.sends) >= sends


def test_a_host_that_says_billable_beats_the_configuration(settings: Settings) -> None:
    stage = Stage(reply({"actions": [{"id": "v.make", "inputSchema": PROMPT, "billable": True}]}))
    host = Host(settings, Bindings(), stage.timing, overrides={"free": "v.*"})
    stage.run(host.refresh())
    assert stage.run(host.apply_terms(Action(id="v.make"))).paid is True


def test_what_is_not_checked_is_noted_and_logged(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    code = {"type": "string", "pattern": r"(a)\1"}
    odd = {**PROMPT, "properties": {**PROMPT["properties"], "code": code}}
    stage = Stage(reply({"actions": [{"id": "v.odd", "inputSchema": odd}]}))
    host = host_of(settings, stage)

    assert error_of(stage, host, {"prompt": "x", "code": "ab"}, "v.odd") is None
    assert isinstance(error_of(stage, host, {"prompt": 1, "code": "ab"}, "v.odd"), InvalidInput)
    assert len(host.notes) == 1
    assert host.notes[0].startswith("v.odd: /properties/code/pattern is not checked")
    assert caplog.messages == host.notes


def test_the_cached_catalogue_names_the_words_that_may_follow(settings: Settings) -> None:
    ids = ("ai.video.make", "ai.video.edit.cut", "ai.video.edit.crop", "ai.status")
    entries = [{"id": name, "inputSchema": PROMPT, "description": f"{name} it."} for name in ids]
    stage = Stage(reply({"actions": entries}))
    host = host_of(settings, stage)
    assert (host.commands_below(()), host.action_at(("status",)), host.revision()) == ({}, None, "")
    stage.run(host.refresh())

    below = host.commands_below(())
    assert list(below) == ["status", "video"]
    assert below["status"] == CommandWord("ai.status", "ai.status it")
    assert set(below["video"].words) == {"make", "edit"}
    assert host.commands_below(("video",))["edit"] == CommandWord(words=("crop", "cut"))
    assert [host.is_group(path) for path in (("video",), ("status",), ("no",))] == [
        True,
        False,
        False,
    ]
    action = host.action_at(("video", "edit", "cut"))
    assert action is not None
    assert (action.id, action.params[0].flag) == (
        "ai.video.edit.cut",
        "prompt",
    )
    assert host.cached_action("ai.video.edit.cut") == action
    assert host.action_at(("video", "edit")) is None


def test_a_revision_changes_with_what_is_cached(settings: Settings) -> None:
    later = reply({"actions": [{"id": "v.new", "inputSchema": PROMPT}]})
    stage = Stage(LIST, later)
    host = host_of(settings, stage)
    stage.run(host.refresh())
    first = host.revision()
    assert first
    assert host_of(settings, stage).revision() == first
    stage.run(host.refresh())
    assert host.revision() not in {first, ""}


FREE = {"inputSchema": PROMPT, "readOnly": True}
BOUND = Action(id="v.ask", module="v_ask", paid=False)


def asked(stage: Stage) -> list[str]:
    return [send.path for send in stage.sends]


def test_a_client_that_has_no_catalogue_reads_the_list_once_an_hour(settings: Settings) -> None:
    bindings = Bindings(source=HOST)
    listing = {"actions": [{"id": name, "readOnly": True} for name in ("v.ask", "v.tell")]}
    document = reply({"inputSchema": PROMPT, "idempotency": True}, etag='"s"')

    def answer(send: Send) -> HttpReply:
        if send.headers:
            return reply(status=304)
        return document if send.path.endswith("/schema") else reply(listing, etag='"l"')

    stage = Stage(answer)

    def process(name: str) -> list[str]:
        """Return what a process asks that calls a free action, and stores no catalogue."""
        before = len(stage.sends)
        host = host_of(settings, stage, bindings)
        for _ in range(2):
            action = stage.run(host.apply_terms(BOUND._replace(id=name)))
            assert (action.paid, stage.run(host.recent_marks(name))["idempotency"]) == (False, True)
        assert host.cached() is None
        return asked(stage)[before:]

    assert process("v.ask") == ["/api/actions", "/api/actions/v.ask/schema"]
    stage.now += 600
    assert process("v.ask") == []
    assert process("v.tell") == ["/api/actions/v.tell/schema"]
    assert process("v.tell") == []
    stage.now += HOUR - 599  # the list is over an hour old: its marks no longer count
    assert process("v.tell") == ["/api/actions", "/api/actions/v.tell/schema"]
    assert [send.headers for send in stage.sends[-2:]] == [
        {"If-None-Match": '"l"'},
        {"If-None-Match": '"s"'},
    ]


def test_a_list_that_was_read_for_one_action_is_no_catalogue(settings: Settings) -> None:
    stage = Stage(reply({"actions": [{"id": "v.ask", **FREE}]}))
    host = host_of(settings, stage, Bindings(source=HOST))
    stage.run(host.apply_terms(BOUND))
    assert (host.cached(), host.rows(), host.commands_below(()), host.revision()) == (
        None,
        [],
        {},
        "",
    )
    assert stage.run(host.find("v.ask")).typed
    assert host.cached() is not None
    assert len(stage.sends) == 2


def test_a_list_that_holds_the_schemas_is_read_again_where_the_host_serves_them_nowhere_else(
    settings: Settings,
) -> None:
    listing = reply({"actions": [{"id": name, **FREE} for name in ("v.ask", "v.tell")]})
    stage = Stage(lambda send: listing if send.path == "/api/actions" else reply({}, 404))
    for name in ("v.ask", "v.tell", "v.tell", "v.none", "v.none"):
        host = host_of(settings, stage, Bindings(source=HOST))
        action = stage.run(host.apply_terms(BOUND._replace(id=name)))
        assert action.paid is (name == "v.none")
    assert asked(stage) == ["/api/actions", "/api/actions/v.tell/schema", "/api/actions"]


def test_of_a_list_that_is_asked_about_one_action_one_schema_is_read(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Any] = []
    original = schema_document.with_references

    def counted(schema: Any, sources: Any) -> Any:
        read.append(schema)
        return original(schema, sources)

    monkeypatch.setattr(schema_document, "with_references", counted)
    entries = [{"id": f"v.{number}", **FREE, "title": "T"} for number in range(100)]
    stage = Stage(reply({"actions": [*entries, {"id": "v.ask", **FREE}]}))
    host = host_of(settings, stage, Bindings(source=HOST))
    assert stage.run(host.apply_terms(BOUND)).paid is False
    assert [schema for schema in read if schema] == [PROMPT]
    stored = host.cache.load(HOST)
    assert stored is not None
    assert (len(stored.ids()), stored.marks_of("v.7")) == (101, {"readOnly": True})


def test_a_billable_mark_that_comes_with_the_schema_counts(settings: Settings) -> None:
    listing = reply({"actions": [{"id": "v.ask", "readOnly": True}, {"id": "v.tell", **FREE}]})
    document = reply({"inputSchema": PROMPT, "billable": True})
    stage = Stage(lambda send: listing if send.path == "/api/actions" else document)
    for name, paid in (("v.tell", False), ("v.ask", True), ("v.ask", True)):
        host = host_of(settings, stage, Bindings(source=HOST))
        assert stage.run(host.apply_terms(BOUND._replace(id=name))).paid is paid
    assert asked(stage) == ["/api/actions", "/api/actions/v.ask/schema"]


def test_one_answer_about_one_action_writes_its_row(settings: Settings) -> None:
    stage, host = marked(settings, HOUR + 1, reply({"actions": [MARKED, {"id": "v.more"}]}))
    first = host.revision()
    assert stage.run(host.apply_terms(Action(id="v.make"))).paid is False
    after = host_of(settings, stage).cached()
    assert after is not None
    assert (after.ids(), after.confirmed["v.make"]) == (("v.make",), stage.now)
    assert host.revision() == first


def test_names_are_worked_out_once_for_a_configuration(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved: list[Any] = []
    original = ActionResolver._families
    monkeypatch.setattr(
        ActionResolver, "_families", lambda self: resolved.append(self) or original(self)
    )
    stage = Stage(LIST)
    stage.run(host_of(settings, stage).refresh())

    def words(bindings: Bindings) -> list[str]:
        return list(host_of(settings, stage, bindings).commands_below(()))

    assert (words(Bindings()), words(Bindings()), len(resolved)) == (["v"], ["v"], 1)
    package = Path(settings.cache_dir) / "of_other_names"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "overlay.json").write_text(json.dumps({"commands": {"v.make": "other word"}}))
    monkeypatch.syspath_prepend(settings.cache_dir)
    other = Bindings(package="of_other_names")
    assert (words(other), words(other), len(resolved)) == (["other"], ["other"], 2)


def test_a_list_shows_what_the_configuration_frees_for_one_run(settings: Settings) -> None:
    stage = Stage(reply({"actions": [{"id": "v.make", "inputSchema": PROMPT}]}))
    stage.run(host_of(settings, stage).refresh())
    freed = Host(settings, Bindings(), stage.timing, overrides={"free": "v.*"})
    assert [row.paid for row in freed.rows()] == [False]
    (row,) = host_of(settings, stage).rows()
    assert row == CachedRow(
        "v.make", ("v", "make"), "", None, paid=True, summary="v.make", typed=True
    )
