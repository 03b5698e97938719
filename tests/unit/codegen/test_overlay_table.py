"""The rules of [tool.callsheet] about actions are validated, and a mistake is named by its path."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from callsheet.errors import UsageError
from callsheet_codegen.config import parse_overlay


@pytest.mark.parametrize(
    ("table", "path"),
    [
        ({"hidden": {"ai.*": "options"}}, 'tool.callsheet.hidden."ai.*"'),
        ({"hidden": []}, "tool.callsheet.hidden"),
        ({"free": "material.*"}, "tool.callsheet.free"),
        ({"comma": [1]}, "tool.callsheet.comma[0]"),
        ({"aliases": {"timeoutMs": "--timeout"}}, "tool.callsheet.aliases.timeoutMs"),
        ({"aliases": {"a b": ""}}, 'tool.callsheet.aliases."a b"'),
        ({"flags": {"ai.*": {"prompt": "Prompt"}}}, 'tool.callsheet.flags."ai.*".prompt'),
        ({"flags": {"ai.*": "x"}}, 'tool.callsheet.flags."ai.*"'),
        ({"hide": [""]}, "tool.callsheet.hide[0]"),
        ({"groups": {"ai.video": "Film"}}, 'tool.callsheet.groups."ai.video"'),
        ({"commands": {"ai.go": []}}, 'tool.callsheet.commands."ai.go"'),
        ({"commands": {"ai.go": "--go"}}, 'tool.callsheet.commands."ai.go"'),
        ({"methods": {"ai.go": "go-now"}}, 'tool.callsheet.methods."ai.go"'),
        ({"describe": {"ai.go": 5}}, 'tool.callsheet.describe."ai.go"'),
        ({"describe-fields": {"a": {"b": ""}}}, "tool.callsheet.describe-fields.a.b"),
        ({"waits": {"ai.*": "soon"}}, 'tool.callsheet.waits."ai.*"'),
        ({"waits": {"ai.*": 20}}, 'tool.callsheet.waits."ai.*"'),
        ({"waits": {"ai.*": True}}, 'tool.callsheet.waits."ai.*"'),
        (
            {"defaults": {"ai.*": {"when": [date(2026, 1, 1)]}}},
            'tool.callsheet.defaults."ai.*".when[0]',
        ),
        ({"upload": {"action": "x"}}, "tool.callsheet.upload lacks field"),
        (
            {"upload": {"action": "x", "field": "f", "encoding": "hex"}},
            "tool.callsheet.upload.encoding",
        ),
        ({"tasks": {"action": "x", "match": "m", "more": "z"}}, "tool.callsheet.tasks.more"),
        ({"families": {"a": {"wait": "b"}}}, "tool.callsheet.families.a lacks query"),
        ({"protocol": {"stat": "x"}}, "tool.callsheet.protocol.stat"),
        ({"protocol": {"done": [1]}}, "tool.callsheet.protocol.done"),
        ({"protocol": {"auth": "basic"}}, "tool.callsheet.protocol.auth is 'basic'"),
        ({"headers": {"X-Team": 5}}, "tool.callsheet.headers.X-Team"),
        ({"headers": {"Host": "a.example"}}, "tool.callsheet.headers: Host is set"),
        ({"headers": {"X-Api-Key": "x"}}, "tool.callsheet.headers.X-Api-Key is a credential"),
        ({"headers": {"X": "Bearer x"}}, "tool.callsheet.headers.X is a credential"),
    ],
)
def test_a_mistake_is_named_by_its_path(table: dict[str, Any], path: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_overlay(table)

    assert raised.value.message.startswith(path)
    assert raised.value.exit_code == 2
