"""Takes keys, prompts and the signed part of links out of a reply that is to be kept."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from callsheet.protocol import vocabulary as say
from callsheet.protocol.values import unquoted, words
from callsheet.secret import redact_text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from callsheet.secret import Secret

REMOVED = "(removed)"
_LIKE_A_KEY = re.compile(r"\b(?:sk|pk|rk|key)[-_][A-Za-z0-9_-]{8,}|\bBearer\s+[!-~]{8,}", re.I)
_LINK = re.compile(
    r"(https?://|\{origin\}/|(?<=[\s\"'(])/|^/)(?:[^\s/@\"'<>]*@)?([^\s\"'<>?#]*)"
    r"(?:\?[^\s\"'<>]*|#[^\s\"'<>/][^\s\"'<>]*)"
)
_INLINE = re.compile(r"data:([\w/+.-]*);base64,[A-Za-z0-9+/=_-]+")
_CREDENTIAL = frozenset(
    {
        *("secret", "password", "authorization", "cookie", "signature", "credential", "apikey"),
        *("sessiontoken", "accesstoken", "refreshtoken", "token"),
    }
)
_WRITTEN = frozenset({"prompt", "prompts", "text", "caption", "script", "lyrics", "subject"})
_ECHO = frozenset(
    {
        *("input", "inputs", "param", "params", "parameters", "request", "body", "args"),
        *("arguments", "options", "payload"),
    }
)
_SPOKEN = frozenset(
    {*say.MESSAGE_KEYS, *say.ERROR_KEYS, *say.STATE_KEYS, *say.TITLE_KEYS, *say.CODE_KEYS}
)


class Redactor:
    """Removes what is private from replies of one host.

    ``secrets`` are the keys in use, ``texts`` what the user once sent, ``kept`` the links that
    must stay whole because a replay asks for them.
    """

    def __init__(
        self,
        secrets: Sequence[Secret] = (),
        *,
        texts: Sequence[str] = (),
        kept: Collection[str] = (),
    ) -> None:
        self.secrets = tuple(secrets)
        self.texts = sorted({text for text in texts if len(text) > 3}, key=len, reverse=True)
        self.kept = frozenset(kept)

    def text(self, value: str) -> str:
        """One text without keys, sent texts, signatures and inline media."""
        if value in self.kept:
            return value
        value = redact_text(value, self.secrets)
        value = _LIKE_A_KEY.sub(REMOVED, value)
        for private in self.texts:
            value = value.replace(private, REMOVED)
        value = _INLINE.sub(rf"data:\1;base64,{REMOVED}", value)
        return _LINK.sub(r"\1\2", value)

    def catalogue(self, value: Any) -> Any:
        """A list or schema document: its words stay, since they are the server's."""
        return self._walk(value, job=False)

    def job(self, value: Any) -> Any:
        """A reply about a job: what the user wrote, and any free text, goes."""
        return self._walk(value, job=True)

    def _walk(self, value: Any, *, job: bool, key: str = "", gone: bool = False) -> Any:
        if isinstance(value, dict):
            return {
                self.text(name): self._walk(
                    item, job=job, key=name, gone=gone or _is_echo(name, job)
                )
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [self._walk(item, job=job, key=key, gone=gone) for item in value]
        if not isinstance(value, str):
            return value
        read, _ = unquoted(value)
        if read is not value:
            return json.dumps(self._walk(read, job=job, key=key, gone=gone), ensure_ascii=False)
        return REMOVED if gone or self._is_private(value, key, job=job) else self.text(value)

    def _is_private(self, value: str, key: str, *, job: bool) -> bool:
        if _CREDENTIAL & {"".join(words(key)), *words(key)} and key not in say.CURSORS:
            return bool(value)
        if not job:
            return False
        written = bool(_WRITTEN.intersection(words(key)))
        return written or (key not in _SPOKEN and any(char.isspace() for char in value))


def _is_echo(name: str, job: bool) -> bool:
    return job and name.lower() in _ECHO
