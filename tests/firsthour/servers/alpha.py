#!/usr/bin/env python3
"""alpha: a video service in the manner of Luma Dream Machine, behind the actions protocol.
Bearer key; the list is paged by limit/offset/has_more; pictures are passed by URL only (nested: keyframes.frame0.url);
states queued, dreaming, completed, failed; errors {"detail": …}; media links with an extension; balance GET /api/credits.
Runs alone: python3 alpha.py --port N. Test only: GET /_log. Sample pictures: /samples/sample_beach.png, sample_face.jpg."""
from common import *


S = lambda **k: dict(k)
MODEL_V = {"type": "string", "enum": ["ray-2", "ray-flash-2", "ray-1-6"], "default": "ray-2", "description": "The video model used for the generation"}
MODEL_I = {"type": "string", "enum": ["photon-1", "photon-flash-1"], "default": "photon-1", "description": "The image model used for the generation"}
ASPECT = {"type": "string", "enum": ["1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"], "default": "16:9", "description": "The aspect ratio of the generation"}
RES = {"type": "string", "enum": ["540p", "720p", "1080p", "4k"], "default": "720p", "description": "The resolution of the generation"}
URL = {"type": "string", "format": "uri", "maxLength": 2083}
GEN_ID = {"type": "string", "format": "uuid", "description": "The ID of the generation"}
PROMPT = {"type": "string", "minLength": 3, "maxLength": 5000, "description": "The prompt of the generation"}
CALLBACK = dict(URL, description="The callback URL of the generation, a POST request with the Generation object will be sent to it")
KEYFRAME = {
    "GenerationReference": {"type": "object", "title": "GenerationReference", "properties": {"type": {"const": "generation", "default": "generation"}, "id": GEN_ID}, "required": ["id", "type"]},
    "ImageReference": {"type": "object", "title": "ImageReference", "properties": {"type": {"const": "image", "default": "image"}, "url": dict(URL, description="The URL of the image. Must be reachable from our servers.")}, "required": ["url", "type"]},
    "Keyframe": {"oneOf": [{"$ref": "#/$defs/GenerationReference"}, {"$ref": "#/$defs/ImageReference"}]},
    "Keyframes": {"type": "object", "description": "The keyframes of the generation", "properties": {"frame0": {"$ref": "#/$defs/Keyframe"}, "frame1": {"$ref": "#/$defs/Keyframe"}}},
    "Concept": {"type": "object", "properties": {"key": {"type": "string", "description": "Key of the concept, see concepts.list"}}, "required": ["key"]},
    "ImageRef": {"type": "object", "properties": {"url": URL, "weight": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.85}}, "required": ["url"]},
}
GENERATION = {"type": "object", "title": "Generation", "properties": {
    "id": GEN_ID, "generation_type": {"type": "string", "enum": ["video", "image", "upscale_video", "add_audio", "reframe_video", "reframe_image", "modify_video"]},
    "state": {"type": "string", "enum": ["queued", "dreaming", "completed", "failed"]}, "failure_reason": {"type": ["string", "null"]},
    "created_at": {"type": "string", "format": "date-time"}, "model": {"type": "string"},
    "assets": {"type": ["object", "null"], "properties": {"video": {"type": ["string", "null"], "format": "uri", "description": "The URL of the video"}, "image": {"type": ["string", "null"], "format": "uri"}, "progress_video": {"type": ["string", "null"], "format": "uri", "description": "The URL of the progress video"}}},
    "request": {"type": "object", "description": "The request of the generation"}}}


