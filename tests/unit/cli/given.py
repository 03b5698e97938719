"""Actions and command lines for the tests of this folder."""

from __future__ import annotations

from typing import Any

import click

from callsheet import jsonio
from callsheet.cli import tree
from callsheet.cli.context import Context
from callsheet.cli.input import prepare, request
from callsheet.config.bindings import Bindings
from callsheet.errors import InvalidInput, UsageError
from callsheet.spec import Action, Family, Param

FAMILY = Family(
    create="ai.video.generate", wait="ai.video.generate_and_wait", query="ai.video.query"
)
SCENES = ("text-to-video", "image-to-video", "video-to-video", "ad-video")


def param(name: str, kind: Any = "string", **facts: Any) -> Param:
    """Return a parameter whose wire path and flag follow from one dotted name."""
    path = tuple(facts.pop("path", name.split(".")))
    return Param(path=path, flag=facts.pop("flag", name), kind=kind, **facts)


def action(*params: Param, **facts: Any) -> Action:
    """Return an action with these parameters; ``ads shop buy`` unless told otherwise."""
    return Action(**{"id": "shop.buy", "command": ("shop", "buy"), "params": params, **facts})


GENERATE = action(
    param("prompt", required=True, doc="What to show"),
    param("scene", choices=SCENES, default='"text-to-video"'),
    param("image-input", "array", path=["imageInput"], items="string", comma=True),
    param("timeout", "integer", path=["timeoutMs"], only="wait"),
    param("seed", "integer", nullable=True, limits={"minimum": 0, "maximum": 9}),
    id="ai.video.generate",
    command=("video", "generate"),
    summary="Generate a video.",
    role="create",
    family=FAMILY,
    media=("videoUrl",),
)


def parse(subject: Action, *words: str) -> tuple[Context, list[tree.Typed]]:
    """Parse the words after an action's command as the program does."""
    context = Context(Bindings(command="ads", env="ADS"), words, {})
    command = tree.ActionCommand(subject)
    assert isinstance(command, tree.ActionCommand)
    ctx = command.make_context("buy", list(words), obj=context)
    context.flags.take(ctx.params)
    return context, command.typed(ctx)


def sent(subject: Action, *words: str) -> str:
    """Return the body that the words make, as it would go out."""
    context, typed = parse(subject, *words)
    return request.build_body(typed, context.flags.get("input")).encoded().decode()


def refusal(subject: Action, *words: str) -> UsageError | None:
    """Return why the words make no body, or none that the action's own parameters allow."""
    try:
        prepare.check_fields(subject.params, jsonio.decode(sent(subject, *words)))
    except InvalidInput as error:
        return prepare.name_flag(subject, error)
    except UsageError as error:
        return error
    return None


def page(subject: Action) -> str:
    """Return the help of an action, through click as a user gets it."""
    command = tree.ActionCommand(subject)
    ctx = click.Context(command, info_name="buy", parent=click.Context(command, info_name="ads"))
    return command.get_help(ctx)
