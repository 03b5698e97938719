"""The list is read to its end inside its origin, asked for cheaply, and trusted within limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from unit.scripted import HOST, Stage, reply

from callsheet.catalog.fetch import LIST, fetch
from callsheet.catalog.store import CatalogueCache
from callsheet.errors import AuthError, CallsheetError, NetworkError, ServerError
from callsheet.flows.effects import Gather, HttpReply, Send
from callsheet.jsonio import strict_json
from callsheet.protocol.values import Overrides

if TYPE_CHECKING:
    from pathlib import Path

    from callsheet.catalog.snapshot import Catalogue

LIST_URL = f"{HOST}/api/actions"
OBJECT = {"type": "object", "properties": {"prompt": {"type": "string"}}}
DOCUMENT = reply({"inputSchema": OBJECT}, etag='"s"')


def listed(*ids: str, **more: Any) -> dict[str, Any]:
    return {"actions": [{"id": name} for name in ids], **more}


def inline(*ids: str) -> dict[str, Any]:
    return {"actions": [{"id": name, "inputSchema": OBJECT} for name in ids]}


def page(value: Any, **headers: Any) -> HttpReply:
    return reply(value, url=LIST_URL, **headers)


def fetched(stage: Stage, cached: Catalogue | None = None) -> Catalogue:
    return stage.run(fetch(HOST, Overrides(), stage.timing, cached))


def refused(stage: Stage) -> CallsheetError:
    with pytest.raises(CallsheetError) as caught:
        fetched(stage)
    return caught.value


def test_schemas_are_asked_for_all_at_once() -> None:
    stage = Stage(page(listed("a.b", "a.c")), (DOCUMENT, DOCUMENT))
    catalogue = fetched(stage)
    assert [action.id for action in catalogue.actions] == ["a.b", "a.c"]
    assert all(action.input == OBJECT for action in catalogue.actions)
    assert stage.kinds == ["Send", "Gather"]
    assert [send.path for send in stage.of(Gather)[0].sends] == [
        "/api/actions/a.b/schema",
        "/api/actions/a.c/schema",
    ]
    assert catalogue.requests == 3


def test_a_list_with_schemas_is_one_request() -> None:
    stage = Stage(page(inline("a.b", "a.c")))
    catalogue = fetched(stage)
    assert (catalogue.requests, stage.kinds) == (1, ["Send"])
    assert catalogue.actions[1].input == OBJECT


def test_an_unchanged_list_is_one_request() -> None:
    cached = fetched(Stage(page(listed("a.b"), etag='"l"'), (DOCUMENT,)))
    stage = Stage(reply(status=304))
    catalogue = fetched(stage, cached)
    assert stage.sends[0].headers == {"If-None-Match": '"l"'}
    assert (catalogue.actions, catalogue.requests, stage.kinds) == (cached.actions, 1, ["Send"])


def test_an_unchanged_schema_is_kept() -> None:
    cached = fetched(Stage(page(listed("a.b"), last_modified="then"), (DOCUMENT,)))
    stage = Stage(page(listed("a.b", "a.c")), (reply(status=304), DOCUMENT))
    catalogue = fetched(stage, cached)
    assert stage.sends[0].headers == {"If-Modified-Since": "then"}
    assert stage.of(Gather)[0].sends[0].headers == {"If-None-Match": '"s"'}
    assert catalogue.actions[0].input == OBJECT
    assert catalogue.tags["/api/actions/a.b/schema"] == {"etag": '"s"'}


def test_one_schema_that_cannot_be_read_costs_the_others_nothing() -> None:
    answers = (reply(b"no json"), DOCUMENT, reply({"error": "gone"}, 404), reply({"note": 1}))
    catalogue = fetched(Stage(page(listed("a", "b", "c", "d")), answers))
    assert [action.input is not None for action in catalogue.actions] == [False, True, False, False]
    assert [note.partition(":")[0] for note in catalogue.notes] == ["a", "c", "d"]


@pytest.mark.parametrize("trouble", [NetworkError("broke", sent=True), reply(b"", 503)])
def test_a_schema_that_failed_is_asked_for_again(trouble: object) -> None:
    stage = Stage(page(listed("a.b"), etag='"l"'), (trouble,), DOCUMENT)
    catalogue = fetched(stage)
    assert (catalogue.actions[0].input, catalogue.notes, catalogue.requests) == (OBJECT, (), 3)


def test_after_a_schema_was_missed_the_list_is_asked_for_anew() -> None:
    stage = Stage(page(listed("a.b"), etag='"l"'), (reply(b"", 503),), reply(b"", 503))
    catalogue = fetched(stage)
    assert "could not be fetched" in catalogue.notes[0]
    assert catalogue.tags == {}


def test_pages_are_followed_to_their_end() -> None:
    stage = Stage(
        page({**inline("a"), "nextCursor": "c 2"}),
        page({**inline("b", "a"), "nextCursor": "c3"}),
        page(inline("c")),
    )
    catalogue = fetched(stage)
    assert [action.id for action in catalogue.actions] == ["a", "b", "c"]
    assert stage.sends[1].path == "/api/actions?cursor=c+2"
    assert catalogue.tags == {}


def test_a_page_that_brings_nothing_new_ends_the_list() -> None:
    stage = Stage(page({**inline("a"), "nextCursor": "again"}))
    catalogue = fetched(stage)
    assert len(catalogue.actions) == 1
    assert "incomplete" in catalogue.missing
    assert len(stage.sends) == 6  # by `cursor`, `start_cursor`, …


def test_a_field_that_the_server_does_not_know_is_given_up() -> None:
    def answer(send: Send) -> HttpReply:
        if send.path == LIST:
            return page({**inline("a"), "has_more": True})
        return page(inline("b")) if "page=2" in send.path else reply({"message": "what?"}, 400)

    catalogue = fetched(Stage(answer))
    assert [action.id for action in catalogue.actions] == ["a", "b"]
    assert catalogue.missing == ""


def test_what_a_list_lacks_is_remembered(tmp_path: Path) -> None:
    catalogue = fetched(Stage(lambda send: page({**inline("a"), "total": 3})))
    assert "1 of 3" in catalogue.missing
    cache = CatalogueCache(str(tmp_path))
    cache.store(catalogue)
    stored = cache.load(HOST)
    assert stored is not None
    assert stored.missing == catalogue.missing


@pytest.mark.parametrize(
    ("answer", "schema"), [(DOCUMENT, OBJECT), (reply({"message": "none"}, 404), {})]
)
def test_an_empty_schema_in_the_list_is_asked_for(answer: HttpReply, schema: object) -> None:
    catalogue = fetched(Stage(page({"actions": [{"id": "a", "inputSchema": {}}]}), (answer,)))
    assert (catalogue.actions[0].input, catalogue.notes) == (schema, ())


@pytest.mark.parametrize(
    ("reference", "asked"),
    [
        ("#/components/x", True),
        ("#/$defs/x", False),
        ("#/$defs/list/0", False),
        ("#/$defs/list/1", True),
    ],
)
def test_a_schema_that_lacks_what_it_refers_to_is_asked_for(reference: str, asked: bool) -> None:
    schema = {"properties": {"a": {"$ref": reference}}, "$defs": {"x": True, "list": [{}]}}
    stage = Stage(page({"actions": [{"id": "a", "inputSchema": schema}]}), (DOCUMENT,))
    catalogue = fetched(stage)
    assert catalogue.actions[0].input == (OBJECT if asked else schema)
    assert catalogue.requests == (2 if asked else 1)


def test_half_a_character_costs_no_schema() -> None:
    spoiled = reply(b'{"inputSchema": {"type": "object", "title": "\\ud83d"}}')
    catalogue = fetched(Stage(page(listed("a")), (spoiled,)))
    assert catalogue.actions[0].input == {"type": "object", "title": "\ufffd"}


def test_one_page_may_be_too_long_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callsheet.catalog.fetch.MOST_ACTIONS", 3)
    catalogue = fetched(Stage(page(inline("a", "b", "c", "d"))))
    assert [action.id for action in catalogue.actions] == ["a", "b", "c"]
    assert "cut after 3 entries" in catalogue.missing
    assert fetched(Stage(page(inline("a", "b", "c")))).missing == ""


def test_a_list_that_takes_too_long_is_cut() -> None:
    count = iter(range(10_000))

    def slow(send: Send) -> HttpReply:
        stage.now += 100.0
        return page({**inline(f"a{next(count)}"), "nextCursor": "more"})

    stage = Stage(slow)
    catalogue = fetched(stage)
    assert len(stage.sends) == 8  # the first, and those of ten minutes
    assert "cut" in catalogue.missing


def test_an_endless_list_is_cut() -> None:
    count = iter(range(10_000))
    stage = Stage(lambda send: page({**inline(f"a{next(count)}"), "nextCursor": "more"}))
    catalogue = fetched(stage)
    assert (len(stage.sends), len(catalogue.actions)) == (100, 100)
    assert "cut" in catalogue.missing


@pytest.mark.parametrize("target", ["?page=2", f"{LIST_URL}?page=2", "/api/actions?page=2"])
def test_a_link_inside_the_origin_is_followed(target: str) -> None:
    stage = Stage(page(inline("a"), link=f'<{target}>; rel="next"'), page(inline("b")))
    assert len(fetched(stage).actions) == 2
    assert stage.sends[1].url == f"{LIST_URL}?page=2"


@pytest.mark.parametrize(
    "target", ["https://evil.example/api/actions", "http://ads.example/x", "http://["]
)
def test_a_link_out_of_the_origin_is_refused(target: str) -> None:
    stage = Stage(page(inline("a"), link=f'<{target}>; rel="next"'))
    assert "nothing was asked there" in refused(stage).message
    assert len(stage.sends) == 1


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (reply({"message": "no key"}, 401), AuthError, "no key"),
        (reply({"success": False, "message": "closed"}), ServerError, "closed"),
        (reply({"hello": "world"}), ServerError, "no list of actions"),
        (reply({"actions": [{"title": "T"}]}), ServerError, "entry 1 is not an action"),
        (reply(b"<html><title>Hi</title>", content_type="text/html"), ServerError, "Hi"),
        (reply(b'{"actions": [], "actions": []}'), ServerError, "repeats a key"),
        (reply(b"", 404), ServerError, "404"),
    ],
)
def test_what_is_no_list_is_told(answer: HttpReply, kind: type[Exception], words: str) -> None:
    error = refused(Stage(answer))
    assert isinstance(error, kind)
    assert words in error.message


def test_an_empty_list_is_a_list() -> None:
    assert fetched(Stage(page({"actions": []}))).actions == ()


def test_a_large_schema_is_left_out() -> None:
    large = reply({"inputSchema": {**OBJECT, "description": "x" * 1_100_000}})
    catalogue = fetched(Stage(page(listed("a")), (large,)))
    assert (catalogue.actions[0].input, len(catalogue.notes)) == (None, 1)


def test_an_id_that_is_no_segment_is_not_asked_for() -> None:
    stage = Stage(page(listed("..", "a.b")), (DOCUMENT,))
    catalogue = fetched(stage)
    assert [send.path for send in stage.of(Gather)[0].sends] == ["/api/actions/a.b/schema"]
    assert [action.id for action in catalogue.actions if action.input] == ["a.b"]


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 2}', "[NaN]", "[Infinity]", '"\\ud800"', "[" * 100_000, "", "{"]
)
def test_json_that_is_not_trusted(text: str) -> None:
    assert strict_json(text.encode()) is None
