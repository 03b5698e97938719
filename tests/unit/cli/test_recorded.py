"""What help says of actions that nobody here wrote: those of the recorded corpus."""

from __future__ import annotations

import json
import re
import shlex
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from fidelity.material import corpus, has_corpus
from unit.cli.given import sent

from callsheet.actions.ranking import Searchable, rank
from callsheet.actions.resolve import ActionSet, resolve_actions
from callsheet.cli.help import pages
from callsheet.cli.help.example import example_line
from callsheet.config.overlay import Overlay
from callsheet.schema.validator import Validator
from callsheet.spec import Advertised
from callsheet.text import dumps

if TYPE_CHECKING:
    from fidelity.material import ActionCase

    from callsheet.spec import Action

pytestmark = pytest.mark.skipif(not has_corpus(), reason="no recorded actions are at hand")
FRAME = 600
"""Bytes of a page's data that do not depend on the schema: its command, our flags, an example."""
_SECRET = re.compile(r"\b(?:sk|pk|ghp|xox[a-z]|key)[-_][A-Za-z0-9]{8,}")


@cache
def cases() -> dict[str, ActionCase]:
    return {case.id: case for case in corpus()}


@cache
def surface() -> ActionSet:
    entries = [Advertised(id=c.id, description=c.doc, input=c.input) for c in corpus()]
    return resolve_actions(tuple(entries), Overlay())


def is_artificial(action: Action) -> bool:
    """Tell whether the schema comes from the suite of JSON Schema, which tests odd keywords."""
    return action.id.startswith("jsonschema_suite.")


def test_every_page_ends_with_a_line_that_its_schema_takes() -> None:
    refused = []
    for action in surface().actions:
        line = example_line(action, "ads")
        words = shlex.split(line)[1 + len(action.command) :]
        assert not _SECRET.search(line)
        if "--skeleton" in words:
            refused.append(action)
            continue
        body = json.loads(sent(action, *words))
        if Validator.of(cases()[action.id].input).violations(body):
            refused.append(action)

    assert [action.id for action in refused if not is_artificial(action)] == []
    assert len(refused) < 10


def blanks(value: Any) -> bool:
    """Tell whether a null, or something empty, stands anywhere in a document."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is None or any(map(blanks, inner))


def test_help_as_data_has_no_nulls_and_is_at_most_twice_the_schema() -> None:
    sizes = []
    for action in surface().actions:
        case, document = cases()[action.id], pages.describe_action(action, "ads")
        frame = {key: value for key, value in document.items() if key != "flags"}
        assert not blanks([frame, *map(without_values, document["flags"])])
        schema = len(dumps(case.input)) + len(dumps(case.doc))
        sizes.append((len(dumps(document)), schema))
        assert sizes[-1][0] <= 2 * schema + FRAME

    assert sum(page for page, _ in sizes) <= 2 * sum(len(dumps(c.input)) for c in cases().values())


def without_values(row: dict[str, Any]) -> dict[str, Any]:
    """Return a flag without what the server wrote: a choice or an example may be null."""
    return {
        k: v for k, v in row.items() if k not in {"choices", "default", "example", "constraints"}
    }


PHRASES = [
    ("make a picture", "fal.generate_image"),
    ("picture from text", "fal.generate_image"),
    ("make image bigger", "fal.upscale_image"),
    ("genrate vidoe", "fal.generate_video"),
    ("animate a photo", "fal.generate_video_from_image"),
    ("remove background", "fal.remove_background"),
    ("how much does it cost", "fal.get_pricing"),
    ("text to speech", "elevenlabs.text_to_speech"),
    ("read this aloud with a voice", "elevenlabs.text_to_speech"),
    ("clone my voice", "elevenlabs.voice_clone"),
    ("trancribe audio", "elevenlabs.speech_to_text"),
    ("music", "fal.generate_music"),
    ("screenshot", "playwright.browser_take_screenshot"),
    ("click a button", "playwright.browser_click"),
    ("fill in a form", "playwright.browser_fill_form"),
    ("open pull request", "github.create_pull_request"),
    ("list isues", "github.list_issues"),
    ("comment on an issue", "github.add_issue_comment"),
    ("commit changes", "git.git_commit"),
    ("refund a payment", "stripe.create_refund"),
    ("new customer", "stripe.create_customer"),
    ("what time is it in tokyo", "time.get_current_time"),
    ("rename a file", "filesystem.move_file"),
    ("download web page", "fetch.fetch"),
    ("fal.generate_image", "fal.generate_image"),
    ("github.create", "github.create_branch"),
]


@cache
def entries() -> list[Searchable]:
    by_id = surface().by_id
    return [
        Searchable(c.id, text=c.doc, group=" ".join(by_id[c.id].command[:-1])) for c in corpus()
    ]


@pytest.mark.parametrize(("phrase", "wanted"), PHRASES)
def test_a_vague_phrase_leads_to_its_action(phrase: str, wanted: str) -> None:
    assert wanted in rank(phrase, entries())[:5]
