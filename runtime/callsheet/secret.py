"""Keep keys out of all that is printed; ``transport.auth`` decides to which origin one goes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, SupportsIndex

from callsheet.errors import UsageError
from callsheet.masking import mask_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


_WELL_FORMED = re.compile(r"[!-~]{1,4096}")
_PREFIX = re.compile(r"[A-Za-z]{1,6}[-_]")
_SENSITIVE = (
    r"authorization|cookie|token|secret|password|signature|(?:api|auth|access|secret)[-_]?key"
    r"|(?<!idempotency)[-_]key$"
    r"|(?:^|[-_])(?:auth|authentication|credentials?|passwd|passphrase|bearer|jwt|session[-_]?id)$"
)
SCHEME_AND_KEY = r"([A-Za-z][A-Za-z0-9-]{0,30} )(\S+)"
"""Content of a header that names a scheme before the key."""


class Secret:
    """API key that prints as ``sk-…f3a9``; only ``reveal()`` returns its text.

    A pickled secret holds the mask only; copies in the same process keep the key.
    """

    __slots__ = ("__weakref__", "_mask", "_reveal")

    def __init__(self, key: str) -> None:
        self._mask = _mask(key)
        # A closure: a dump of the slots, by a debugger or an error reporter, shows no key.
        self._reveal: Callable[[], str] = lambda: key

    @classmethod
    def later(cls, fetch: Callable[[], str]) -> Secret:
        """Return a key that ``fetch`` gives, once, when it is first revealed; ``…`` until then.

        ``reveal()`` then raises what ``fetch`` and ``parse`` do.
        """
        secret = cls("")

        def reveal() -> str:
            fetched = cls.parse(fetch())
            secret._mask, secret._reveal = fetched._mask, fetched._reveal
            return fetched.reveal()

        secret._reveal = reveal
        return secret

    @classmethod
    def parse(cls, text: str) -> Secret:
        """Check a key that the user gave and wrap it.

        Raises ``UsageError`` for a key that cannot stand in a header; the key is not repeated.
        """
        fault = _fault_of_key(text)
        if fault:
            text = ""  # a traceback with locals must not show it either
            raise UsageError(f"the API key {fault}", hint="copy it again, without quotes or spaces")
        return cls(text)

    def reveal(self) -> str:
        """Return the key itself; raise ``UsageError`` for one that was pickled."""
        return self._reveal()

    @property
    def is_masked(self) -> bool:
        """Tell whether only the mask is left: ``reveal()`` would refuse."""
        return self._reveal is _refuse

    def __repr__(self) -> str:
        return f"Secret({self._mask})"

    def __str__(self) -> str:
        return self._mask

    def __format__(self, spec: str) -> str:
        return format(self._mask, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        from hmac import compare_digest

        if self.is_masked or other.is_masked:
            return self is other
        return compare_digest(self._reveal().encode(), other._reveal().encode())

    def __hash__(self) -> int:
        return hash(self._mask)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[object, ...]:
        return (_from_mask, (self._mask,))


def _from_mask(mask: str) -> Secret:
    secret = Secret("")
    secret._mask = mask
    secret._reveal = _refuse
    return secret


def _refuse() -> str:
    raise UsageError("this API key was masked when it was stored", hint="give the key again")


def _mask(key: str) -> str:
    """Return ``sk-…f3a9`` for a key; ``…`` for one too short to show any of it."""
    prefix = _PREFIX.match(key)
    start = prefix.group() if prefix else ""
    return f"{start}…{key[-4:]}" if len(key) - len(start) >= 12 else "…"


def _fault_of_key(text: str) -> str:
    """Return why a text is not a usable key, as the rest of a sentence; empty where it is one."""
    if not text:
        return "is empty"
    if text.lower().startswith("bearer "):
        return "begins with the word Bearer; give the key alone"
    if any(char.isspace() for char in text):
        return "has a space or a line end in it"
    if text[0] in "\"'`" or text[-1] in "\"'`":
        return "is in quotes"
    if "…" in text or "***" in text:
        return "is a masked one"
    if not text.isascii():
        return "has characters that are not ASCII"
    if len(text) > 4096:
        return "is longer than 4096 characters"
    return "" if _WELL_FORMED.fullmatch(text) else "has control characters in it"


def is_sensitive(name: str) -> bool:
    """Tell whether the name of a header sounds like that of a credential."""
    return re.search(_SENSITIVE, name.lower()) is not None


def redact_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return a copy of ``headers`` with each credential masked.

    That is what is named like one, and what ``headers`` itself lists as ``secret_names``.
    """
    secret_names = getattr(headers, "secret_names", ())
    return {
        name: _mask_header(content) if name in secret_names or is_sensitive(name) else content
        for name, content in headers.items()
    }


def _mask_header(content: str) -> str:
    """Return a header's value masked; a scheme such as ``Bearer`` before the key stays."""
    scheme = re.fullmatch(SCHEME_AND_KEY, content)
    return f"{scheme[1]}{Secret(scheme[2])}" if scheme else str(Secret(content))


def redact_text(text: str, secrets: Iterable[Secret]) -> str:
    """Return ``text`` with each secret masked, however short and in whichever escapes."""
    keys = {secret.reveal(): str(secret) for secret in secrets if not secret.is_masked}
    return mask_keys(text, {key: mask for key, mask in keys.items() if key}, least=0)
