"""A job is started again as it was, or with other flags of its action."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from cli.conftest import BareProgram

JOB = ("video", "generate", "--prompt", "a red fox", "--scene", "text-to-video", "--no-wait")


def bodies(ads: BareProgram) -> list[Any]:
    return [body for name, body in ads.posts() if name.startswith("ai.video.generate")]


@pytest.mark.parametrize(
    ("flags", "changes"),
    [
        ((), {}),
        (("--prompt", "a blue fox"), {"prompt": "a blue fox"}),
        (('--input.options={"a":1}', "--model", "m"), {"options": {"a": 1}, "model": "m"}),
    ],
)
def test_what_is_not_typed_stays(
    ads: BareProgram, flags: tuple[str, ...], changes: dict[str, Any]
) -> None:
    ads.inside(*JOB)
    shown = ads.inside("tasks", "rerun", "@1", *flags, "--dry-run")
    posted = len(bodies(ads))
    again = ads.inside("tasks", "rerun", "@1", *flags, "--yes", "--no-wait")
    listed = ads.inside("tasks", "list", "--cached", "--json").json

    assert posted == 1
    assert again.code == 0, again.err
    assert shown.json["body"] == bodies(ads)[1] == {**bodies(ads)[0], **changes}
    assert f"a new request with its own reference; {listed[1]['ref']} stays as it is" in again.err
    assert len({row["reference"] for row in listed}) == 2
    assert len(ads.server.charges()) == 2


def test_a_change_that_the_schema_refuses_is_told_before_anybody_is_asked(
    ads: BareProgram,
) -> None:
    ads.inside(*JOB)
    wrong = ads.inside("tasks", "rerun", "@1", "--image-input", "no.png")
    unknown = ads.inside("tasks", "rerun", "@1", "--promt", "x")
    plain = ads.inside("tasks", "rerun", "@1", "--prompt", "x")

    assert (wrong.error["code"], wrong.error["flag"]) == ("invalid_input", "--image-input")
    assert unknown.error["hint"] == "did you mean --prompt?"
    assert plain.error["hint"] == "add --yes"
    assert len(bodies(ads)) == 1


def test_the_whole_body_may_be_another(ads: BareProgram) -> None:
    ads.inside(*JOB)
    ads.inside("tasks", "rerun", "@1", "--input", '{"prompt":"x"}', "--yes", "--no-wait")

    assert bodies(ads)[1] == {"prompt": "x"}


def test_a_path_for_the_new_job_waits(ads: BareProgram) -> None:
    ads.inside(*JOB)
    ads.inside("tasks", "rerun", "@1", "--yes", "--no-wait", "--out", "new.mp4")
    ads.server.advance(1000)
    saved = ads.inside("tasks", "save", "@1")

    assert saved.code == 0
    assert (ads.folder / "new.mp4").is_file()
