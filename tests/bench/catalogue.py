"""Catalogues of any size: triples of a job, then searches and edits, ten actions a group."""

from __future__ import annotations

from typing import Any

TRIPLE = ("generate", "generate_and_wait", "query")
KINDS = (*TRIPLE, "search", "edit", "list", "rate", "tag", "sort", "find")
FREE = ["ai.*.search", "ai.*.list", "ai.*.find"]
Schema = dict[str, Any]


def actions(count: int, *, changed: int = -1) -> list[Schema]:
    """Return so many actions, each with both schemas; ``changed`` names one that differs."""
    return [_action(number, changed == number) for number in range(count)]


def _action(number: int, changed: bool) -> Schema:
    group, kind = divmod(number, len(KINDS))
    area, word = f"area{group:03}" if group else "video", KINDS[kind]
    properties = _job_input(word) if word in TRIPLE else _input(number)
    if changed:
        properties["added"] = {"type": "string", "description": "What was added today."}
    required = ["taskId"] if word == "query" else [next(iter(properties))]
    return {
        "id": f"ai.{area}.{word}",
        "title": f"{word} {number}",
        "description": f"Does the work of {word} number {number} and answers with what came of it.",
        "inputSchema": {"type": "object", "properties": properties, "required": required},
        "outputSchema": {
            "type": "object",
            "properties": _job_output() if word in TRIPLE else _output(number),
        },
    }


def _text(words: str, **more: Any) -> Schema:
    return {"type": "string", "description": words, **more}


def _job_input(word: str) -> Schema:
    if word == "query":
        return {"taskId": _text("The job to ask about.")}
    more = {"timeoutMs": {"type": "integer", "minimum": 1000, "default": 600000}}
    return {
        "prompt": _text("What it shows.", minLength=1, maxLength=4000),
        "scene": _text("The kind of generation.", enum=["text-to-video", "image-to-video", "ad"]),
        "model": _text("The model; chosen by the scene when left out."),
        "seed": {"type": "integer", "minimum": 0, "maximum": 2**31},
        "imageInput": {"type": "array", "items": _text("An address."), "maxItems": 8},
        "options": {"type": "object", "description": "Settings that the model takes."},
        **(more if word == "generate_and_wait" else {}),
    }


def _job_output() -> Schema:
    return {
        "taskId": _text("What the query action asks with."),
        "status": _text("pending, processing, success or failed."),
        "progress": {"type": "number"},
        "videoUrl": _text("Where the finished video is."),
    }


def _input(number: int) -> Schema:
    return {
        "query": _text("The words to look for.", minLength=1),
        f"kind{number % 7}": _text("Of which kind.", enum=["still", "moving", f"kind-{number}"]),
        "page": {"type": "integer", "minimum": 1, "default": 1, "description": "Which page."},
        "ratio": {"type": "number", "exclusiveMinimum": 0, "maximum": 4},
        "tags": {"type": "array", "items": _text("A tag."), "maxItems": 20},
        "range": {
            "type": "object",
            "properties": {"from": {"type": "integer"}, "to": {"type": "integer"}},
        },
    }


def _output(number: int) -> Schema:
    item = {
        "id": _text("Its id."),
        f"score{number % 5}": {"type": "number"},
        "tags": {"type": "array", "items": {"type": "string"}},
    }
    items = {"type": "array", "items": {"type": "object", "properties": item, "required": ["id"]}}
    return {"items": items, "total": {"type": "integer"}, "page": {"type": "integer"}}


def openapi(count: int) -> Schema:
    """Return the same actions as an OpenAPI document, for generators that read no catalogue."""
    paths = {
        f"/api/actions/{action['id']}": {"post": _operation(action)} for action in actions(count)
    }
    about = {
        "info": {"title": "bench", "version": "1"},
        "servers": [{"url": "https://example.com"}],
    }
    return {"openapi": "3.0.3", **about, "paths": paths}


def _operation(action: Schema) -> Schema:
    def content(schema: Schema) -> Schema:
        return {"content": {"application/json": {"schema": schema}}}

    answer = {"description": "What came of it.", **content(action["outputSchema"])}
    return {
        "operationId": action["id"].replace(".", "_"),
        "tags": [action["id"].split(".")[1]],
        "requestBody": {"required": True, **content(action["inputSchema"])},
        "responses": {"200": answer},
    }
