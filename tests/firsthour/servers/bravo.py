#!/usr/bin/env python3
"""bravo: a speech and talking-portrait service in the manner of ElevenLabs, behind the actions protocol.
Header xi-api-key; the list is a bare array and the schemas are bare (pydantic style: anyOf null); speech comes as a binary body;
pictures go by multipart upload to portraits.assets.upload; media links are signed and have no extension; errors {"detail": {"status", "message"}},
no credit is a 401 (quota_exceeded), as there. Runs alone: python3 bravo.py --port N. Test only: GET /_log."""
from common import *


def nul(t, **k):
    """As pydantic writes an optional field."""
    return dict({"anyOf": [t, {"type": "null"}], "default": None}, **k)


STR = {"type": "string"}
VOICES = [
    {"voice_id": "21m00Tcm4TlvDq8ikWAM", "name": "Rachel", "category": "premade", "labels": {"accent": "american", "gender": "female", "use_case": "narration"}, "preview_url": "/preview/rachel.mp3"},
    {"voice_id": "JBFqnCBsd6RMkjVDRZzb", "name": "George", "category": "premade", "labels": {"accent": "british", "gender": "male", "use_case": "narration"}, "preview_url": "/preview/george.mp3"},
    {"voice_id": "pNInz6obpgDQGcFmaJgB", "name": "Adam", "category": "premade", "labels": {"accent": "american", "gender": "male", "use_case": "social media"}, "preview_url": "/preview/adam.mp3"},
    {"voice_id": "EXAVITQu4vr4xnSDxMaL", "name": "Sarah", "category": "professional", "labels": {"accent": "american", "gender": "female", "use_case": "news"}, "preview_url": "/preview/sarah.mp3"},
]
MODELS = [
    {"model_id": "eleven_multilingual_v2", "name": "Eleven Multilingual v2", "can_do_text_to_speech": True, "can_do_voice_conversion": False, "maximum_text_length_per_request": 10000, "token_cost_factor": 1.0, "model_rates": {"character_cost_multiplier": 1.0}},
    {"model_id": "eleven_flash_v2_5", "name": "Eleven Flash v2.5", "can_do_text_to_speech": True, "can_do_voice_conversion": False, "maximum_text_length_per_request": 40000, "token_cost_factor": 0.5, "model_rates": {"character_cost_multiplier": 0.5}},
    {"model_id": "eleven_v3", "name": "Eleven v3", "can_do_text_to_speech": True, "can_do_voice_conversion": False, "maximum_text_length_per_request": 5000, "token_cost_factor": 1.0, "model_rates": {"character_cost_multiplier": 1.0}},
]
VID = {"type": "string", "title": "Voice Id", "description": "ID of the voice to be used. Use voices.search to list all the available voices."}
MODEL = {"type": "string", "title": "Model Id", "enum": [m["model_id"] for m in MODELS], "default": "eleven_multilingual_v2", "description": "Identifier of the model that will be used, query them using models.list."}
FORMAT = {"type": "string", "title": "Output Format", "enum": ["mp3_22050_32", "mp3_44100_64", "mp3_44100_128", "mp3_44100_192", "pcm_16000", "pcm_24000", "ulaw_8000"], "default": "mp3_44100_128", "description": "Output format formatted as codec_sample_rate_bitrate."}
SETTINGS = {"title": "VoiceSettings", "type": "object", "properties": {
    "stability": nul({"type": "number", "minimum": 0, "maximum": 1}, title="Stability", description="How stable the voice is."),
    "similarity_boost": nul({"type": "number", "minimum": 0, "maximum": 1}, title="Similarity Boost"), "style": nul({"type": "number", "minimum": 0, "maximum": 1}, title="Style"),
    "use_speaker_boost": nul({"type": "boolean"}), "speed": nul({"type": "number", "minimum": 0.7, "maximum": 1.2}, title="Speed", description="1.0 is the default speed.")}}
FILE = lambda d: {"type": "string", "format": "binary", "title": "File", "description": d}


def obj(title, props, required=()):
    return {"title": title, "type": "object", "properties": props, "required": list(required)}


TTS = {"voice_id": VID, "text": {"type": "string", "title": "Text", "minLength": 1, "maxLength": 5000, "description": "The text that will get converted into speech."}, "model_id": MODEL,
       "language_code": nul(STR, description="Language code (ISO 639-1) used to enforce a language."), "voice_settings": nul(SETTINGS), "seed": nul({"type": "integer", "minimum": 0, "maximum": 4294967295}, title="Seed"),
       "previous_text": nul(STR), "next_text": nul(STR), "output_format": FORMAT}
