#!/usr/bin/env python3
"""charlie: an image and video model market in the manner of fal, behind the actions protocol.
Authorization: Key …; the list is paged by next_cursor and carries a price for each action; titles stand in metadata.display_name;
a queued job answers with request_id and three *_url links that are no media; queue.status carries no result, queue.result does;
media links are relative; errors {"detail": "…"} or {"detail": [{loc, msg, type}]}; no credit is a 403. GET /api/models/pricing, GET /api/account/billing?expand=credits.
Runs alone: python3 charlie.py --port N. Test only: GET /_log."""
from common import *


SIZE = {"anyOf": [{"type": "object", "title": "ImageSize", "properties": {"width": {"type": "integer", "minimum": 64, "maximum": 14142, "default": 512}, "height": {"type": "integer", "minimum": 64, "maximum": 14142, "default": 512}}},
                  {"type": "string", "enum": ["square_hd", "square", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9"]}], "default": "landscape_4_3", "description": "The size of the generated image."}
PROMPT = {"type": "string", "minLength": 1, "maxLength": 2500, "title": "Prompt", "description": "The prompt to generate from."}
IMG = {"type": "string", "title": "Image Url", "description": "URL of the image. A publicly reachable URL or a Base64 data URI.", "examples": ["https://storage.googleapis.com/falserverless/kling/kling-image-to-video.jpeg"]}
SEED = {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "The same seed and the same prompt given to the same version of the model will output the same image every time."}
N = {"type": "integer", "minimum": 1, "maximum": 4, "default": 1, "title": "Num Images"}
SAFE = {"type": "boolean", "default": True, "title": "Enable Safety Checker"}
RID = {"request_id": {"type": "string", "description": "The id that the submission returned."}}


def obj(props, required=(), title="Input"):
    return {"title": title, "type": "object", "properties": props, "required": list(required), "x-fal-order-properties": list(props)}


FILE = {"type": "object", "title": "File", "properties": {"url": {"type": "string", "description": "The URL where the file can be downloaded from."}, "content_type": {"type": "string"}, "file_name": {"type": "string"}, "file_size": {"type": "integer"}}, "required": ["url"]}
IMAGES = obj({"images": {"type": "array", "items": FILE}, "timings": {"type": "object"}, "seed": {"type": "integer"}, "has_nsfw_concepts": {"type": "array", "items": {"type": "boolean"}}, "prompt": {"type": "string"}}, ["images"], "Output")
QUEUED = obj({"status": {"type": "string", "enum": ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]}, "request_id": {"type": "string"}, "response_url": {"type": "string"}, "status_url": {"type": "string"}, "cancel_url": {"type": "string"}, "queue_position": {"type": "integer"}}, ["status", "request_id"], "QueueStatus")


def price(v, unit):
    return {"unit_price": v, "unit": unit, "currency": "USD"}


FREE = None
# id, group, title, description, input, output, price
ACTIONS = [
    ("flux.schnell", "text-to-image", "FLUX.1 [schnell]", "Fastest inference in the world for the 12 billion parameter FLUX.1 [schnell] text-to-image model. Answers directly.", obj({"prompt": PROMPT, "image_size": SIZE, "num_inference_steps": {"type": "integer", "minimum": 1, "maximum": 12, "default": 4}, "seed": SEED, "num_images": N, "enable_safety_checker": SAFE, "output_format": {"type": "string", "enum": ["png"], "default": "png"}}, ["prompt"]), IMAGES, price(0.003, "megapixels")),
    ("flux.dev", "text-to-image", "FLUX.1 [dev]", "12 billion parameter flow transformer that generates high-quality images from text. Answers directly.", obj({"prompt": PROMPT, "image_size": SIZE, "num_inference_steps": {"type": "integer", "minimum": 1, "maximum": 50, "default": 28}, "guidance_scale": {"type": "number", "minimum": 1, "maximum": 20, "default": 3.5}, "seed": SEED, "num_images": N, "enable_safety_checker": SAFE}, ["prompt"]), IMAGES, price(0.025, "megapixels")),
    ("recraft.v3.text_to_image", "text-to-image", "Recraft V3", "Text-to-image with long texts, vector art and images in brand style.", obj({"prompt": dict(PROMPT, maxLength=1000), "style": {"type": "string", "enum": ["any", "realistic_image", "digital_illustration", "vector_illustration"], "default": "realistic_image"}, "image_size": SIZE}, ["prompt"]), IMAGES, price(0.04, "images")),
    ("flux.dev.image_to_image", "image-to-image", "FLUX.1 [dev] image-to-image", "Change a picture with a prompt.", obj({"image_url": IMG, "prompt": PROMPT, "strength": {"type": "number", "minimum": 0.01, "maximum": 1, "default": 0.95}, "seed": SEED, "num_images": N}, ["image_url", "prompt"]), IMAGES, price(0.03, "megapixels")),
    ("flux_kontext.pro", "image-to-image", "FLUX.1 Kontext [pro]", "Targeted, local edits of a picture and complex transformations of entire scenes.", obj({"prompt": PROMPT, "image_url": IMG, "guidance_scale": {"type": "number", "minimum": 1, "maximum": 20, "default": 3.5}, "aspect_ratio": {"type": "string", "enum": ["21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21"]}}, ["prompt", "image_url"]), IMAGES, price(0.04, "images")),
    ("birefnet.v2", "image-to-image", "Background removal", "Remove the background of a picture (BiRefNet v2).", obj({"image_url": IMG, "model": {"type": "string", "enum": ["General Use (Light)", "General Use (Heavy)", "Portrait"], "default": "General Use (Light)"}}, ["image_url"]), obj({"image": FILE}, ["image"], "Output"), price(0.0, "compute seconds")),
    ("esrgan", "image-to-image", "Upscale images", "Upscale pictures by a given factor.", obj({"image_url": IMG, "scale": {"type": "number", "minimum": 1, "maximum": 8, "default": 2}}, ["image_url"]), obj({"image": FILE}, ["image"], "Output"), price(0.00111, "compute seconds")),
    ("kling_video.v2_1.standard.image_to_video", "image-to-video", "Kling 2.1 Standard image to video", "Cost-efficient image-to-video. Queued: answers with a request_id; see queue.status and queue.result.", obj({"prompt": PROMPT, "image_url": IMG, "duration": {"type": "string", "enum": ["5", "10"], "default": "5", "description": "The duration of the generated video in seconds"}, "negative_prompt": {"type": "string", "maxLength": 2500, "default": "blur, distort, and low quality"}, "cfg_scale": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5}}, ["prompt", "image_url"]), QUEUED, price(0.056, "seconds")),
    ("wan.v2_2.text_to_video", "text-to-video", "Wan 2.2 text to video", "Text-to-video with high motion diversity. Queued: answers with a request_id; see queue.status and queue.result.", obj({"prompt": PROMPT, "num_frames": {"type": "integer", "minimum": 17, "maximum": 161, "default": 81}, "frames_per_second": {"type": "integer", "minimum": 4, "maximum": 60, "default": 16}, "resolution": {"type": "string", "enum": ["480p", "580p", "720p"], "default": "720p"}, "aspect_ratio": {"type": "string", "enum": ["16:9", "9:16", "1:1"], "default": "16:9"}, "seed": SEED}, ["prompt"]), QUEUED, price(0.08, "seconds")),
    ("kokoro.american_english", "text-to-speech", "Kokoro TTS (American English)", "A lightweight text-to-speech model. Answers directly.", obj({"prompt": PROMPT, "voice": {"type": "string", "enum": ["af_heart", "af_bella", "am_adam", "am_michael"], "default": "af_heart"}, "speed": {"type": "number", "minimum": 0.1, "maximum": 5, "default": 1}}, ["prompt"]), obj({"audio": FILE}, ["audio"], "Output"), price(0.02, "1000 characters")),
    ("queue.status", "queue", "Get request status", "Status of a queued request. Carries no result.", obj(RID, ["request_id"]), QUEUED, FREE),
    ("queue.result", "queue", "Get request result", "The response of a completed request.", obj(RID, ["request_id"]), obj({"video": FILE}, ["video"], "Output"), FREE),
    ("queue.cancel", "queue", "Cancel a request", "Cancel a request that has not started.", obj(RID, ["request_id"]), None, FREE),
    ("requests.list", "queue", "List requests", "Requests of the last day, newest first.", obj({"endpoint_id": {"type": "string"}, "limit": {"type": "integer", "minimum": 1, "maximum": 50, "default": 10}}), None, FREE),
    ("storage.upload", "storage", "Upload a file", "Upload a file of at most 30 MB; returns its URL.", obj({"file_name": {"type": "string"}, "content_type": {"type": "string"}, "data": {"type": "string", "contentEncoding": "base64", "description": "The content, base64."}}, ["file_name", "data"]), obj({"file_url": {"type": "string"}}, ["file_url"], "Output"), FREE),
    ("models.list", "account", "List models", "The models that can be called, with their category.", obj({"category": {"type": "string"}}), None, FREE),
]
PAGE = 6


class App:
    KEY, BROKE = "4f0a17d2-91cc-4c5e-8b1d-charlie:2f6bb1d0e9", "00000000-dead-4000-8000-charlie:0000000000"

    def __init__(self, a):
        self.a, self.jobs, self.balance, self.ids = a, Jobs(a.state), 24.5, {x[0]: x for x in ACTIONS}

    def key_of(self, h):
        v = h.get("Authorization") or ""
        return v[4:] if v[:4].lower() == "key " else (v or None)

    def need_key(self, h):
        v = h.get("Authorization") or ""
        if not v:
            raise Fail(401, {"detail": "Authentication is required to access this application"})
        if v[:4].lower() != "key " or v[4:].strip() not in (self.KEY, self.BROKE):
            raise Fail(401, {"detail": "Cannot access application \"actions\". No user found for Key ID and Secret"})

    def heads(self, extra=None):
        return dict({"x-fal-request-id": str(uuid.uuid4())}, **(extra or {}))

    def invalid(self, errs):
        raise Fail(422, {"detail": errs}, self.heads({"X-Fal-Retryable": "false", "X-Fal-Error-Type": errs[0]["type"]}))

    def route(self, method, path, query, h, body, problem, base):
        if path.startswith("/files/") and method == "GET":
            return self.file(path)
        if path.startswith("/samples/") and path.rsplit("/", 1)[1] in ("sample_face.jpg", "sample_beach.png"):
            return Binary(media(path.rsplit("/", 1)[1]), mimetypes.guess_type(path)[0])
        self.need_key(h)
        broke = self.key_of(h) == self.BROKE
        if method == "GET" and path == "/api/actions":
            start = 0
            if query.get("cursor"):
                try:
                    start = int(base64.urlsafe_b64decode(query["cursor"] + "==").decode().split(":")[1])
                except Exception:
                    raise Fail(400, {"error": {"type": "validation_error", "message": "Invalid cursor"}})
            rows, more = ACTIONS[start:start + PAGE], start + PAGE < len(ACTIONS)
            return {"actions": [self.entry(r) for r in rows], "next_cursor": base64.urlsafe_b64encode(b"off:%d" % (start + PAGE)).decode().rstrip("=") if more else None, "has_more": more}
        if method == "GET" and path == "/api/models/pricing":
            want = query.get("endpoint_id", "").split(",") if query.get("endpoint_id") else None
            return {"prices": [dict({"endpoint_id": r[0]}, **r[6]) for r in ACTIONS if r[6] and (not want or r[0] in want)], "next_cursor": None, "has_more": False}
        if method == "GET" and path == "/api/account/billing":
            out = {"username": "test-team"}
            if query.get("expand") == "credits":
                out["credits"] = {"current_balance": 0.0 if broke else round(self.balance, 4), "currency": "USD"}
            return out
        m = re.match(r"^/api/requests/([^/]+)(/status|/cancel)?$", path)
        if m and method in ("GET", "PUT"):
            act = {None: "queue.result", "/status": "queue.status", "/cancel": "queue.cancel"}[m.group(2)]
            return self.do(act, {"request_id": m.group(1)}, base, broke)
        m = re.match(r"^/api/actions/([^/]+)(/schema)?$", path)
        if not m:
            raise Fail(404, {"detail": "Path %s not found" % path})
        if m.group(1) not in self.ids:
            raise Fail(404, {"detail": "Application \"%s\" not found" % m.group(1)})
        row = self.ids[m.group(1)]
        if m.group(2) and method == "GET":
            return {"id": row[0], "input": row[4], "output": row[5] or {}}
        if method != "POST" or m.group(2):
            raise Fail(405, {"detail": "Method Not Allowed"})
        if problem:
            self.invalid([{"loc": ["body"], "msg": "Expecting value: " + problem, "type": "json_invalid"}])
        body = {} if body is None else body
        bad = check(row[4], body)
        if bad:
            self.invalid([{"loc": list(l), "msg": t, "type": k, "url": "https://docs.fal.ai/errors#" + k, "input": body, **({"ctx": c} if c else {})} for l, k, t, c in bad])
        if isinstance(body.get("image_url"), str):
            self.picture(body["image_url"], base)
        if row[6] and row[6]["unit_price"] and broke:
            raise Fail(403, {"detail": "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."}, self.heads({"X-Fal-Error-Type": "user_locked"}))
        return self.do(row[0], body, base, broke)

    def entry(self, r):
        out = {"id": r[0], "metadata": {"display_name": r[2], "description": r[3], "category": r[1], "status": "active"}}
        if r[6]:
            out["pricing"] = r[6]
        return out

    def picture(self, url, base):
        if url.startswith("data:"):
            _, data = from_data_uri(url)
            if data and picture_kind(data):
                return
        elif re.match(r"https?://", url) or url.startswith("/files/"):
            return
        self.invalid([{"loc": ["body", "image_url"], "msg": "Failed to load the image. Please ensure the image file is not corrupted and is in a supported format.", "type": "image_load_error", "url": "https://docs.fal.ai/errors#image_load_error", "input": url[:200]}])

    def file(self, path):
        name = path.rsplit("/", 1)[1]
        for r in self.jobs.all():
            if path == r.get("path"):
                if r.get("data"):
                    return Binary(base64.b64decode(r["data"]), mimetypes.guess_type(name)[0] or "application/octet-stream")
                return Binary(media(r["media"]), mimetypes.guess_type(r["media"])[0])
        raise Fail(404, {"detail": "File not found"})

    def made(self, name, endpoint, body):
        rid = str(uuid.uuid4())
        ext = name.rsplit(".", 1)[1]
        return self.jobs.add({"id": rid, "endpoint_id": endpoint, "input": body, "media": name, "path": "/files/b/%s/%s_output.%s" % (rid[:8], rid[9:13] + rid[14:18], ext)})

    def f(self, r):
        size = os.path.getsize(os.path.join(MEDIA, r["media"]))
        return {"url": r["path"], "content_type": mimetypes.guess_type(r["media"])[0], "file_name": r["path"].rsplit("/", 1)[1], "file_size": size}

    def direct(self, act, body, name, units):
        row = self.ids[act]
        self.balance -= row[6]["unit_price"] * units
        return self.made(name, act, body), self.heads({"x-fal-billable-units": "%g" % units})

    def status(self, r):
        age, total = time.time() - r["t"], self.a.job_seconds
        return "CANCELLED" if r.get("cancelled") else "IN_QUEUE" if age < total / 4 else "IN_PROGRESS" if age < total else "COMPLETED"

    def view(self, r, base):
        s = self.status(r)
        u = base + "/api/requests/" + r["id"]
        out = {"status": s, "request_id": r["id"], "response_url": u, "status_url": u + "/status", "cancel_url": u + "/cancel"}
        if s == "IN_QUEUE":
            out["queue_position"] = 1
        if s in ("IN_PROGRESS", "COMPLETED"):
            out["logs"] = [{"message": "Running inference", "level": "INFO", "source": "USER", "timestamp": iso(r["t"] + 1)}]
        if s == "COMPLETED":
            out["metrics"] = {"inference_time": self.a.job_seconds * .75}
        return out

    def megapixels(self, b):
        s = b.get("image_size", "landscape_4_3")
        w, h = (s.get("width", 512), s.get("height", 512)) if isinstance(s, dict) else {"square_hd": (1024, 1024), "square": (512, 512), "portrait_4_3": (768, 1024), "portrait_16_9": (576, 1024), "landscape_4_3": (1024, 768), "landscape_16_9": (1024, 576)}[s]
        return max(1, -(-w * h // 1000000)) * b.get("num_images", 1)

    def do(self, act, b, base, broke):
        if act in ("flux.schnell", "flux.dev", "recraft.v3.text_to_image", "flux.dev.image_to_image", "flux_kontext.pro"):
            name = "charlie_edit.jpg" if "image_url" in b else "charlie_image.png"
            n = b.get("num_images", 1)
            units = self.megapixels(b) if self.ids[act][6]["unit"] == "megapixels" else n
            rows, heads = [], {}
            for i in range(n):
                r, heads = self.direct(act, b, name, units / n)
                rows.append(r)
            heads["x-fal-billable-units"] = "%g" % units
            return Reply({"images": [dict(self.f(r), width=160, height=96) for r in rows], "timings": {"inference": 0.31}, "seed": b.get("seed") or 1284739, "has_nsfw_concepts": [False] * n, "prompt": b["prompt"]}, 200, heads)
        if act in ("birefnet.v2", "esrgan"):
            r, heads = self.direct(act, b, "charlie_cutout.png" if act == "birefnet.v2" else "charlie_upscaled.webp", 1.2)
            return Reply({"image": dict(self.f(r), width=160, height=96)}, 200, heads)
        if act == "kokoro.american_english":
            r, heads = self.direct(act, b, "charlie_speech.mp3", max(1, -(-len(b["prompt"]) // 1000)))
            return Reply({"audio": self.f(r)}, 200, heads)
        if act in ("kling_video.v2_1.standard.image_to_video", "wan.v2_2.text_to_video"):
            secs = int(b.get("duration", "5")) if act.startswith("kling") else b.get("num_frames", 81) / b.get("frames_per_second", 16)
            self.balance -= self.ids[act][6]["unit_price"] * secs
            r = self.made("charlie_video.mp4", act, b)
            return Reply(self.view(r, base), 200, self.heads())
        if act == "models.list":
            return {"models": [{"endpoint_id": r[0], "metadata": {"display_name": r[2], "category": r[1], "status": "active"}} for r in ACTIONS if r[6] and b.get("category", r[1]) == r[1]], "next_cursor": None, "has_more": False}
        if act == "requests.list":
            rows = [r for r in self.jobs.all() if r["endpoint_id"] != "storage.upload" and b.get("endpoint_id", r["endpoint_id"]) == r["endpoint_id"]][:b.get("limit", 10)]
            return {"items": [{"request_id": r["id"], "endpoint_id": r["endpoint_id"], "started_at": iso(r["t"]), "ended_at": iso(r["t"] + self.a.job_seconds), "status_code": 200, "json_input": r["input"]} for r in rows], "next_cursor": None, "has_more": False}
        if act == "storage.upload":
            text = b["data"]
            try:
                data = from_data_uri(text)[1] if text.startswith("data:") else base64.b64decode(text, validate=True)
            except ValueError:
                data = None
            if not data:
                self.invalid([{"loc": ["body", "data"], "msg": "Input should be valid base64", "type": "value_error", "input": text[:60]}])
            rid = str(uuid.uuid4())
            r = self.jobs.add({"id": rid, "endpoint_id": "storage.upload", "input": {}, "media": b["file_name"], "data": base64.b64encode(data).decode(), "path": "/files/u/%s/%s" % (rid[:8], quote(os.path.basename(b["file_name"])))})
            return {"file_url": base + r["path"], "content_type": b.get("content_type") or mimetypes.guess_type(b["file_name"])[0], "file_size": len(data)}
        r = self.jobs.get(b["request_id"])
        if not r or r["endpoint_id"] == "storage.upload":
            raise Fail(404, {"detail": "Request %s not found" % b["request_id"]}, self.heads())
        if act == "queue.status":
            return Reply(self.view(r, base), 200 if self.status(r) == "COMPLETED" else 202, self.heads())
        if act == "queue.cancel":
            if self.status(r) != "IN_QUEUE":
                raise Fail(400, {"status": "ALREADY_COMPLETED"})
            r["cancelled"] = True
            self.jobs.save()
            return Reply({"status": "CANCELLATION_REQUESTED"}, 202)
        if self.status(r) != "COMPLETED":                                  # queue.result
            raise Fail(400, {"detail": "Request is still in progress"}, self.heads())
        if re.search(r"\b(nsfw|forbidden)\b", r["input"].get("prompt", "")):
            self.invalid([{"loc": ["body", "prompt"], "msg": "The content could not be processed because it contained material flagged by a content checker.", "type": "content_policy_violation", "url": "https://docs.fal.ai/errors#content_policy_violation", "input": r["input"]}])
        if r["media"].endswith(".mp4"):
            return Reply({"video": self.f(r)}, 200, self.heads({"x-fal-billable-units": "5"}))
        return {"images": [self.f(r)]} if not r["media"].endswith("mp3") else {"audio": self.f(r)}


serve(App)