def obj(props, required=(), **more):
    return dict({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": props, "required": list(required)}, **more)


MODES = ["adhere_1", "adhere_2", "adhere_3", "flex_1", "flex_2", "flex_3", "reimagine_1", "reimagine_2", "reimagine_3"]
ACTIONS = [
    ("generations.video.create", "Generations", "Create a video generation", "Initiate a new video generation with the provided prompt. Send keyframes.frame0 to start from a picture.",
     obj({"generation_type": {"const": "video", "default": "video"}, "prompt": PROMPT, "model": MODEL_V, "aspect_ratio": ASPECT, "resolution": RES,
          "duration": {"type": "string", "enum": ["5s", "9s"], "default": "5s", "description": "The duration of the generation"}, "loop": {"type": "boolean", "default": False, "description": "Whether to loop the video"},
          "keyframes": {"$ref": "#/$defs/Keyframes"}, "concepts": {"type": "array", "maxItems": 3, "items": {"$ref": "#/$defs/Concept"}}, "callback_url": CALLBACK}, ["prompt", "model"], **{"$defs": KEYFRAME}), GENERATION),
    ("generations.video.modify", "Generations", "Modify a video", "Modify a video with style transfer and prompt-based editing. The source must be at most 10 seconds and 100 MB.",
     obj({"media": obj({"url": URL}, ["url"]), "first_frame": obj({"url": URL}, ["url"]), "mode": {"type": "string", "enum": MODES}, "prompt": PROMPT, "model": MODEL_V, "callback_url": CALLBACK}, ["media", "mode", "model"]), GENERATION),
    ("generations.video.reframe", "Generations", "Reframe a video", "Change the aspect ratio of a video and fill the new area.",
     obj({"media": obj({"url": URL}, ["url"]), "aspect_ratio": ASPECT, "model": MODEL_V, "prompt": PROMPT, "grid_position_x": {"type": "integer", "minimum": 0}, "grid_position_y": {"type": "integer", "minimum": 0}}, ["media", "aspect_ratio", "model"]), GENERATION),
    ("generations.video.upscale", "Generations", "Upscale a generation", "Upscale a completed video generation.", obj({"id": GEN_ID, "resolution": RES, "callback_url": CALLBACK}, ["id"]), GENERATION),
    ("generations.video.add_audio", "Generations", "Add audio to a generation", "Add sound to a completed video generation.", obj({"id": GEN_ID, "prompt": PROMPT, "negative_prompt": {"type": "string", "maxLength": 2000}, "callback_url": CALLBACK}, ["id"]), GENERATION),
    ("generations.image.create", "Generations", "Create an image generation", "Generate an image with Photon. image_ref takes up to 4 pictures.",
     obj({"prompt": PROMPT, "model": MODEL_I, "aspect_ratio": ASPECT, "format": {"type": "string", "enum": ["jpg", "png"], "default": "jpg"}, "image_ref": {"type": "array", "maxItems": 4, "items": {"$ref": "#/$defs/ImageRef"}},
          "style_ref": {"type": "array", "maxItems": 1, "items": {"$ref": "#/$defs/ImageRef"}}, "modify_image_ref": {"$ref": "#/$defs/ImageRef"}, "callback_url": CALLBACK}, ["prompt", "model"], **{"$defs": KEYFRAME}), GENERATION),
    ("generations.image.reframe", "Generations", "Reframe an image", "Change the aspect ratio of an image and fill the new area.", obj({"media": obj({"url": URL}, ["url"]), "aspect_ratio": ASPECT, "model": MODEL_I, "prompt": PROMPT}, ["media", "aspect_ratio", "model"]), GENERATION),
    ("generations.get", "Generations", "Get a generation", "Retrieve the details of a specific generation by its ID.", obj({"id": GEN_ID}, ["id"]), GENERATION),
    ("generations.list", "Generations", "List generations", "Retrieve a list of the generations of the last 24 hours.", obj({"limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}, "offset": {"type": "integer", "minimum": 0, "default": 0}}), None),
    ("generations.delete", "Generations", "Delete a generation", "Remove a specific generation by its ID.", obj({"id": GEN_ID}, ["id"]), None),
    ("concepts.list", "Catalog", "List concepts", "Retrieve the list of all concepts.", obj({}), None),
    ("camera_motions.list", "Catalog", "List camera motions", "Get all the camera motions that a prompt may name.", obj({}), None),
    ("credits.get", "Account", "Get credits", "Get the credits information for the api user. credit_balance is in USD cents.", obj({}), obj({"credit_balance": {"type": "number", "description": "Available credits balance in USD cents"}}, ["credit_balance"])),
    ("ping", "Account", "Ping", "Check if the API is running.", obj({}), None),
]
CENTS = {"540p": 40, "720p": 71, "1080p": 143, "4k": 400}


class App:
    KEY, BROKE = "luma-7f3a9c2e-4b1d-4d60-9f52-alpha", "luma-00000000-broke-alpha"

    def __init__(self, a):
        self.a, self.jobs, self.balance, self.ids = a, Jobs(a.state), 5000.0, {x[0]: x for x in ACTIONS}

    def key_of(self, h):
        v = h.get("Authorization") or ""
        return v[7:] if v.lower().startswith("bearer ") else (v or None)

    def need_key(self, h):
        if not h.get("Authorization"):
            raise Fail(401, {"detail": "Not authenticated"}, {"WWW-Authenticate": "Bearer"})
        if self.key_of(h) not in (self.KEY, self.BROKE):
            raise Fail(401, {"detail": "Invalid API key provided"}, {"WWW-Authenticate": "Bearer"})

    def route(self, method, path, query, h, body, problem, base):
        if path.startswith(("/cdn/", "/samples/")) and method == "GET":
            return self.file(path)
        self.need_key(h)
        broke = self.key_of(h) == self.BROKE
        if path == "/api/credits" and method == "GET":
            return {"credit_balance": 12.0 if broke else self.balance}
        if path == "/api/actions" and method == "GET":
            return self.listing(query)
        m = re.match(r"^/api/actions/([^/]+)(/schema)?$", path)
        if not m:
            raise Fail(404, {"detail": "Not Found"})
        if m.group(1) not in self.ids:
            raise Fail(404, {"detail": "Action not found"})
        row = self.ids[m.group(1)]
        if m.group(2):
            if method != "GET":
                raise Fail(405, {"detail": "Method Not Allowed"})
            out = {"id": row[0], "title": row[2], "description": row[3], "input_schema": row[4]}
            if row[5]:
                out["output_schema"] = row[5]
            return out
        if method != "POST":
            raise Fail(405, {"detail": "Method Not Allowed"}, {"Allow": "POST"})
        if problem:
            raise Fail(422, {"detail": [{"type": "json_invalid", "loc": ["body", 0], "msg": "JSON decode error", "input": {}, "ctx": {"error": problem}}]})
        body = {} if body is None else body
        bad = check(row[4], body)
        if bad:
            raise Fail(422, {"detail": [dict({"type": k, "loc": list(l), "msg": t}, **({"ctx": c} if c else {})) for l, k, t, c in bad]})
        return self.do(row[0], body, base, broke)

    def listing(self, query):
        try:
            limit, offset = int(query.get("limit", 10)), int(query.get("offset", 0))
        except ValueError:
            raise Fail(422, {"detail": [{"type": "int_parsing", "loc": ["query", "limit"], "msg": "Input should be a valid integer, unable to parse string as an integer"}]})
        limit = max(1, min(limit, 100))
        rows = ACTIONS[offset:offset + limit]
        return {"has_more": offset + limit < len(ACTIONS), "count": len(rows), "limit": limit, "offset": offset,
                "actions": [{"id": r[0], "title": r[2], "description": r[3], "tags": [r[1]]} for r in rows]}

    def need_url(self, where, url):
        if not re.match(r"https?://[^\s/]+", url):
            raise Fail(400, {"detail": "%s: invalid image url. You should upload and use your own cdn image urls, currently this is the only way to pass an image" % where})

    def create(self, kind, body, cents, broke, media_name, field, base):
        with LOCK:
            if broke or self.balance < cents:
                raise Fail(400, {"detail": "Insufficient credits"})
            self.balance -= cents
        row = self.jobs.add({"id": str(uuid.uuid4()), "kind": kind, "request": body, "media": media_name, "field": field})
        return Reply(self.view(row, base), 201)

    def view(self, row, base):
        age = time.time() - row["t"]
        total = self.a.job_seconds
        state = "queued" if age < total / 4 else "dreaming" if age < total else "completed"
        refused = re.search(r"\b(nsfw|forbidden)\b", str(row["request"].get("prompt", "")))
        if state == "completed" and refused:
            state = "failed"
        cdn = base + "/cdn/dream_machine/%s/" % row["id"]
        assets = None
        if state == "dreaming" and row["field"] == "video":
            assets = {"video": None, "image": None, "progress_video": cdn + "%s_progress.mp4" % row["id"][:8]}
        if state == "completed":
            ext = row["media"].rsplit(".", 1)[1]
            assets = {"video": None, "image": None, "progress_video": None}
            assets[row["field"]] = cdn + "%s_result%s.%s" % (row["id"][:8], row["id"][9:13], ext)
            if row["field"] == "video":
                assets["thumbnail"] = cdn + "%s_video_0_thumb.jpg" % row["id"][:8]
        req = dict(row["request"])
        req.setdefault("generation_type", row["kind"])
        return {"id": row["id"], "generation_type": row["kind"], "state": state,
                "failure_reason": "400: prompt not allowed because advanced moderation failed" if state == "failed" else None,
                "created_at": iso(row["t"]), "assets": assets, "model": row["request"].get("model", "ray-2"), "request": req}

    def file(self, path):
        name = path.rsplit("/", 1)[1]
        if path.startswith("/samples/"):
            if name in ("sample_beach.png", "sample_face.jpg"):
                return Binary(media(name), mimetypes.guess_type(name)[0])
        else:
            row = self.jobs.get(path.split("/")[3])
            if row and "_progress" in name:
                return Binary(media("alpha_progress.mp4"), "video/mp4")
            if row and "_thumb" in name:
                return Binary(media("alpha_thumb.jpg"), "image/jpeg")
            if row and "_result" in name:
                return Binary(media(row["media"]), mimetypes.guess_type(row["media"])[0])
        raise Fail(404, {"detail": "Not Found"})

    def known(self, gid):
        row = self.jobs.get(gid)
        if not row:
            raise Fail(404, {"detail": "Generation not found"})
        return row

    def do(self, act, b, base, broke):
        if act == "ping":
            return {"message": "pong"}
        if act == "credits.get":
            return {"credit_balance": 12.0 if broke else self.balance}
        if act == "concepts.list":
            return {"concepts": [{"key": "dolly_zoom", "version": "1"}, {"key": "handheld", "version": "1"}, {"key": "aerial", "version": "1"}, {"key": "timelapse", "version": "1"}]}
        if act == "camera_motions.list":
            return ["Static", "Move Left", "Move Right", "Push In", "Pull Out", "Zoom In", "Zoom Out", "Pan Left", "Pan Right", "Orbit Left", "Orbit Right", "Crane Up", "Crane Down"]
        if act == "generations.get":
            return self.view(self.known(b["id"]), base)
        if act == "generations.list":
            limit, offset = b.get("limit", 10), b.get("offset", 0)
            rows = self.jobs.all()
            part = rows[offset:offset + limit]
            return {"has_more": offset + limit < len(rows), "count": len(part), "limit": limit, "offset": offset, "generations": [self.view(r, base) for r in part]}
        if act == "generations.delete":
            self.known(b["id"])
            self.jobs.drop(b["id"])
            return {}
        if act == "generations.video.create":
            for f, k in (b.get("keyframes") or {}).items():
                if k.get("type") == "image":
                    self.need_url("keyframes.%s" % f, k["url"])
                else:
                    self.known(k["id"])
            cents = CENTS[b.get("resolution", "720p")] * (1.8 if b.get("duration") == "9s" else 1) * (0.35 if b["model"] == "ray-flash-2" else 1)
            return self.create("video", b, cents, broke, "alpha_clip.mp4", "video", base)
        if act == "generations.image.create":
            for r in b.get("image_ref", []) + b.get("style_ref", []):
                self.need_url("image_ref", r["url"])
            return self.create("image", b, 1.5, broke, "alpha_image.jpg", "image", base)
        if act == "generations.image.reframe":
            self.need_url("media", b["media"]["url"])
            return self.create("reframe_image", b, 2, broke, "alpha_image.jpg", "image", base)
        if act in ("generations.video.modify", "generations.video.reframe"):
            self.need_url("media", b["media"]["url"])
            return self.create(act.rsplit(".", 1)[1] + "_video", b, 90, broke, "alpha_clip.mp4", "video", base)
        if act in ("generations.video.upscale", "generations.video.add_audio"):
            src = self.known(b["id"])
            if self.view(src, base)["state"] != "completed":
                raise Fail(400, {"detail": "Generation is not completed"})
            kind = "upscale_video" if act.endswith("upscale") else "add_audio"
            return self.create(kind, b, 50, broke, "alpha_upscaled.mp4", "video", base)


serve(App)
