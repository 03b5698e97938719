"""Provide what generated methods call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.client.client import AsyncClient, Client
    from callsheet.client.results import AsyncResult, Result
    from callsheet.client.tasks import AsyncTask, Task
    from callsheet.spec import Action


class Omit:
    """Type of ``OMIT``, which stands for a field that is not sent."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "OMIT"


OMIT: Final = Omit()


def body_of(
    action: Action, fields: Mapping[str, Any], extra: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the body of a method call: the fields that were set, then ``extra``; by wire name.

    Texts of ``extra`` are sent as they are, also where they look like paths of files. Configured
    defaults fill what neither sets.
    """
    body = {name: value for name, value in fields.items() if value is not OMIT}
    if extra:
        from callsheet.engine.local_files import verbatim

        body.update(verbatim(dict(extra)))
    for param in action.params:
        if param.sent is not None and param.path[0] not in body and param.only in {"", action.role}:
            import json

            body[param.path[0]] = json.loads(param.sent)
    return body


class Group:
    """Base of a generated group's methods, for a ``Client``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def _submit(
        self,
        action: Action,
        fields: Mapping[str, Any],
        extra_body: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        idempotency_key: str | None = None,
    ) -> Task[Any]:
        body = body_of(action, fields, extra_body)
        return self._client.submit(action, body, timeout=timeout, idempotency_key=idempotency_key)

    def _call(
        self,
        action: Action,
        fields: Mapping[str, Any],
        extra_body: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        idempotency_key: str | None = None,
    ) -> Result[Any]:
        body = body_of(action, fields, extra_body)
        return self._client.call(action, body, timeout=timeout, idempotency_key=idempotency_key)


class AsyncGroup:
    """Base of a generated group's methods, for an ``AsyncClient``."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def _submit(
        self,
        action: Action,
        fields: Mapping[str, Any],
        extra_body: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        idempotency_key: str | None = None,
    ) -> AsyncTask[Any]:
        body = body_of(action, fields, extra_body)
        return await self._client.submit(
            action, body, timeout=timeout, idempotency_key=idempotency_key
        )

    async def _call(
        self,
        action: Action,
        fields: Mapping[str, Any],
        extra_body: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        idempotency_key: str | None = None,
    ) -> AsyncResult[Any]:
        body = body_of(action, fields, extra_body)
        return await self._client.call(
            action, body, timeout=timeout, idempotency_key=idempotency_key
        )
