"""Commands of the live catalogue: found, asked for once, told apart from mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.conftest import BareProgram

SHOP = {
    "id": "shop.order.buy_now",
    "title": "Buy",
    "description": "Buys at once.",
    "cost": 0,
    "readOnly": True,
    "input": {
        "type": "object",
        "required": ["amount"],
        "properties": {
            "amount": {"type": "integer", "minimum": 1, "maximum": 5},
            "json": {"type": "string"},
            "host": {"type": "string"},
        },
    },
}


def test_an_action_of_this_morning_is_a_command(ads: BareProgram) -> None:
    ads("actions", "list")
    ads.server.add_action(SHOP)
    page = ads("shop", "order", "buy-now", "--help")
    wrong = ads("shop", "order", "buy-now", "--amount", "9")
    bare = ads("shop", "order", "buy-now")

    assert page.code == 0
    assert "Usage: ads shop order buy-now --amount INTEGER [OPTIONS]" in page.out
    assert "bindings" not in page.out
    assert wrong.error["message"] == "--amount: is 9, the most is 5"
    assert wrong.error["hint"] == "allowed: 1 to 5"
    assert bare.error["message"] == "--amount is needed"


def test_a_field_may_be_named_like_a_flag_of_ours(ads: BareProgram) -> None:
    ads.server.add_action(SHOP)
    words = ["shop", "order", "buy-now", "--amount", "1", "--host", "x", "--dry-run"]
    done = ads(*words, "--input.json", '"y"', "--json")

    assert done.json["body"] == {"amount": 1, "host": "x", "json": "y"}


def test_a_mistyped_word_is_told_the_nearest(ads: BareProgram) -> None:
    first = ads("vidoe", "generate")
    second = ads("video", "genrate")

    assert (first.code, first.error["message"]) == (2, "there is no command `ads vidoe`")
    assert first.error["hint"] == "did you mean video?"
    assert second.error["hint"] == "did you mean generate?"


def test_no_server_is_told_once(ads: BareProgram) -> None:
    done = ads("video", "generate", "--prompt", "x", ADS_HOST="http://127.0.0.1:9")

    assert (done.code, done.error["code"]) == (1, "network")
    assert done.err.count("cannot be reached") == 1


def test_host_may_stand_before_and_after(ads: BareProgram) -> None:
    host = ads.server.url
    before = ads("--host", host, "video", "generate", "--prompt", "x", "--dry-run", ADS_HOST="")
    after = ads("video", "generate", "--prompt", "x", "--dry-run", "--host", host, ADS_HOST="")

    assert before.json["url"] == after.json["url"] == f"{host}/api/actions/ai.video.generate"


def test_flags_of_ours_may_stand_first(ads: BareProgram) -> None:
    words = ["--jmespath", "[0].id", "--json", "actions", "list"]

    assert ads(*words).out == '"ai.image.generate"\n'
    assert ads("--format", "raw", "--jmespath", "[0].id", "actions", "list").out == (
        "ai.image.generate\n"
    )


def test_quiet_leaves_stderr_empty(ads: BareProgram) -> None:
    assert ads("--quiet", "video", "generate", "--prompt", "x").err == ""


def test_the_value_of_a_field_is_never_taken_for_a_server(ads: BareProgram) -> None:
    ads.server.add_action(SHOP)
    away = ads.server.dialects()[-1]
    link = ads.server.dialect_url(away)
    done = ads("shop", "order", "buy-now", "--amount", "1", "--host", link)

    assert done.code == 0
    assert ads.posts() == [("shop.order.buy_now", {"amount": 1, "host": link})]
    assert ads.server.requests(away) == []


def test_a_host_after_the_command_is_the_one_that_is_asked(ads: BareProgram) -> None:
    ads("actions", "list")
    away = ads.server.dialects()[-1]
    link = ads.server.dialect_url(away)
    for words in (["video", "generate", "--no-wait"], ["call", "ai.video.generate"]):
        done = ads(*words, "--prompt", "x", "--host", link)
        lone = ads(*words, "--prompt", "x", "--host", link, ADS_HOST="")

        assert (done.code, lone.code) == (0, 0)
        assert f"→ sandbox {link} ai.video.generate" in done.err

    assert ads.posts() == []
    assert len(ads.server.charges(away)) == 4


def test_no_check_warns_and_sends(ads: BareProgram) -> None:
    ads.server.add_action(SHOP)
    done = ads("shop", "order", "buy-now", "--amount", "9", "--no-check")

    assert "the schema refuses this body: " in done.err
    assert ads.posts() == [("shop.order.buy_now", {"amount": 9})]
