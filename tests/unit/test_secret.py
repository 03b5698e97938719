"""A key shows itself as a mask, wherever it is looked at."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import traceback
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callsheet.errors import UsageError
from callsheet.secret import Secret, is_sensitive, redact_headers, redact_text

KEY = "sk-Zq7/canary+key=8c1d9e22f3a9"
MASK = "sk-…f3a9"
MALFORMED = [
    *("", " ", "\n", "\t", "\x00", "…", "é", "🔑", "\u200b", "\ud800"),
    *(
        f"{KEY}\n",
        f" {KEY}",
        f"{KEY} ",
        f"{KEY}\r\nX-Evil: 1",
        f"{KEY}\t",
        f"{KEY}\x00",
        f"{KEY}\x7f",
    ),
    *(f"{KEY}\x1b[0m", f"a b{KEY}", f"Bearer {KEY}", f"bearer {KEY}", f"{KEY}é", f"{KEY}\u202e"),
    *(f'"{KEY}"', f"'{KEY}'", f"`{KEY}`", f"{KEY}\u2028", f"{KEY}\u00a0", f"{KEY}\udcff"),
    *(KEY * 200, MASK, "sk-***f3a9"),
]


def test_reveal_alone_gives_the_key() -> None:
    assert Secret.parse(KEY).reveal() == KEY


def test_every_view_is_the_mask() -> None:
    secret = Secret(KEY)
    frozen = pickle.loads(pickle.dumps({"k": secret}))["k"]
    views = [
        *(str(secret), f"{secret}", f"{secret:>20}".strip(), format(secret, "s")),
        *(str(copy.copy(secret)), str(copy.deepcopy([secret])[0]), str(frozen)),
        *(json.loads(json.dumps(secret, default=str)),),
    ]

    assert views == [MASK] * 8
    assert repr(secret) == repr(frozen) == f"Secret({MASK})"


def test_nothing_inside_shows_the_key() -> None:
    secret = Secret(KEY)
    inside = [repr(getattr(secret, name)) for name in Secret.__slots__]

    assert [text for text in inside if KEY in text] == []
    assert not hasattr(secret, "__dict__")
    assert KEY.encode() not in pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)


def test_a_pickled_one_gives_no_key() -> None:
    frozen = pickle.loads(pickle.dumps(Secret(KEY)))

    assert frozen.is_masked
    assert frozen != Secret(KEY)
    assert redact_text(KEY, [frozen]) == KEY
    with pytest.raises(UsageError, match="masked"):
        frozen.reveal()


def test_equal_keys_are_equal() -> None:
    assert {Secret(KEY), Secret(KEY)} == {Secret(KEY)}
    assert Secret(KEY) != Secret(KEY + "x")
    assert Secret(KEY) != KEY


@pytest.mark.parametrize(
    ("key", "mask"),
    [
        ("sk-0123456789abcdef", "sk-…cdef"),
        ("0123456789abcdef", "…cdef"),
        ("live_0123456789abcdef", "live_…cdef"),
        ("password-012345678901", "…8901"),
        ("short", "…"),
        ("sk-short", "…"),
    ],
)
def test_masks_show_little(key: str, mask: str) -> None:
    assert str(Secret(key)) == mask


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_keys_are_refused_without_echo(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Secret.parse(text)
    error = caught.value
    stack = traceback.TracebackException.from_exception(error, capture_locals=True).stack
    own = [str(frame.locals) for frame in stack if frame.filename.endswith("callsheet/secret.py")]
    message = f"{error} {error.hint} {error.as_json()}"
    assert KEY not in message
    assert len(own) == 1
    assert "canary" not in own[0]
    assert error.exit_code == 2


def test_there_are_thirty_malformed_keys() -> None:
    assert len(set(MALFORMED)) >= 30


def test_headers_that_carry_credentials_are_masked() -> None:
    headers = {
        "Authorization": f"Bearer {KEY}", "X-Api-Key": KEY, "Cookie": f"s={KEY}",
        "x-auth-token": KEY,
        "Idempotency-Key": "6f1c", "Content-Type": "application/json",
    }  # fmt: skip
    redacted = redact_headers(headers)

    assert KEY not in str(redacted)
    assert redacted["X-Api-Key"] == MASK
    assert redacted["Idempotency-Key"] == "6f1c"
    assert list(redacted) == list(headers)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        *((name, True) for name in ("X-Auth", "X-Authentication", "App-Credentials", "X-JWT")),
        *((name, True) for name in ("X-Session-Id", "session-id", "X-Passphrase", "X-Passwd")),
        *((name, False) for name in ("X-Auth-Kind", "X-Author", "X-Team", "X-Sessions", "Compass")),
    ],
)
def test_the_name_of_a_header_shows_a_credential(name: str, *, is_one: bool) -> None:
    assert is_sensitive(name) == is_one


def _spellings(key: str) -> list[str]:
    encoded = key.encode()
    return [
        key,
        quote(key, safe=""),
        quote(key, safe="").lower() if key.islower() else quote_plus(key),
        "".join(f"%{byte:02x}" for byte in encoded),
        json.dumps({"key": key}),
        base64.b64encode(encoded).decode(),
        base64.urlsafe_b64encode(encoded).decode(),
        *(base64.b64encode(lead + encoded + b"@host").decode() for lead in (b"u", b"us", b"user:")),
    ]


@pytest.mark.parametrize("text", _spellings(KEY))
def test_every_spelling_of_the_key_is_found(text: str) -> None:
    redacted = redact_text(f"before {text} after", [Secret(KEY)])

    assert MASK in redacted
    assert "canary" not in redacted
    assert base64.b64encode(KEY.encode()).decode()[4:24] not in redacted
    assert redacted.startswith("before ")
    assert redacted.endswith(" after")


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=16, max_size=80))
def test_every_spelling_of_any_key_is_found(key: str) -> None:
    redacted = [redact_text(text, [Secret(key)]) for text in _spellings(key)]

    assert [text for text in redacted if str(Secret(key)) not in text] == []


def test_text_without_the_key_is_unchanged() -> None:
    text = "sk- canary key " * 100

    assert redact_text(text, [Secret(KEY), Secret("")]) == text


def test_locals_in_a_traceback_show_the_mask() -> None:
    secret = Secret(KEY)
    try:
        raise RuntimeError(f"{secret!r}")
    except RuntimeError as error:
        report = traceback.TracebackException.from_exception(error, capture_locals=True)

    assert KEY not in "".join(report.format())
    assert MASK in "".join(report.format())