ACTIONS = [
    ("text_to_speech.convert", "text-to-speech", "Create speech", "Converts text into speech using a voice of your choice and returns audio (audio/mpeg).", obj("Body_text_to_speech", TTS, ["voice_id", "text"])),
    ("text_to_speech.convert_with_timestamps", "text-to-speech", "Create speech with timing", "Generate speech with precise character-level timing information; the audio is base64.", obj("Body_text_to_speech_with_timestamps", TTS, ["voice_id", "text"])),
    ("text_to_dialogue.convert", "text-to-speech", "Create dialogue", "Converts a list of text and voice ID pairs into speech (dialogue) and returns audio.", obj("Body_text_to_dialogue", {"inputs": {"type": "array", "minItems": 1, "maxItems": 10, "items": obj("DialogueInput", {"text": STR, "voice_id": VID}, ["text", "voice_id"])}, "model_id": MODEL, "output_format": FORMAT}, ["inputs"])),
    ("text_to_sound_effects.convert", "sound", "Create sound effect", "Turn text into sound effects.", obj("Body_sound_generation", {"text": {"type": "string", "maxLength": 450}, "duration_seconds": nul({"type": "number", "minimum": 0.5, "maximum": 30}, description="The duration of the sound. If null the optimal duration is guessed from the prompt."), "prompt_influence": nul({"type": "number", "minimum": 0, "maximum": 1}), "loop": {"type": "boolean", "default": False}, "output_format": FORMAT}, ["text"])),
    ("music.compose", "sound", "Compose music", "Compose a song from a prompt.", obj("Body_compose_music", {"prompt": {"type": "string", "maxLength": 4100}, "music_length_ms": nul({"type": "integer", "minimum": 3000, "maximum": 600000}, description="The length of the song to generate in milliseconds."), "force_instrumental": {"type": "boolean", "default": False}, "output_format": FORMAT}, ["prompt"])),
    ("audio_isolation.convert", "sound", "Isolate audio", "Removes background noise from audio. The body is multipart/form-data.", obj("Body_audio_isolation", {"audio": FILE("The audio file from which vocals/speech will be isolated from.")}, ["audio"])),
    ("speech_to_text.convert", "speech-to-text", "Create transcript", "Transcribe an audio or video file. The body is multipart/form-data.", obj("Body_speech_to_text", {"model_id": {"type": "string", "enum": ["scribe_v1", "scribe_v2"]}, "file": nul({"type": "string", "format": "binary"}), "cloud_storage_url": nul(STR, description="The HTTPS URL of the file to transcribe. Exactly one of the file or cloud_storage_url parameters must be provided."), "language_code": nul(STR), "diarize": {"type": "boolean", "default": False}}, ["model_id"])),
    ("voices.search", "voices", "List voices", "Gets a list of all available voices for a user with search, filtering and pagination.", obj("SearchVoices", {"search": nul(STR), "page_size": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}, "next_page_token": nul(STR), "category": nul({"type": "string", "enum": ["premade", "cloned", "generated", "professional"]})})),
    ("voices.get", "voices", "Get voice", "Returns metadata about a specific voice.", obj("GetVoice", {"voice_id": VID}, ["voice_id"])),
    ("voices.settings.get", "voices", "Get voice settings", "Returns the settings for a specific voice.", obj("GetVoiceSettings", {"voice_id": VID}, ["voice_id"])),
    ("voices.design", "voices", "Design a voice", "Design a voice via a prompt; returns previews.", obj("Body_voice_design", {"voice_description": {"type": "string", "minLength": 20, "maxLength": 1000}, "text": nul({"type": "string", "minLength": 100, "maxLength": 1000}), "auto_generate_text": {"type": "boolean", "default": False}}, ["voice_description"])),
    ("dubbing.create", "dubbing", "Dub a video or an audio file", "Dubs the provided audio or video file into given language.", obj("Body_dub", {"name": nul(STR), "source_url": {"type": "string", "description": "URL of the source video/audio file."}, "source_lang": {"type": "string", "default": "auto"}, "target_lang": {"type": "string", "description": "The target language to dub the content into, e.g. es"}, "num_speakers": {"type": "integer", "minimum": 0, "default": 0}, "watermark": {"type": "boolean", "default": False}}, ["source_url", "target_lang"])),
    ("dubbing.get", "dubbing", "Get dubbing", "Returns metadata about a dubbing project, including whether it's still in progress or not.", obj("GetDubbing", {"dubbing_id": STR}, ["dubbing_id"])),
    ("dubbing.audio.get", "dubbing", "Get dubbed file", "Returns the dubbed file as a streamed MP3 or MP4 file. Use when status is dubbed.", obj("GetDubbedAudio", {"dubbing_id": STR, "language_code": STR}, ["dubbing_id", "language_code"])),
    ("dubbing.delete", "dubbing", "Delete dubbing", "Deletes a dubbing project.", obj("DeleteDubbing", {"dubbing_id": STR}, ["dubbing_id"])),
    ("portraits.assets.upload", "portraits", "Upload a portrait picture", "Upload a PNG, JPEG or WebP picture (at most 10 MB) of one face. The body is multipart/form-data.", obj("Body_upload_asset", {"file": FILE("The picture."), "name": nul({"type": "string", "maxLength": 100})}, ["file"])),
    ("portraits.video.create", "portraits", "Create a talking portrait", "Animates an uploaded picture so that it speaks the text with the chosen voice. Runs in the background, see portraits.video.get.", obj("Body_portrait_video", {"asset_id": {"type": "string", "description": "From portraits.assets.upload."}, "text": {"type": "string", "minLength": 1, "maxLength": 1500}, "voice_id": VID, "model_id": MODEL, "resolution": {"type": "string", "enum": ["480p", "720p"], "default": "480p"}, "expressiveness": nul({"type": "number", "minimum": 0, "maximum": 1}), "name": nul(STR)}, ["asset_id", "text", "voice_id"])),
    ("portraits.video.get", "portraits", "Get a talking portrait", "State and file of a portrait video. The link is valid for one hour; call again for a new one.", obj("GetPortraitVideo", {"video_id": STR}, ["video_id"])),
    ("history.list", "history", "List generated items", "Returns a list of your generated audio and video.", obj("ListHistory", {"page_size": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}, "start_after_history_item_id": nul(STR), "voice_id": nul(STR), "search": nul(STR)})),
    ("history.get", "history", "Get history item", "Retrieves a history item.", obj("GetHistoryItem", {"history_item_id": STR}, ["history_item_id"])),
    ("history.audio.get", "history", "Get audio from history item", "Returns the audio of an history item.", obj("GetHistoryAudio", {"history_item_id": STR}, ["history_item_id"])),
    ("user.get", "account", "Get user", "Gets information about the user.", obj("GetUser", {})),
    ("user.subscription.get", "account", "Get user subscription", "Gets extended information about the users subscription: characters used and limit.", obj("GetSubscription", {})),
    ("models.list", "account", "List models", "Gets a list of available models.", obj("ListModels", {})),
]
MULTIPART = {"portraits.assets.upload", "audio_isolation.convert", "speech_to_text.convert"}


