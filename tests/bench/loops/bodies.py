"""What the judge's rows judge."""

from typing import Any

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "prompt": {"type": "string", "minLength": 1, "maxLength": 4000},
        "scene": {"type": "string", "enum": ["text-to-video", "image-to-video", "ad"]},
        "seed": {"type": "integer", "minimum": 0},
        "imageInput": {"type": "array", "items": {"type": "string"}, "maxItems": 8},
        "camera": {"type": "object", "properties": {"pan": {"type": "number"}}},
    },
    "required": ["prompt"],
}
BODY = {
    "prompt": "ocean waves at sunset",
    "scene": "text-to-video",
    "seed": 7,
    "imageInput": ["https://example.com/a.png", "https://example.com/b.png"],
    "camera": {"pan": 0.5},
}
