"""A catalogue becomes commands that keep their names and say what they cost."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from callsheet.actions.families import guess_family
from callsheet.actions.resolve import ActionResolver, ActionSet, resolve_actions
from callsheet.config.overlay import Overlay
from callsheet.spec import Advertised, Family
from callsheet_codegen.config import parse_overlay

PROMPT: dict[str, Any] = {
    "type": "object",
    "properties": {"prompt": {"type": "string"}},
    "required": ["prompt"],
}
TASK: dict[str, Any] = {
    "type": "object",
    "properties": {"taskId": {"type": "string"}},
    "required": ["taskId"],
}
BY_ID: dict[str, Any] = {
    "type": "object",
    "properties": {"id": {"type": "string"}},
    "required": ["id"],
}
WAIT: dict[str, Any] = {
    **PROMPT,
    "properties": {**PROMPT["properties"], "timeoutMs": {"type": "integer", "default": 180_000}},
}
VIDEO = {
    "ai.video.generate": PROMPT,
    "ai.video.generate_and_wait": WAIT,
    "ai.video.query": TASK,
}


def resolve(schemas: dict[str, Any], overlay: Overlay | None = None, **locked: Any) -> ActionSet:
    entries = [Advertised(id=name, input=schema) for name, schema in schemas.items()]
    return resolve_actions(entries, overlay or Overlay(), **locked)


def test_a_family_is_one_command_and_its_query() -> None:
    action_set = resolve(VIDEO)
    family = Family(
        create="ai.video.generate",
        wait="ai.video.generate_and_wait",
        query="ai.video.query",
        timeout_ms=180_000,
    )

    assert [
        (member.id, member.command, member.role, member.paid) for member in action_set.actions
    ] == [
        ("ai.video.generate", ("video", "generate"), "create", True),
        ("ai.video.generate_and_wait", (), "wait", True),
        ("ai.video.query", ("video", "query"), "query", False),
    ]
    assert {member.family for member in action_set.actions} == {family}
    assert action_set.groups == {("video",): "Actions under ai.video"}
    assert action_set.by_command["video", "generate"] is action_set.by_id["ai.video.generate"]
    assert [
        (member.flag, member.only, member.hidden) for member in action_set.actions[0].params
    ] == [
        ("prompt", "", False),
        ("timeout", "wait", True),
    ]


@pytest.mark.parametrize(
    ("schemas", "roles"),
    [
        ({"a.create": PROMPT, "a.get": BY_ID}, {}),
        ({"a.make": PROMPT, "a.make_and_wait": PROMPT}, {"a.make_and_wait": "wait"}),
        (
            {"a.make": PROMPT, "a.make_and_wait": PROMPT, "b.query": TASK},
            {"a.make_and_wait": "wait"},
        ),
        (
            {"a.make": PROMPT, "a.make_and_wait": PROMPT, "a.cancel": TASK, "a.upscale": TASK},
            {"a.make_and_wait": "wait"},
        ),
        (
            {"a.submit": PROMPT, "a.submit_and_wait": PROMPT, "a.status": TASK, "a.cancel": TASK},
            {"a.submit": "create", "a.submit_and_wait": "wait", "a.status": "query"},
        ),
        (
            {"song": PROMPT, "song_and_wait": PROMPT, "song_query": TASK, "film_query": TASK},
            {"song": "create", "song_and_wait": "wait", "song_query": "query"},
        ),
    ],
)
def test_what_makes_a_family(schemas: dict[str, Any], roles: dict[str, str]) -> None:
    assert {action.id: action.role for action in resolve(schemas).actions if action.role} == roles


@pytest.mark.parametrize(
    ("properties", "required", "key"),
    [
        ({"taskId": {}}, ["taskId"], "taskId"),
        ({"id": {}, "verbose": {}}, ["id"], "id"),
        ({"job-id": {}}, [], "job-id"),
        ({"request_id": {}}, ["request_id"], "request_id"),
        ({"taskId": {}, "region": {}}, ["taskId", "region"], None),
        ({"video_id": {}}, ["video_id"], "video_id"),
        ({"name": {}}, ["name"], "name"),
        ({"prompt": {}}, ["prompt"], None),
        ({"taskId": {}, "limit": {}}, [], None),
    ],
)
def test_a_query_needs_a_task_id_alone(
    properties: dict[str, Any], required: list[str], key: str | None
) -> None:
    query = {"type": "object", "properties": properties, "required": required}
    action = resolve({**VIDEO, "ai.video.query": query}).by_id["ai.video.query"]

    assert (action.family.task_key if action.family else None) == key


PAIRS = [
    ("a.generate", "a.query", True),
    ("a.create", "a.status", True),
    ("encodings.start", "encodings.status", True),
    ("video.submit_job", "video.query", True),
    ("image.generate_async", "image.generate_status", True),
    ("video.submit_task", "video.get_result", True),
    ("generate.video", "generate.progress", True),
    ("tracks.compose", "tracks.get", True),
    ("generate.delete", "generate.get", False),
    ("a.createVideo", "a.getResult", True),
    ("jobs.create", "jobs.get", True),
    ("a.textToVideoGenerate", "a.textToVideoResult", True),
    ("a.create", "a.get", False),
    ("a.search", "a.query", False),
    ("a.generate", "a.list", False),
    ("a.generate", "b.query", False),
    ("a.describe", "a.query", False),
]


@pytest.mark.parametrize(("create", "query", "is_family"), PAIRS)
def test_words_of_jobs_make_a_family_without_the_twin(
    create: str, query: str, is_family: bool
) -> None:
    actions = resolve({create: PROMPT, query: BY_ID}).by_id

    assert (actions[create].family is not None) == is_family
    if is_family:
        family = Family(create=create, query=query, task_key="id", by_words=True)
        assert actions[create].family == family
    assert actions[query].paid != is_family


@pytest.mark.parametrize("key", ["job_id", "taskId", "encoding_id", "request_id", "task_token"])
def test_the_property_tells_a_job_from_a_plain_record(key: str) -> None:
    by_key = {"type": "object", "required": [key], "properties": {key: {}}}
    action = resolve({"a.create": PROMPT, "a.get": by_key}).by_id["a.create"]

    assert action.family == Family(create="a.create", query="a.get", task_key=key, by_words=True)


def test_a_description_tells_a_job_from_a_plain_record() -> None:
    said = "Starts an asynchronous rendering."
    entries = [
        Advertised(id="a.create", input=PROMPT, description=said),
        Advertised(id="a.get", input=BY_ID),
    ]

    assert ActionResolver(entries, Overlay(), {}, {}).families["a.create"][1].by_words


def guessed_elsewhere(create: str, id_key: str, *others: tuple[str, str]) -> str:
    """Return the action of another group that is guessed to ask; each has one property."""
    entries = [Advertised(id=create, input=PROMPT)]
    for name, key in others:
        schema = {"type": "object", "required": [key], "properties": {key: {}}}
        entries.append(Advertised(id=name, input=schema))
    resolver = ActionResolver(entries, Overlay(), {}, {})
    family = guess_family(create, resolver.schemas, Overlay(), resolver.entries, [id_key])
    assert family is None or family.guessed
    return family.query if family else ""


@pytest.mark.parametrize(
    ("create", "id_key", "query", "key"),
    [
        ("text_to_video.create", "id", "tasks.retrieve", "id"),
        ("generate.video", "job_id", "jobs.get", "job_id"),
        ("models.predict_long_running", "name", "operations.get", "name"),
        ("videos.generations", "id", "async_result.get", "id"),
        ("text_to_video.create", "id", "video_projects.retrieve", "id"),
        ("sd.generate", "job", "job.get", "job"),
    ],
)
def test_an_action_of_another_group_is_guessed_by_what_it_takes(
    create: str, id_key: str, query: str, key: str
) -> None:
    group = query.partition(".")[0]
    decoys = [(f"{group}.{word}", key) for word in ("cancel", "delete", "extend", "rerun")]

    assert guessed_elsewhere(create, id_key, (query, key), *decoys) == query
    assert guessed_elsewhere(create, id_key, *decoys) == ""


@pytest.mark.parametrize(
    "others",
    [
        [("jobs.get", "id"), ("tasks.get", "id")],
        [("voices.get", "id")],
        [("users.get", "user_id")],
        [("upscale.get", "id")],
        [("tasks.describe", "id")],
        [("tasks.list", "id")],
    ],
)
def test_no_action_of_another_group_is_guessed_without_a_clear_fit(
    others: list[tuple[str, str]],
) -> None:
    assert guessed_elsewhere("text_to_video.create", "id", *others) == ""


@pytest.mark.parametrize(
    ("create", "twin"),
    [
        ("a.generate", "a.generateAndWait"),
        ("a.generate", "a.generate-and-wait"),
        ("a.Generate", "a.GenerateAndWait"),
    ],
)
def test_the_twin_may_be_spelled_in_any_way(create: str, twin: str) -> None:
    action = resolve({create: PROMPT, twin: PROMPT, "a.query": TASK}).by_id[create]

    assert action.family == Family(create=create, wait=twin, query="a.query")


DECOYS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    **{
        name: (TASK, {})
        for name in (
            *("cancel", "delete", "extend", "upscale", "remix", "retry", "remove", "abort", "stop"),
            *("upscale_result", "extend_status", "remix_get", "cancel_status", "delete_result"),
            *(
                "get_upscaled_4k",
                "status_update",
                "regenerate_result",
                "buy_result",
                "getAndExtend",
            ),
            *(
                "publish_result",
                "download",
                "unlock_result",
                "rerun_query",
                "resultUpscale",
                "list",
            ),
            *("refund_status", "vary_result", "reframe_fetch", "inpaint_result", "check"),
        )
    },
    "get": (TASK, {"billable": True}),
    "status": (TASK, {"destructive": True}),
    "query": (TASK, {"readOnly": False}),
    "poll": ({**TASK, "required": ["taskId", "preset"]}, {}),
    "result": (PROMPT, {}),
    "history": ({"type": "object", "properties": {"a": {}, "b": {}}}, {}),
}


@pytest.mark.parametrize("name", DECOYS)
def test_what_is_no_question_is_never_guessed_to_be_one(name: str) -> None:
    schema, marks = DECOYS[name]
    entries = [
        Advertised(id="a.create", input=PROMPT),
        Advertised(id=f"a.{name}", input=schema, hints=marks),
    ]
    resolver = ActionResolver(entries, Overlay(), {}, {})

    assert guess_family("a.create", resolver.schemas, resolver.overlay, resolver.entries) is None
    assert resolver.families == {}


@pytest.mark.parametrize(
    "name",
    ["query", "get", "status", "retrieve", "poll", "result", "fetch", "history", "operation"],
)
def test_an_action_that_asks_is_guessed_by_its_last_word(name: str) -> None:
    entries = [Advertised(id="a.edit", input=PROMPT), Advertised(id=f"a.task_{name}", input=TASK)]
    resolver = ActionResolver(entries, Overlay(), {}, {})
    family = guess_family("a.edit", resolver.schemas, resolver.overlay, resolver.entries)

    query = f"a.task_{name}"
    assert family == Family(create="a.edit", query=query, guessed=True, by_words=True)


def test_the_configured_family_wins() -> None:
    overlay = parse_overlay(
        {"families": {"a.make": {"wait": "a.do", "query": "a.look", "task-key": "nr"}}}
    )
    action_set = resolve(
        {"a.make": PROMPT, "a.do": WAIT, "a.look": PROMPT, "a.status": TASK}, overlay
    )

    assert action_set.by_id["a.make"].family == Family(
        create="a.make", wait="a.do", query="a.look", task_key="nr", timeout_ms=180_000
    )
    assert action_set.by_id["a.do"].command == ()
    assert not action_set.by_id["a.look"].paid
    assert action_set.by_id["a.status"].paid


def test_and_wait_alone_is_a_command_of_the_short_name() -> None:
    action_set = resolve({"ai.video.generate_and_wait": WAIT, "ai.video.query": TASK})
    wait = action_set.by_id["ai.video.generate_and_wait"]

    assert (wait.command, wait.role) == (("video", "generate"), "wait")
    assert wait.family == Family(
        wait="ai.video.generate_and_wait", query="ai.video.query", timeout_ms=180_000
    )
    assert not action_set.by_id["ai.video.query"].paid


def test_names_once_given_stay_when_a_family_completes() -> None:
    alone = resolve({"ai.video.generate_and_wait": WAIT})
    locked = {action.id: action.command for action in alone.actions}
    assert resolve(VIDEO, commands=locked).by_command.keys() == {
        ("video", "generate"),
        ("video", "query"),
    }

    apart = resolve({key: VIDEO[key] for key in list(VIDEO)[:2]})
    locked = {action.id: action.command for action in apart.actions}
    later = resolve(VIDEO, commands=locked)
    assert later.by_id["ai.video.generate_and_wait"].command == ("video", "generate-and-wait")
    assert locked.items() <= {action.id: action.command for action in later.actions}.items()


def test_no_new_action_moves_a_name() -> None:
    schemas = {f"{group}.{verb}": PROMPT for group in ("b", "ai.c", "d") for verb in ("x", "y")}
    locked = {entry.id: entry.command for entry in resolve(schemas).actions}
    more = {"ai.b.x": PROMPT, "c.x": PROMPT, "b": PROMPT, "b.x.z": PROMPT, "ai.d.X": PROMPT}
    later = resolve({**more, **schemas}, commands=locked)

    assert {entry.id: entry.command for entry in later.actions if entry.id in locked} == locked
    assert {entry.action for entry in later.problems} == set(more)
    commands = [entry.command for entry in later.actions if entry.command]
    assert len(set(commands)) == len(commands)


def test_an_id_that_is_a_group_or_ours_is_reached_by_call() -> None:
    action_set = resolve({"ai.video": PROMPT, "tasks.list": PROMPT, "login": PROMPT, **VIDEO})

    assert {problem.action: problem.code for problem in action_set.problems} == {
        "ai.video": "call-only",
        "tasks.list": "call-only",
        "login": "call-only",
    }
    assert action_set.by_id["ai.video"].command == ()


def test_the_order_of_the_catalogue_does_not_matter() -> None:
    schemas = {**VIDEO, "video.generate": PROMPT, "ai.video": TASK, "x.Query": {}, "x.query": {}}
    entries = [Advertised(id=name, input=schema) for name, schema in schemas.items()]
    entries.append(Advertised(id="x.query", input=PROMPT))
    expected = resolve_actions(entries, Overlay())
    for seed in range(5):
        random.Random(seed).shuffle(entries)

        assert resolve_actions(entries, Overlay()) == expected
    assert "twice" in {problem.code for problem in expected.problems}


@pytest.mark.parametrize(
    ("marks", "paid"),
    [
        ({}, True),
        ({"readOnly": True}, False),
        ({"billable": False}, False),
        ({"annotations": {"readOnlyHint": True}}, False),
        ({"readOnly": "yes", "billable": None, "annotations": []}, True),
    ],
)
def test_what_is_marked_free_is_free(marks: dict[str, Any], paid: bool) -> None:
    (action,) = resolve_actions(
        [Advertised(id="a.b", input=PROMPT, hints=marks)], Overlay()
    ).actions

    assert action.paid is paid
    assert not action.idempotent


def test_the_overlay_frees_leaves_out_and_strips() -> None:
    overlay = Overlay(free=("a.*",), exclude=("*.secret",), strip_prefixes=("a.", "a.b."))
    action_set = resolve({"a.x": PROMPT, "a.secret": PROMPT, "a.b.y": PROMPT}, overlay)

    assert [(action.id, action.command, action.paid) for action in action_set.actions] == [
        ("a.b.y", ("y",), False),
        ("a.x", ("x",), False),
    ]


@pytest.mark.parametrize("schema", [None, "nonsense", [PROMPT]])
def test_one_bad_schema_costs_its_own_flags_alone(schema: Any) -> None:
    action_set = resolve({"a.bad": schema, "a.good": PROMPT})

    assert [(entry.command, entry.typed, len(entry.params)) for entry in action_set.actions] == [
        (("a", "bad"), False, 0),
        (("a", "good"), True, 1),
    ]
    assert [entry.action for entry in action_set.problems] == ["a.bad"]
    assert action_set.problems[0].hint == "the action takes --input alone"


def test_an_odd_keyword_costs_itself_alone() -> None:
    odd = {**PROMPT, "properties": {**PROMPT["properties"], "pic": {"type": "nonsense"}}}
    action_set = resolve({"a.odd": odd})

    assert [param.flag for param in action_set.actions[0].params] == ["prompt", "pic"]
    assert [(entry.code, entry.level) for entry in action_set.problems] == [("left-out", "warning")]
    assert "/properties/pic/type" in action_set.problems[0].message


@pytest.mark.parametrize(
    ("title", "description", "summary"),
    [
        ("T", "", "T"),
        ("T", "Make a video. It takes long.", "Make a video"),
        ("", "Make\ta video\nof something", "Make a video"),
        ("", "v1.5 of it", "v1.5 of it"),
        (
            "",
            "word " * 40,
            "word word word word word word word word word word word word word word…",
        ),
        ("", "", ""),
    ],
)
def test_the_summary_is_the_first_sentence(title: str, description: str, summary: str) -> None:
    entry = Advertised(id="a.b", title=title, description=description, input={})
    (action,) = resolve_actions([entry], Overlay()).actions

    assert action.summary == summary
    assert len(action.summary) <= 72


def test_media_come_from_configuration_and_output_own_medium_first() -> None:
    output = {
        "properties": {
            "videos": {"items": {"properties": {"videoUrl": {}, "coverImageUrl": {}}}},
            "audio_url": {"type": "string"},
            "docsUrl": {"type": "string"},
            "frames": {"items": {"type": "string", "contentEncoding": "base64"}},
            "cover": {"type": "string", "format": "byte"},
            "sound": {"type": "string", "contentMediaType": "audio/mpeg"},
        },
        "dependentRequired": {"properties": ["videos"]},
    }
    entries = [
        Advertised(id="ai.video.generate", input=PROMPT, output={"type": "object"}),
        Advertised(id="ai.video.generate_and_wait", input=WAIT, output=output),
        Advertised(id="ai.video.query", input=TASK, output={"$ref": "file:///x", "type": 5}),
    ]
    action_set = resolve_actions(entries, Overlay(media=("imageUrl",)))

    assert action_set.by_id["ai.video.generate"].media == (
        *("videoUrl", "imageUrl", "audio_url", "frames", "sound"),
    )


@pytest.mark.parametrize("shape", ["x{}_and_wait", "x.get{}", "g{}.a", "{}" + ".q" * 100])
def test_a_catalogue_of_many_actions_is_read_at_once(shape: str) -> None:
    schema = {"type": "object", "properties": {"taskId": {"type": "string"}}}
    many = [Advertised(id=shape.format(n), input=schema) for n in range(2_000)]
    start = time.process_time()

    assert len(resolve_actions(many, Overlay()).actions) == 2_000
    assert time.process_time() - start < 2.0


def test_a_description_is_cut_where_it_is_longer_than_a_text_of_a_schema_may_be() -> None:
    entries = [Advertised(id="a.b", description="word " * 1_000_000, input=PROMPT)]
    resolver = ActionResolver(entries, Overlay(), {}, {})

    assert len(resolver.action("a.b").doc) == len(resolver.listing_of("a.b").doc) == 100_000
