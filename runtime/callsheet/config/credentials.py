"""Read in which header a key travels, and which headers a user may add to requests."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from callsheet.errors import UsageError
from callsheet.secret import SCHEME_AND_KEY, Secret, is_sensitive
from callsheet.text import word_set

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

BEARER, X_API_KEY = "bearer", "x-api-key"
WAYS = (BEARER, X_API_KEY, "header:NAME", "scheme:WORD")
"""What ``--auth`` takes."""

_WORD = r"[A-Za-z][A-Za-z0-9._-]{0,99}"  # nothing that a shell would read, as HTTP allows
_TEXT = r"[!-~](?:[ -~]{0,8190}[!-~])?"
# Those that say where a request goes and where it ends, and those that we set.
_OURS = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "te"),
        *("trailer", "upgrade", "expect", "proxy-authorization", "proxy-connection"),
        *("user-agent", "accept", "accept-encoding", "content-type", "content-encoding"),
        *("idempotency-key", "range", "if-range", "if-none-match", "if-modified-since"),
    }
)


def parse_auth(text: str, flag: str = "--auth") -> str:
    """Return one of ``WAYS`` in its shortest spelling; raise ``UsageError`` for anything else.

    ``header:X-Api-Key`` is ``x-api-key``, ``scheme:Bearer`` is ``bearer``.
    """
    kind, sign, word = text.strip().partition(":")
    if kind in {BEARER, X_API_KEY} and not sign:
        return kind
    if kind in {"header", "scheme"} and re.fullmatch(_WORD, word):
        if kind == "header":
            require_free_name(word, flag)
        usual = X_API_KEY if kind == "header" else BEARER
        return usual if word.lower() == usual else f"{kind}:{word}"
    raise UsageError(
        f"{flag.lstrip('-')} is {text!r}; allowed: {', '.join(WAYS)}",
        hint="header:xi-api-key sends the key in that header, scheme:Key after that word",
        flag=flag,
    )


def header_of(auth: str) -> tuple[str, str]:
    """Return the header that holds the key, and what stands before the key in it."""
    kind, _, word = auth.partition(":")
    if kind == "header":
        return word, ""
    if auth == X_API_KEY:
        return "X-Api-Key", ""
    return "Authorization", f"{word or 'Bearer'} "


class ExtraHeader(NamedTuple):
    """A header that the user adds; ``secret``, where it has one, stands behind ``text``."""

    name: str
    text: str
    secret: Secret | None = None

    @classmethod
    def parse(cls, name: str, content: str, flag: str = "--header") -> ExtraHeader:
        """Check a header; raise ``UsageError``, which does not repeat its content.

        What its name or its scheme shows as a credential is wrapped.
        """
        name, content = name.strip(), content.strip()
        if not re.fullmatch(_WORD, name):
            raise UsageError(f"{flag}: wanted NAME:VALUE, such as X-Team:film", flag=flag)
        require_free_name(name, flag)
        if not re.fullmatch(_TEXT, content):
            raise UsageError(
                f"{flag}: {name} is empty, has characters that are not ASCII, or over 8192",
                flag=flag,
            )
        scheme = re.fullmatch(SCHEME_AND_KEY, content)
        if scheme and (is_sensitive(name) or scheme[1].lower() in {"bearer ", "basic "}):
            return cls(name, scheme[1], Secret(scheme[2]))
        return cls(name, "", Secret(content)) if is_sensitive(name) else cls(name, content)

    def reveal(self) -> str:
        """Return the content as it is sent."""
        return self.text + (self.secret.reveal() if self.secret is not None else "")

    def __str__(self) -> str:
        return f"{self.name}: {self.text}{self.secret if self.secret is not None else ''}"


def parse_headers(lines: Iterable[str], flag: str = "--header") -> tuple[ExtraHeader, ...]:
    """Read lines of the form ``NAME:VALUE``; raises ``UsageError``."""
    pairs = (line.partition(":") for line in lines)
    return tuple(ExtraHeader.parse(name, content, flag) for name, _, content in pairs)


def merge_headers(*groups: Sequence[ExtraHeader]) -> tuple[ExtraHeader, ...]:
    """Return the headers of all groups; of one name that of the last group."""
    merged: dict[str, ExtraHeader] = {}
    for header in (header for group in groups for header in group):
        merged[header.name.lower()] = header
    return tuple(merged.values())


def project_headers(table: Mapping[str, str]) -> tuple[ExtraHeader, ...]:
    """Return the headers of a project's table; raise ``UsageError`` for one that is a credential.

    The table is committed and belongs to the folder: neither may hold or fetch a key.
    """
    headers = tuple(ExtraHeader.parse(name, text, "headers") for name, text in table.items())
    for header in headers:
        if header.secret is not None:
            raise UsageError(
                f"headers.{header.name} is a credential: it has no place in a project's file",
                hint=f"log in with --header '{header.name}: …': that is stored for one server",
            )
    return headers


def require_free_name(name: str, flag: str) -> None:
    """Raise ``UsageError`` for a header that decides about the connection, or that we set."""
    if name.lower() in _OURS:
        raise UsageError(f"{flag}: {name} is set by the program itself", flag=flag)


# Schemes that take no key as it is: user and password, or an exchange.
_OTHER_SCHEMES = word_set("basic digest negotiate ntlm kerberos hoba mutual dpop oauth vapid gnap")
_SCHEME = r"\s*([A-Za-z][A-Za-z0-9-]{0,30})(?:\s+[\w-]+\s*=.*|\s*)"
_NAMED_HEADER = r"(?i)\b(?:header(?:[_-]?name)?|name)=\"?([A-Za-z][A-Za-z0-9-]{2,60})"
_KEY_HEADER = r"(?i)\b((?:[a-z0-9]{1,20}-){1,4}key)\b"


def offered_ways(challenge: str) -> list[str]:
    """Return the ways in which a ``WWW-Authenticate`` takes a key, as ``--auth`` says them.

    The words are the server's: they name a header or a scheme at its own origin, nothing more.
    """
    unquoted = re.sub(r'"(?:\\.|[^"\\])*"', '""', challenge[:2000])
    matches = (re.fullmatch(_SCHEME, part) for part in unquoted.split(","))
    words = [f"scheme:{match[1]}" for match in matches if match and not _is_other(match[1])]
    headers = [f"header:{name}" for name in re.findall(_NAMED_HEADER, challenge[:2000])]
    ways = []
    for way in [*headers, *words]:
        with suppress(UsageError):
            ways.append(parse_auth(way))
    return list(dict.fromkeys(ways))


def _is_other(scheme: str) -> bool:
    return scheme.lower() in _OTHER_SCHEMES or scheme.lower().startswith(("scram-", "aws4-"))


def suggested_header(body: bytes) -> str:
    """Return the header for a key that the text of a refusal names (``xi-api-key``), or ``""``."""
    names = re.findall(_KEY_HEADER, body[:4000].decode("utf-8", "replace"))
    usual = {X_API_KEY, "api-key", "idempotency-key"}
    return next((name for name in names if name.lower() not in usual), "")
