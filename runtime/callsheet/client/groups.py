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
    """The type of ``OMIT``: the field is not sent, and the server decides."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "OMIT"


OMIT: Final = Omit()


def body_of(
    action: Action, model: object, fields: Mapping[str, Any], extra: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The body that a method call means: what was set, by wire name, in the order of the schema.

    ``model`` is a generated input model or ``None``; ``extra`` is laid over the rest. What the
    configuration sends where nothing is said comes last.
    """
    body: dict[str, Any] = _plain(model) if model is not None else {}
    body.update((name, _plain(value)) for name, value in fields.items() if value is not OMIT)
    body.update(extra or {})
    for param in action.params:
        if param.sent is not None and param.path[0] not in body and param.only in {"", action.role}:
            import json

            body[param.path[0]] = json.loads(param.sent)
    return body


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        from callsheet.model import sent

        return sent(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value


class Group:
    """The actions of one group, for a ``Client``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def _submit(
        self,
        action: Action,
        fields: Mapping[str, Any],
        *,
        model: object = None,
        extra_body: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        idempotency_key: str | None = None,
    ) -> Task[Any]:
        body = body_of(action, model, fields, extra_body)
        return self._client.submit(action, body, timeout=timeout, idempotency_key=idempotency_key)

    def _call(
        self,
        action: Action,
        fields: Mapping[str, Any],
        *,
        model: object = None,
        extra_body: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        idempotency_key: str | None = None,
    ) -> Result[Any]:
        body = body_of(action, model, fields, extra_body)
        return self._client.call(action, body, timeout=timeout, idempotency_key=idempotency_key)


class AsyncGroup:
    """The actions of one group, for an ``AsyncClient``."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def _submit(
        self,
        action: Action,
        fields: Mapping[str, Any],
        *,
        model: object = None,
        extra_body: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        idempotency_key: str | None = None,
    ) -> AsyncTask[Any]:
        body = body_of(action, model, fields, extra_body)
        return await self._client.submit(
            action, body, timeout=timeout, idempotency_key=idempotency_key
        )

    async def _call(
        self,
        action: Action,
        fields: Mapping[str, Any],
        *,
        model: object = None,
        extra_body: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        idempotency_key: str | None = None,
    ) -> AsyncResult[Any]:
        body = body_of(action, model, fields, extra_body)
        return await self._client.call(
            action, body, timeout=timeout, idempotency_key=idempotency_key
        )
