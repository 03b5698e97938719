"""A slip at the command line costs nothing, and is answered by what to type."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest
from cli.test_terminal import ended, terminal

if TYPE_CHECKING:
    from cli.conftest import BareProgram


def test_a_mistyped_id_is_not_sent(ads: BareProgram) -> None:
    refused = ads("call", "ai.vidio.generate", "--input", "{}")

    assert (refused.code, ads.posts()) == (2, [])
    assert (
        refused.error["message"] == "the server lists no action ai.vidio.generate; nothing was sent"
    )
    assert refused.error["hint"] == "did you mean ai.video.generate? `--no-check` sends it as it is"

    meant = ads("call", "ai.vidio.generate", "--input", "{}", "--no-check")
    far = ads("call", "shop.buy", "--input", "{}")

    assert (meant.code, far.code) == (1, 1)
    assert [name for name, _ in ads.posts()] == ["ai.vidio.generate", "shop.buy"]


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        (
            'video generate "ocean waves"',
            "there is no place for ocean waves",
            'ads video generate --prompt "ocean waves"',
        ),
        (
            "video generate --out x.mp4",
            "--prompt is needed",
            'ads video generate --prompt "ocean waves" --out video.mp4',
        ),
        ("video query", "--task-id is needed", "ads video query --task-id TASK_ID"),
        ("task list sea", "there is no place for sea", "put a value with spaces in quotes"),
    ],
)
def test_the_line_to_type(ads: BareProgram, line: str, message: str, hint: str) -> None:
    done = ads(*shlex.split(line))

    assert (done.code, ads.posts()) == (2, [])
    assert (done.error["message"], done.error["hint"]) == (message, hint)


def test_a_job_without_a_prompt_is_sent_where_that_is_meant(ads: BareProgram) -> None:
    assert ads("video", "generate", "--no-wait", "--input", "{}").code == 0
    assert ads("video", "generate", "--no-wait", "--no-check").code == 0
    assert ads("video", "generate", "--dry-run").json["body"] == {}


def test_the_prompt_is_asked_for_on_a_terminal(ads: BareProgram) -> None:
    child = terminal(ads, "video", "generate", "--no-wait")
    child.expect("What the video shows.*--prompt: ")
    child.sendline("ocean waves")
    code, _ = ended(child)

    assert code == 0
    assert ads.posts() == [("ai.video.generate", {"prompt": "ocean waves"})]


def test_a_list_is_cut_to_a_group_and_a_number(ads: BareProgram) -> None:
    group = ads("actions", "list", "--group", "video")
    ids = [line.split("\t")[0] for line in group.out.splitlines()]
    first = ads("actions", "list", "--cached", "--group", "video", "--limit", "1")
    wrong = ads("actions", "list", "--cached", "--group", "vidoe")

    assert ids == ["ai.video.generate", "ai.video.generate_and_wait", "ai.video.query"]
    assert first.out.splitlines() == group.out.replace("\tlive\t", "\tcached\t").splitlines()[:1]
    assert first.err == "2 more; --limit 3 lists them too\n"
    assert (wrong.code, wrong.err) == (2, "ads: there is no group vidoe\n  did you mean video?\n")


def test_a_search_is_ranked_and_forgives_a_slip(ads: BareProgram) -> None:
    done = ads("actions", "search", "make", "a", "pictrue", "--limit", "1", "--json")

    assert [row["id"] for row in done.json] == ["ai.image.generate"]