class App:
    KEY, BROKE = "sk_b7a20c9f41d84be2930e6c1a5bravo", "sk_000000000000000000000000broke"

    def __init__(self, a):
        self.a, self.jobs, self.used, self.ids, self.assets = a, Jobs(a.state), 1420, {x[0]: x for x in ACTIONS}, {}
        for r in self.jobs.all():
            if r["kind"] == "asset":
                self.assets[r["id"]] = r

    def key_of(self, h):
        return h.get("xi-api-key")

    def need_key(self, h):
        if not h.get("xi-api-key"):
            raise Fail(401, {"detail": {"status": "needs_authorization", "message": "Neither authorization header nor xi-api-key received, please provide one."}})
        if h["xi-api-key"] not in (self.KEY, self.BROKE):
            raise Fail(401, {"detail": {"status": "invalid_api_key", "message": "Invalid API key"}})

    def route(self, method, path, query, h, body, problem, base):
        if path.startswith("/storage/v1/") and method == "GET":
            return self.stored(path, query)
        if path.startswith("/preview/"):
            return Binary(media("bravo_speech.mp3"), "audio/mpeg")
        if path.startswith("/samples/") and path.rsplit("/", 1)[1] in ("sample_face.jpg", "sample_beach.png"):
            return Binary(media(path.rsplit("/", 1)[1]), mimetypes.guess_type(path)[0])
        self.need_key(h)
        broke = self.key_of(h) == self.BROKE
        if path == "/api/actions" and method == "GET":                    # a bare array, as GET /v1/models is
            return [{"id": r[0], "name": r[2], "description": r[3], "tags": [r[1]], **({"content_type": "multipart/form-data"} if r[0] in MULTIPART else {})} for r in ACTIONS]
        m = re.match(r"^/api/actions/([^/]+)(/schema)?$", path)
        if not m:
            raise Fail(404, {"detail": "Not Found"})
        if m.group(1) not in self.ids:
            raise Fail(404, {"detail": {"status": "action_not_found", "message": "The requested action was not found."}})
        row = self.ids[m.group(1)]
        if m.group(2) and method == "GET":
            return row[4]                                                  # bare JSON Schema
        if method != "POST" or m.group(2):
            raise Fail(405, {"detail": "Method Not Allowed"})
        if problem:
            raise Fail(422, {"detail": [{"type": "json_invalid", "loc": ["body", 0], "msg": "JSON decode error", "input": {}, "ctx": {"error": problem}}]})
        body = {} if body is None else body
        flat = body
        if isinstance(body, dict):
            flat = {k: ("" if isinstance(v, dict) and "data" in v and isinstance(v["data"], bytes) else v) for k, v in body.items()}
        if row[0] in MULTIPART and not (h.get("Content-Type") or "").startswith("multipart/form-data"):
            need = "file" if row[0] != "audio_isolation.convert" else "audio"
            if not (row[0] == "speech_to_text.convert" and flat.get("cloud_storage_url")):
                raise Fail(422, {"detail": [{"type": "missing", "loc": ["body", need], "msg": "Field required", "input": None}]})
        bad = check(row[4], flat)
        if bad:
            raise Fail(422, {"detail": [dict({"type": k, "loc": list(l), "msg": t, "input": None}, **({"ctx": c} if c else {})) for l, k, t, c in bad]})
        return self.do(row[0], body, base, broke)

    def spend(self, n, broke):
        left = 12 if broke else 100000 - self.used
        if n > left:
            raise Fail(401, {"detail": {"status": "quota_exceeded", "message": "This request exceeds your quota of %d. You have %d credits remaining, while %d credits are required for this request." % (10000 if broke else 100000, left, n)}})
        self.used += n

    def voice(self, vid):
        for v in VOICES:
            if v["voice_id"] == vid:
                return v
        raise Fail(404, {"detail": {"status": "voice_not_found", "message": "A voice with the voice_id %s was not found." % vid}})

    def record(self, kind, text, voice_id, model_id, name):
        rid = uuid.uuid4().hex[:20]
        self.jobs.add({"id": rid, "kind": kind, "text": text, "voice_id": voice_id, "model_id": model_id, "media": name})
        return rid

    def item(self, r):
        v = next((v for v in VOICES if v["voice_id"] == r.get("voice_id")), None)
        return {"history_item_id": r["id"], "voice_id": r.get("voice_id"), "voice_name": v and v["name"], "model_id": r.get("model_id"), "text": r.get("text"), "date_unix": int(r["t"]),
                "character_count_change_from": 0, "character_count_change_to": len(r.get("text") or ""), "content_type": mimetypes.guess_type(r["media"])[0], "state": "created", "source": r["kind"]}

    def audio(self, kind, text, voice_id, model_id, name, cost, broke):
        self.spend(cost, broke)
        rid = self.record(kind, text, voice_id, model_id, name)
        return Binary(media(name), "audio/mpeg", {"request-id": uuid.uuid4().hex[:20], "history-item-id": rid, "character-cost": cost})

    def stored(self, path, query):
        row = self.jobs.get(path.rsplit("/", 1)[1].replace("-", "")[:20])
        if not row or query.get("X-Goog-Signature") != self.sign(row["id"]):
            raise Fail(403, {"error": {"code": 403, "message": "SignatureDoesNotMatch"}})
        return Binary(media(row["media"]), "application/octet-stream")     # the type does not tell either

    def sign(self, rid):
        return hashlib.sha256(b"bravo" + rid.encode()).hexdigest()

    def do(self, act, b, base, broke):
        if act == "models.list":
            return MODELS
        if act == "user.subscription.get" or act == "user.get":
            sub = {"tier": "free" if broke else "creator", "character_count": 9988 if broke else self.used, "character_limit": 10000 if broke else 100000, "can_extend_character_limit": not broke, "allowed_to_extend_character_limit": False,
                   "next_character_count_reset_unix": int(time.time()) + 20 * DAY, "voice_slots_used": 4, "voice_limit": 30, "currency": "usd", "status": "active", "billing_period": "monthly_period",
                   "next_invoice": {"amount_due_cents": 2200, "next_payment_attempt_unix": int(time.time()) + 20 * DAY}}
            return sub if act == "user.subscription.get" else {"user_id": "uQ2mDrN9", "is_new_user": False, "first_name": "Kim", "subscription": sub}
        if act == "voices.search":
            rows = [v for v in VOICES if (b.get("search") or "").lower() in v["name"].lower() and (not b.get("category") or v["category"] == b["category"])]
            n, start = b.get("page_size", 10), int(b.get("next_page_token") or 0)
            more = start + n < len(rows)
            return {"voices": [dict(v, preview_url=base + v["preview_url"]) for v in rows[start:start + n]], "has_more": more, "total_count": len(rows), "next_page_token": str(start + n) if more else None}
        if act == "voices.get":
            v = self.voice(b["voice_id"])
            return dict(v, preview_url=base + v["preview_url"])
        if act == "voices.settings.get":
            self.voice(b["voice_id"])
            return {"stability": 0.5, "similarity_boost": 0.75, "style": 0.0, "use_speaker_boost": True, "speed": 1.0}
        if act == "text_to_speech.convert":
            self.voice(b["voice_id"])
            cost = max(1, int(len(b["text"]) * (0.5 if b.get("model_id") == "eleven_flash_v2_5" else 1)))
            return self.audio("TTS", b["text"], b["voice_id"], b.get("model_id", "eleven_multilingual_v2"), "bravo_speech.mp3", cost, broke)
        if act == "text_to_speech.convert_with_timestamps":
            self.voice(b["voice_id"])
            self.spend(len(b["text"]), broke)
            self.record("TTS", b["text"], b["voice_id"], b.get("model_id"), "bravo_speech.mp3")
            ch = list(b["text"])
            al = {"characters": ch, "character_start_times_seconds": [round(i * .06, 3) for i in range(len(ch))], "character_end_times_seconds": [round(i * .06 + .06, 3) for i in range(len(ch))]}
            return {"audio_base64": base64.b64encode(media("bravo_speech.mp3")).decode(), "alignment": al, "normalized_alignment": al}
        if act == "text_to_dialogue.convert":
            for i in b["inputs"]:
                self.voice(i["voice_id"])
            text = "\n".join(i["text"] for i in b["inputs"])
            return self.audio("TTD", text, b["inputs"][0]["voice_id"], b.get("model_id", "eleven_v3"), "bravo_speech.mp3", len(text), broke)
        if act == "text_to_sound_effects.convert":
            return self.audio("SFX", b["text"], None, "eleven_text_to_sound_v2", "bravo_sfx.mp3", int(40 * (b.get("duration_seconds") or 5)), broke)
        if act == "music.compose":
            return self.audio("Music", b["prompt"], None, "music_v1", "bravo_music.mp3", int((b.get("music_length_ms") or 10000) / 1000 * 15), broke)
        if act == "audio_isolation.convert":
            return self.audio("Isolation", "", None, None, "bravo_speech.mp3", 1000, broke)
        if act == "speech_to_text.convert":
            self.spend(100, broke)
            return {"language_code": "eng", "language_probability": 0.98, "text": "hello from the test", "words": [{"text": "hello", "start": 0.1, "end": 0.4, "type": "word", "speaker_id": "speaker_0", "logprob": -0.02}], "transcription_id": uuid.uuid4().hex[:20], "audio_duration_secs": 1.5}
        if act == "voices.design":
            self.spend(300, broke)
            return {"previews": [{"audio_base_64": base64.b64encode(media("bravo_speech.mp3")).decode(), "generated_voice_id": uuid.uuid4().hex[:20], "media_type": "audio/mpeg", "duration_secs": 1.5, "language": "en"} for _ in range(3)], "text": "Every act of kindness carries value, no matter how small it may seem to the one who gives it or receives it."}
        if act == "portraits.assets.upload":
            f = b["file"]
            if not isinstance(f, dict) or not picture_kind(f["data"]):
                raise Fail(400, {"detail": {"status": "invalid_file_type", "message": "The uploaded file is not a supported picture. Supported formats: PNG, JPEG, WebP."}})
            if len(f["data"]) > 10 << 20:
                raise Fail(400, {"detail": {"status": "file_too_large", "message": "The file size exceeds the limit of 10 MB."}})
            row = self.jobs.add({"id": "asset_" + uuid.uuid4().hex[:18], "kind": "asset", "name": b.get("name") or f["filename"], "mime": picture_kind(f["data"]), "size": len(f["data"]), "sha256": hashlib.sha256(f["data"]).hexdigest(), "media": "sample_face.jpg"})
            self.assets[row["id"]] = row
            return {"asset_id": row["id"], "name": row["name"], "mime_type": row["mime"], "size_bytes": row["size"], "created_at_unix": int(row["t"])}
        if act == "portraits.video.create":
            self.voice(b["voice_id"])
            if b["asset_id"] not in self.assets:
                raise Fail(404, {"detail": {"status": "asset_not_found", "message": "An asset with the asset_id %s was not found." % b["asset_id"]}})
            self.spend(len(b["text"]) * 10, broke)
            row = self.jobs.add({"id": uuid.uuid4().hex[:20], "kind": "Portrait", "text": b["text"], "voice_id": b["voice_id"], "model_id": b.get("model_id"), "media": "bravo_portrait.mp4"})
            return {"video_id": row["id"], "status": "processing", "expected_duration_sec": self.a.job_seconds}
        if act == "portraits.video.get":
            r = self.jobs.get(b["video_id"])
            if not r or r["kind"] != "Portrait":
                raise Fail(404, {"detail": {"status": "video_not_found", "message": "A video with the video_id %s was not found." % b["video_id"]}})
            out = {"video_id": r["id"], "status": "processing", "progress": min(0.95, round((time.time() - r["t"]) / self.a.job_seconds, 2)), "created_at_unix": int(r["t"]), "error": None, "video": None}
            if time.time() - r["t"] >= self.a.job_seconds:
                if "forbidden" in r["text"]:
                    return dict(out, status="failed", error={"status": "moderation_failed", "message": "The text was blocked by our content policy."})
                link = base + "/storage/v1/portraits/%s?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Date=%s&X-Goog-Expires=3600&X-Goog-SignedHeaders=host&X-Goog-Signature=%s" % (r["id"], time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), self.sign(r["id"]))
                out = dict(out, status="done", progress=1.0, video={"signed_url": link, "content_type": "video/mp4", "duration_secs": 2.0, "expires_at_unix": int(time.time()) + 3600})
            return out
        if act == "dubbing.create":
            if not re.match(r"https?://", b["source_url"]):
                raise Fail(400, {"detail": {"status": "invalid_url", "message": "The source_url is not valid."}})
            self.spend(2000, broke)
            row = self.jobs.add({"id": uuid.uuid4().hex[:20], "kind": "Dubbing", "text": b.get("name") or b["source_url"], "lang": b["target_lang"], "media": "bravo_dub.mp4"})
            return {"dubbing_id": row["id"], "expected_duration_sec": self.a.job_seconds}
        if act.startswith("dubbing."):
            r = self.jobs.get(b["dubbing_id"])
            if not r or r["kind"] != "Dubbing":
                raise Fail(404, {"detail": {"status": "dubbing_not_found", "message": "There is no dubbing for the given ID."}})
            ready = time.time() - r["t"] >= self.a.job_seconds
            if act == "dubbing.get":
                return {"dubbing_id": r["id"], "name": r["text"], "status": "dubbed" if ready else "dubbing", "source_language": "en", "target_languages": [r["lang"]], "editable": False, "created_at": iso(r["t"]), "media_metadata": {"content_type": "video/mp4", "duration": 2.0}, "error": None}
            if act == "dubbing.delete":
                self.jobs.drop(r["id"])
                return {"status": "ok"}
            if not ready:
                raise Fail(425, {"detail": {"status": "dubbing_not_ready", "message": "Dubbing is not ready yet."}})
            if b["language_code"] != r["lang"]:
                raise Fail(404, {"detail": {"status": "language_not_found", "message": "There is no dub for language %s." % b["language_code"]}})
            return Binary(media("bravo_dub.mp4"), "video/mp4")
        if act == "history.list":
            rows = [r for r in self.jobs.all() if r["kind"] not in ("asset", "Dubbing") and (b.get("search") or "").lower() in (r.get("text") or "").lower()]
            return {"history": [self.item(r) for r in rows[:b.get("page_size", 100)]], "last_history_item_id": rows[-1]["id"] if rows else None, "has_more": False, "scanned_until": None}
        r = self.jobs.get(b["history_item_id"])
        if not r or r["kind"] == "asset":
            raise Fail(404, {"detail": {"status": "history_item_not_found", "message": "A history item with ID %s was not found." % b["history_item_id"]}})
        return self.item(r) if act == "history.get" else Binary(media(r["media"]), mimetypes.guess_type(r["media"])[0])


serve(App)
