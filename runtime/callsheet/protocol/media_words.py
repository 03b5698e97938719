"""List the words and endings by which the links of a reply are told apart."""

from __future__ import annotations

LINK_ENDINGS = ("urls", "uris", "url", "uri", "links", "link", "href")
LINK_WORDS = frozenset({*LINK_ENDINGS, "src", "location"})
"""Words of keys that say that a link stands there, and nothing of what it leads to."""
NEVER_MEDIA = frozenset(
    {
        *("thumbnail", "thumb", "cover", "poster", "preview", "callback", "webhook"),
        *("thumbnails", "thumbs", "covers", "posters", "previews", "callbacks", "webhooks"),
        *("arg", "args", "argument", "arguments", "option", "options", "keyframe", "keyframes"),
        *("reference", "references", "original", "origin", "originals", "orig", "snapshot"),
        *("before", "recent", "related", "similar", "recommended", "featured", "trending"),
        *("suggestions", "gallery", "timeline", "storyboard", "firstframe", "lastframe"),
    }
)
"""Words of keys under which no link is a result: companions of it, or echoes of the request."""
MATERIAL_WORDS = frozenset(
    {
        *("template", "templates", "driver", "drivers", "driven", "mask", "masks", "parent"),
        *("background", "backgrounds", "example", "examples", "sample", "samples", "demo", "demos"),
        *("pending", "draft", "drafts", "future", "intro", "outro", "target", "swap", "face"),
        *("base", "upload", "uploads", "uploaded", "scene", "scenes", "style", "control", "user"),
        *("messages", "prompt", "prompts", "character", "characters", "subject", "avatar"),
        *("previous", "placeholder", "logo", "history", "tutorial", "ref", "refs", "soundtrack"),
        *("init", "initial", "tail", "start", "end", "pose", "depth", "guide", "guidance"),
        *("condition", "conditioning", "garment", "cloth", "clothes", "clothing", "person"),
        *(
            "human",
            "product",
            "selfie",
            "bgm",
            "teaser",
            "trailer",
            "modifications",
            "config",
            "settings",
        ),
    }
)
"""Words of keys of what a result is made from; ``generatedSamples`` are results nevertheless."""
SAMPLES = frozenset({"sample", "samples"})
"""Material that is a result under a key of results: ``{"result": {"sample": …}}``."""
GENERATED_WORDS = frozenset({"generated", "output", "outputs", "result", "results", "final"})
"""Words of keys of what the job made."""
RESULT_WORDS = frozenset(
    {
        *("result", "results", "output", "outputs", "download", "downloads", "final", "file"),
        *("files", "media", "generated", "generation", "generations", "edited", "upscaled"),
        *("asset", "assets", "resource", "resources", "content", "contents", "stream", "play"),
        *("hd", "sd", "uhd", "4k", "full", "high", "best", "cdn", "oss", "cos", "s3", "gcs"),
        *("signed", "presigned", "public", "direct", "permanent", "temporary", "temp", "secure"),
        *("data", "object", "artifact", "artifacts", "rendered", "render", "export", "exported"),
        *("finished", "completed", "created", "raw", "no", "without", "clean", "storage", "remote"),
        *("gif", "caption", "captions", "captioned", "watermark", "watermarked", "progress"),
        *("subtitle", "subtitles", "low", "small", "proxy", "hls", "http", "https", "access"),
        *("model", "mesh", "glb", "pdf", "zip", "document", "main", "my", "the", "response"),
        *("after", "creation", "creations", "work", "works", "item", "items", "rendition"),
        *("renditions", "variant", "variants", "version", "versions", "format", "formats"),
        *("playback", "backup", "fallback", "mirror", "min", "max", "tmp", "ssl", "out", "path"),
        *("paths", "filepath", "attachment", "attachments", "enclosure", "enhanced", "processed"),
        *("animated", "motion", "swapped", "synthesized", "converted", "merged", "destination"),
        *("sample", "samples", "wav", "mp3", "mp4", "webm", "png", "jpg", "fbx", "obj"),
        *(
            "water",
            "mark",
            "usdz",
            "stl",
            "3d",
            "texture",
            "textured",
            "body",
            "value",
            "archive",
            "package",
        ),
    }
)
"""Words of keys that tell of results: ``result_url``, ``hdUrl``.

With any other word the meaning of the link is unknown. It is a result only where it is certainly
of the kind that the action makes and nothing else may be one."""
INLINE_WORDS = frozenset({"base64", "b64", "bytes", "encoded", "json", "inline", "binary", "blob"})
"""Words of keys under which a file stands in the reply itself."""
INPUT_ROLES = frozenset({"user", "system", "reference", "input", "source", "mask", "driver"})
"""Words that ``role`` has in an object which describes an input of the job."""
REQUEST_PREFIXES = ("input", "param", "request", "source")
"""Prefixes of words of keys under which a reply repeats the request (``paramJson``)."""
FRAME_PHRASES = (
    *("firstframe", "lastframe", "startframe", "endframe", "keyframe", "lastimage", "firstimage"),
    *("motionvideo", "motionimage", "motionreference", "motioncontrol"),
)
"""Words of keys, run together, of pictures and motions that a video is made from or gives away."""
WITHOUT = frozenset({"no", "non", "without", "free", "clean", "removed", "unwatermarked"})
"""Words beside ``watermark`` that say that there is none."""
VARIANTS = frozenset(
    {
        *("caption", "captions", "captioned", "watermark", "watermarked", "progress", "gif"),
        *("low", "lowres", "small", "proxy", "subtitle", "subtitles", "hls", "sd", "min", "lq"),
        *("compressed", "backup", "fallback", "mirror", "stream", "streaming", "play", "playback"),
        *("path", "paths", "filepath", "partial", "segments", "chunks"),
    }
)
"""Words of keys that hold a variant of the result; the result itself is preferred."""
PROSE_KEYS = frozenset(
    {"content", "text", "message", "output", "result", "response", "answer", "markdown", "html"}
)
"""Keys of sentences that may tell a link to the result, in lower case."""
TYPE_KEYS = (
    *("mimeType", "mime_type", "contentType", "content_type", "mediaType", "media_type"),
    *("mimetype", "type", "kind", "fileType", "file_type", "format", "extension", "ext"),
)
LABEL_KEYS = (*TYPE_KEYS, "role", "purpose", "usage", "label", "rel", "name", "category")
"""Keys by which an object says what the file in it is."""
BESIDE = frozenset(
    {
        *(NEVER_MEDIA - {"original", "originals", "origin", "orig"}), *INPUT_ROLES,
        *("first", "last", "frame", "subtitle", "subtitles", "caption", "captions", "transcript"),
        *("srt", "vtt", "log", "logs", "metadata", "manifest", "self", "status", "cancel"),
    }
)  # fmt: skip
"""Words by which a label says that a file is no result."""
MEDIUM_WORDS = {
    **dict.fromkeys(
        ("video", "videos", "movie", "movies", "film", "films", "clip", "clips", "animation",
         "animations", "footage", "mp4", "webm", "mov"),
        "video",
    ),
    **dict.fromkeys(
        ("image", "images", "img", "imgs", "picture", "pictures", "photo", "photos", "gif", "pic",
         "thumbnail", "poster", "portrait", "logo", "icon", "illustration", "png", "jpg", "jpeg",
         "webp", "pics"),
        "image",
    ),
    **dict.fromkeys(
        ("audio", "audios", "speech", "voice", "voiceover", "music", "song", "songs", "sound",
         "sounds", "tts", "mp3", "wav"),
        "audio",
    ),
}  # fmt: skip
"""Words of ids, keys and types that name a kind of medium."""
RESULT_KEYS = RESULT_WORDS | WITHOUT | MEDIUM_WORDS.keys()
TEXT_WORDS = frozenset(
    {
        *("transcribe", "transcript", "transcription", "describe", "description", "caption"),
        *("analyze", "analyse", "analysis", "detect", "classify", "ocr", "tag", "tags", "text"),
        *("subtitle", "subtitles", "summarize", "summarise", "summary", "prompt", "moderate"),
        *("embed", "embedding", "embeddings", "list", "search", "info", "metadata", "count"),
        *("translate", "score", "cancel", "delete", "models", "voices", "prompts", "estimate"),
    }
)
"""Words of an action's id whose result is data, whatever medium it is about."""
EXTENSION_KINDS = {
    **dict.fromkeys(
        ("mp4", "m4v", "mov", "webm", "mkv", "avi", "mpg", "mpeg", "ts", "3gp", "wmv", "flv",
         "ogv"),
        "video",
    ),
    **dict.fromkeys(
        ("png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "svg", "avif", "heic", "ico",
         "heif", "jfif", "apng", "jxl", "exr"),
        "image",
    ),
    **dict.fromkeys(
        ("mp3", "wav", "ogg", "oga", "m4a", "flac", "aac", "opus", "aiff", "aif", "weba", "wma",
         "amr", "mid", "midi", "pcm"),
        "audio",
    ),
    **dict.fromkeys(
        ("json", "txt", "html", "htm", "xml", "csv", "md", "srt", "vtt", "ass", "log", "yaml",
         "m3u8", "mpd", "js", "css", "php", "jsonl", "yml", "rss", "ttml", "aspx", "jsp"),
        "other",
    ),
    **dict.fromkeys(
        ("pdf", "zip", "tar", "gz", "glb", "gltf", "obj", "fbx", "usdz", "stl", "ply", "psd",
         "docx", "pptx", "xlsx", "usd", "usdc", "blend", "3mf", "vrm", "spz", "splat", "epub",
         "rar", "7z", "tgz", "mtl"),
        "file",
    ),
}  # fmt: skip
"""The kind of medium that a file's extension stands for; ``other`` is none, ``file`` any other."""
GENERIC_FILE_NAMES = frozenset(
    {
        *("video", "videos", "image", "images", "output", "outputs", "result", "results", "file"),
        *("audio", "movie", "final", "out", "media", "generated", "download", "v", "a", "x"),
        *("picture", "photo", "clip", "img", "index", "main", "default", "render", "data", "vid"),
    }
)
"""Names that identify no file: a request and a result may both have them."""
NOT_A_FILE = frozenset(
    {
        *("status", "response", "cancel", "query", "poll", "docs", "documentation", "dashboard"),
        *("console", "log", "logs", "self", "next", "prev", "previous", "home", "homepage"),
        *("website", "avatar", "icon", "favicon", "logo", "terms", "help", "billing", "pricing"),
        *("upgrade", "login", "profile", "upload", "support", "api", "polling", "share", "detail"),
        *("page", "pages", "embed", "embedded", "player", "watch", "view", "viewer", "web", "site"),
        *("project", "editor", "edit", "studio", "hosted", "landing", "app"),
        *("delete", "retry", "get", "fetch", "refresh", "resume", "events", "feedback", "report"),
    }
)
"""Words beside ``url`` that name a page or an address of the API, not something to save."""
WRAPPERS = frozenset(
    {"status", "response", "query", "api", "detail", "log", "logs", "get", "fetch"}
)
"""Words of these that, without ``url``, are also keys of a result's envelope."""
