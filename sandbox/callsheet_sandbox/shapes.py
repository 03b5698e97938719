"""Give lists, schemas, task replies and errors the shape that a dialect's data names."""

import base64
import copy
import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from callsheet_sandbox.catalogue import Action
from callsheet_sandbox.dialects import Dialect
from callsheet_sandbox.refusals import STATUS, RefusedError
from callsheet_sandbox.tasks import Standing
from callsheet_sandbox.templates import Json, fill


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of the list: its body, and the query text of the next page if there is one."""

    body: Json
    following: str | None


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """An error ready to send: `body` is JSON where `text` is None."""

    status: int
    content_type: str
    body: Json
    text: str | None


def enveloped(dialect: Dialect, part: str, content: Json) -> Json:
    """Wrap `data` as the dialect wraps this part (list, schema, reply)."""
    if part not in dialect.envelope.around:
        return content
    return fill(dialect.envelope.body, {"data": content})


def advertised_input(dialect: Dialect, action: Action) -> Json:
    """Return the input schema as this dialect advertises it, and by which it judges."""
    schema = copy.deepcopy(action.input)
    if not isinstance(schema, dict):
        return schema
    ask = dialect.task.ask
    if action.does == "query" and ask != "taskId" and "taskId" in schema.get("properties", {}):
        schema["properties"] = {
            ask if name == "taskId" else name: field for name, field in schema["properties"].items()
        }
        schema["required"] = [ask if name == "taskId" else name for name in schema["required"]]
    return _drafted(dialect, schema)


def _drafted(dialect: Dialect, schema: Json) -> Json:
    if dialect.schema.draft and isinstance(schema, dict) and "$schema" not in schema:
        return {"$schema": dialect.schema.draft, **schema}
    return schema


def _values(dialect: Dialect, action: Action) -> dict[str, Json]:
    output = action.output
    if action.does in {"create", "wait", "query"}:
        output = dialect.task.output.get(action.media, output)
    return {
        "id": action.id,
        "title": action.title,
        "description": action.description,
        "input": advertised_input(dialect, action),
        "output": _drafted(dialect, output),
        "readOnly": True if action.read_only else None,
        "billable": None if action.billable else False,
        "cost": action.cost or None,
    }


def list_item(dialect: Dialect, action: Action) -> Json:
    """Return the action as one item of the list."""
    values = _values(dialect, action)
    if any(fnmatch.fnmatchcase(action.id, pattern) for pattern in dialect.list.brief):
        values |= {"input": None, "output": None}
    return fill(dialect.list.item, values)


def list_page(dialect: Dialect, actions: Sequence[Action], query: Mapping[str, str]) -> ListPage:
    """Return the page of the list that the query parameters `asked` name."""
    page = dialect.list.page
    size = page.size if page else max(len(actions), 1)
    start = _start(dialect, query) if page else 0
    chosen = actions[start : start + size]
    end = start + size
    cursor = _cursor(end) if end < len(actions) else None
    following = None
    if page and cursor:
        number = end // size + 1
        following = f"page={number}" if page.by == "page" else f"{page.ask[0]}={cursor}"
    entries = [list_item(dialect, action) for action in chosen]
    keyed = {action.id: entry for action, entry in zip(chosen, entries, strict=True)}
    body = fill(
        dialect.list.body,
        {
            "items": keyed if dialect.list.keyed else entries,
            "next": cursor,
            "more": cursor is not None,
            "page": start // size + 1,
            "size": size,
            "total": len(actions),
        },
    )
    return ListPage(enveloped(dialect, "list", body), following)


def _cursor(start: int) -> str:
    return base64.urlsafe_b64encode(f"after:{start}".encode()).decode().rstrip("=")


def _start(dialect: Dialect, query: Mapping[str, str]) -> int:
    page = dialect.list.page
    text = next((query[name] for name in page.ask if name in query), None) if page else None
    if page is None or text is None:
        return 0
    try:
        if page.by == "page":
            return max(int(text) - 1, 0) * page.size
        return int(base64.urlsafe_b64decode(text + "==").decode().removeprefix("after:"))
    except ValueError as error:
        raise RefusedError("malformed", f"No such page: {text}") from error


def schema_document(dialect: Dialect, action: Action) -> Json:
    """Return what the schema address of an action answers."""
    if action.id in dialect.schema.foreign:
        return dialect.schema.foreign[action.id]
    body = fill(dialect.schema.body, _values(dialect, action))
    return enveloped(dialect, "schema", body)


def state_word(dialect: Dialect, standing: Standing) -> str | int | bool:
    """Return the dialect's word for a state; several running words follow the progress.

    A state that no job has is a fault's, and is said as it is.
    """
    states = dialect.task.states
    if standing.state in {"success", "failed", "timeout"}:
        word: str | int | bool = getattr(states, standing.state)
        return word
    if standing.state not in {"pending", "processing"}:
        return standing.state
    words = states.pending if standing.state == "pending" else states.processing
    return words[min(int(standing.progress * len(words)), len(words) - 1)]


def progress_value(dialect: Dialect, progress: float) -> Json:
    """Return progress as this dialect writes it: fraction, percent or percent-text."""
    percent = round(progress * 100)
    forms = {"fraction": progress, "percent": percent, "percent-text": f"{percent}%"}
    return forms[dialect.task.progress]


def error_reply(dialect: Dialect, refusal: RefusedError) -> ErrorReply:
    """Return the refusal as this dialect words and wraps it."""
    errors = dialect.errors
    status = errors.status.get(refusal.kind, STATUS[refusal.kind])
    shape = errors.shapes.get(str(status)) or errors.shapes.get("default") or {}
    values = {
        "code": refusal.kind,
        "status": status,
        "title": HTTPStatus(status).phrase,
        "message": errors.words.get(refusal.kind, refusal.message),
        "details": refusal.details,
    }
    text = shape.get("text")
    usual = "application/json" if text is None else "text/html; charset=utf-8"
    return ErrorReply(
        status=shape.get("status", status),
        content_type=shape.get("type", usual),
        body=fill(shape.get("body", {"error": {"code": "$code", "message": "$message"}}), values),
        text=None if text is None else str(fill(text, values)),
    )
