"""An action becomes a command: who owns which flag, what is hidden, in which order values stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import pytest
from unit.cli.given import FAMILY, GENERATE, action, param, parse, sent

from callsheet.cli import tree
from callsheet.cli.context import Context
from callsheet.cli.input import options
from callsheet.config.bindings import Bindings
from callsheet.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from callsheet.spec import Param


def names(*params: Param, **facts: Any) -> list[str]:
    command = tree.ActionCommand(action(*params, **facts))
    return [name for option in command.params if not vars(option)["hidden"] for name in option.opts]


def test_every_flag_of_ours_stands_after_an_action() -> None:
    own = [f"--{row[0]}" for row in (*options.ACTION_FLAGS, *options.GLOBAL_FLAGS)]

    assert names() == own


def test_a_family_has_three_more() -> None:
    added = set(names(role="create", family=FAMILY)) - set(names())

    assert added == {"--timeout", "--no-wait", "--blocking"}


def test_a_query_has_none_of_them() -> None:
    assert names(role="query", family=FAMILY) == names()


def test_a_hidden_field_has_no_flag() -> None:
    assert "--workspace-id" not in names(param("workspace-id", hidden=True))


@pytest.mark.parametrize("name", [row[0] for row in options.GLOBAL_FLAGS])
def test_a_field_takes_any_flag_that_is_not_kept(name: str) -> None:
    context, typed = parse(action(param(name)), f"--{name}", "x")

    assert [(option.param.flag, text) for option, text in typed] == [(name, "x")]
    assert name not in context.flags


@pytest.mark.parametrize("name", ["json", "out", "input", "dry-run", "help"])
def test_a_field_named_like_a_kept_flag_is_said_as_input(name: str) -> None:
    assert sent(action(param(name)), f"--input.{name}", '"x"') == f'{{"{name}":"x"}}'


@pytest.mark.parametrize("name", ["timeout", "no-wait", "blocking"])
def test_in_a_family_three_more_are_kept(name: str) -> None:
    job = action(param(name), role="create", family=FAMILY)

    assert sent(job, f"--input.{name}", "1") == f'{{"{name}":1}}'
    assert sent(action(param(name, "integer")), f"--{name}", "1") == f'{{"{name}":1}}'


def test_a_switch_never_takes_a_flag_of_ours() -> None:
    job = action(param("wait", "boolean"), role="create", family=FAMILY)
    context, typed = parse(job, "--wait", "--no-wait")

    assert [(option.param.flag, text) for option, text in typed] == [("wait", "true")]
    assert "no-wait" in context.flags


def test_the_file_form_gives_way_to_a_field() -> None:
    subject = action(param("image"), param("image-file"))

    assert sent(subject, "--image-file", "x") == '{"image-file":"x"}'


def test_the_deadline_in_a_family_is_ours() -> None:
    context, typed = parse(GENERATE, "--timeout", "90s")

    assert typed == []
    assert context.flags.get("timeout") == "90s"


def test_ours_are_collected_and_the_last_wins() -> None:
    words = ["--json", "--set", "a=1", "--set", "b=2", "--out", "x", "--out", "y", "--dry-run=curl"]
    context, _ = parse(GENERATE, *words)

    assert context.flags == {
        "json": "yes",
        "set": "a=1\nb=2",
        "out": "y",
        "dry-run": "curl",
    }


def test_an_unknown_flag_is_a_usage_error() -> None:
    with pytest.raises(click.NoSuchOption) as caught:
        parse(GENERATE, "--promt", "x")

    assert caught.value.option_name == "--promt"


def test_a_flag_that_belongs_to_nobody_is_not_guessed() -> None:
    with pytest.raises(click.NoSuchOption):
        parse(GENERATE, "--prom", "x")


def test_choices_complete() -> None:
    command = tree.ActionCommand(GENERATE)
    scene = next(option for option in command.params if "--scene" in option.opts)
    ctx = click.Context(command)

    assert [choice.value for choice in scene.shell_complete(ctx, "i")] == ["image-to-video"]


def test_the_forms_of_a_switch_and_of_a_text() -> None:
    either = param("either", "any", reads=("number", "string"))
    subject = action(param("loud", "boolean"), param("text"), either, param("size", "integer"))

    assert [form for _, form in options.flags_by_param(subject)] == [
        [("loud", "yes"), ("no-loud", "no")],
        [("text", "value"), ("text-file", "file")],
        [("either", "value"), ("either-file", "file")],
        [("size", "value")],
    ]


def test_an_untyped_action_takes_the_whole_body() -> None:
    assert sent(action(typed=False), "--input", "[1.0]") == "[1.0]"
    with pytest.raises(UsageError):
        sent(action(typed=False), "--input", "{")


class Elsewhere(tree.ActionCommand):
    """The command of another host, which ends with 6."""

    def perform(self, context: Context, ctx: click.Context) -> int:
        return 6


class Moving(tree.ActionCommand):
    """A command whose flags name another host."""

    def elsewhere(self, context: Context) -> tree.ActionCommand:
        return Elsewhere(self.action)


def test_the_exit_code_of_another_host_is_kept(home: Path) -> None:
    words = ["--prompt", "x", "--host", "http://127.0.0.1:9"]
    context = Context(Bindings(command="ads", env="ADS"), words, {"HOME": str(home)})
    context.use_hints({"host": "http://127.0.0.1:8"})
    assert context.settings.host
    command = Moving(GENERATE)
    ctx = command.make_context("generate", words, obj=context)

    assert command.invoke(ctx) == 6
