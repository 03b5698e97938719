"""The refusals that a request can meet, before a dialect gives them a shape."""

from collections.abc import Mapping
from types import MappingProxyType

from callsheet_sandbox.templates import Json

STATUS: Mapping[str, int] = MappingProxyType(
    {
        "malformed": 400,
        "unauthorized": 401,
        "insufficient_credits": 402,
        "not_found": 404,
        "unknown_action": 404,
        "unknown_task": 404,
        "method_not_allowed": 405,
        "reference_reused": 409,
        "invalid_input": 422,
        "throttled": 429,
        "internal": 500,
    }
)


class RefusedError(Exception):
    """A request that is not carried out: its kind (a key of STATUS), words and extra headers."""

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        details: Json = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.details = details
        self.headers = dict(headers or {})
