"""Keys in use are masked in what is shown or stored, and nothing else is."""

from __future__ import annotations

import gc
import json

import pytest

from callsheet import masking
from callsheet.masking import mask_keys, masked, masked_bytes, masked_document
from callsheet.secret import Secret

KEY, MASK = "sk-Zq7/canary+key=8c1d9e22f3a9", "sk-…f3a9"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"apiKey": "done", "status": "done"}', '{"apiKey": "…", "status": "done"}'),
        ("no such key: done; the job is done", "no such key: …; the job is done"),
        ("Incorrect API key provided: done.", "Incorrect API key provided: …."),
        ("Authorization: Bearer done", "Authorization: Bearer …"),
        ('{\\"token\\": \\"done\\"}', '{\\"token\\": \\"…\\"}'),
        ("https://api.example/?token=done&state=done", "https://api.example/?token=…&state=done"),
        ('{"key": "", "done": 1}', '{"key": "", "done": 1}'),
        ('{"keyframes": ["done"]}', '{"keyframes": ["done"]}'),
        ("the key donetask", "the key donetask"),
    ],
)
def test_a_short_key_is_masked_only_where_it_is_named(text: str, expected: str) -> None:
    assert mask_keys(text, {"done": "…"}) == expected


@pytest.mark.parametrize("key", ["123456789012", "42"])
def test_json_with_a_key_of_digits_stays_json(key: str) -> None:
    document = {"key": int(key), "token": key, "n": [int(key), 91234567890123, 4.2], "m": f"{key}1"}
    shown = json.loads(mask_keys(json.dumps(document), {key: "…"}))

    assert shown["key"] == 0
    assert shown["token"] == "…"
    assert shown["n"][1:] == [91234567890123, 4.2]
    assert shown["m"] == f"{key}1"


@pytest.mark.parametrize("depth", range(1, 5))
def test_escapes_in_escapes_hide_nothing(depth: int) -> None:
    text = KEY
    for _ in range(depth):
        text = json.dumps(text.replace("/", "\\/"))[1:-1].replace("+", "\\u002b")

    assert mask_keys(f"before {text} after", {KEY: MASK}) == f"before {MASK} after"


def test_a_large_text_is_masked_too() -> None:
    noise = json.dumps({"link": "https://a.example/%2Fb", "text": 'a "word" \\ \n'}) * 3000
    text = f"{noise}{KEY.replace('/', '%2F')}{noise}"

    assert mask_keys(text, {KEY: MASK}) == f"{noise}{MASK}{noise}"


def test_a_key_is_masked_while_somebody_holds_it() -> None:
    secret = Secret(KEY)
    masking.watch(secret)
    body = json.dumps({"n": [KEY]}).encode()

    assert masked(f"the key {KEY}") == f"the key {MASK}"
    assert KEY.encode() not in masked_bytes(body)
    assert masked_document(json.loads(body), body) == {"n": [MASK]}
    del secret
    gc.collect()
    assert masked(f"the key {KEY}") == f"the key {KEY}"


def test_a_masked_key_is_not_watched() -> None:
    masking.watch(None)
    masking.watch(Secret(""))

    assert masked("plain") == "plain"
