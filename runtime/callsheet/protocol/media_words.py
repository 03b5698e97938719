"""List the words and endings by which the links of a reply are told apart."""

from __future__ import annotations

from callsheet.text import word_set

LINK_ENDINGS = ("urls", "uris", "url", "uri", "links", "link", "href")
LINK_WORDS = frozenset({*LINK_ENDINGS, "src", "location"})
"""Words of keys that say that a link stands there, and nothing of what it leads to."""
NEVER_MEDIA = word_set("""
    thumbnail thumb cover poster preview callback webhook thumbnails thumbs covers posters previews
    callbacks webhooks arg args argument arguments option options keyframe keyframes reference
    references original origin originals orig snapshot before recent related similar recommended
    featured trending suggestions gallery timeline storyboard firstframe lastframe
""")
"""Words of keys under which no link is a result: companions of it, or echoes of the request."""
MATERIAL_WORDS = word_set("""
    actor attached author avatar background backgrounds base bg bgm brand catalog character
    characters cloth clothes clothing company condition conditioning config control creator customer
    dataset demo demos depth draft drafts driven driver drivers driving end example examples face
    failed foreground future garment guidance guide history human imported ingested init initial
    inspiration intro library logo lora mask masks messages modifications moodboard narrator outro
    overlay owner parent pending person placeholder pose presenter previous product prompt prompts
    provided ref refs rejected requested sample samples scene scenes seed selected selfie settings
    soundtrack speaker start stock style subject submitted supplied swap tail target teaser template
    templates trailer training tutorial upload uploaded uploads user
""")
"""Words of keys of what a result is made from; ``generatedSamples`` are results nevertheless."""
SAMPLES = frozenset({"sample", "samples"})
"""Material that is a result under a key of results: ``{"result": {"sample": …}}``."""
GENERATED_WORDS = frozenset({"generated", "output", "outputs", "result", "results", "final"})
"""Words of keys of what the job made."""
RESULT_WORDS = word_set("""
    3d 4k access after animated archive artifact artifacts asset assets attachment attachments
    backup best body caption captioned captions cdn clean completed content contents converted cos
    created creation creations cutout data destination direct document download downloads edited
    enclosure enhanced export exported fallback fbx file filepath files final finished format
    formats full gcs generated generation generations gif glb hd high hls http https item items jpg
    low main mark max media merged mesh min mirror model motion mp3 mp4 my no obj object oss out
    output outputs package path paths pdf permanent play playback png presigned processed progress
    proxy public raw remote render rendered rendition renditions resource resources response result
    results s3 sample samples sd secure signed small ssl stl storage stream subtitle subtitles
    swapped synthesized temp temporary texture textured the tmp track tracks uhd upscaled usdz value
    variant variants version versions water watermark watermarked wav webm without work works zip
""")
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
    *("motionvideo", "motionimage", "motionreference", "motioncontrol", "modelimage", "modelphoto"),
)
"""Words of keys, run together, of pictures and motions that a video is made from or gives away."""
WITHOUT = frozenset({"no", "non", "without", "free", "clean", "removed", "unwatermarked"})
"""Words beside ``watermark`` that say that there is none."""
VARIANTS = word_set("""
    caption captions captioned watermark watermarked progress gif low lowres small proxy subtitle
    subtitles hls sd min lq compressed backup fallback mirror stream streaming play playback path
    paths filepath partial segments chunks subtitled optimized
""")
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
"""Words by which a label says that a file is not a result."""
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
TEXT_WORDS = word_set("""
    transcribe transcript transcription describe description caption analyze analyse analysis detect
    classify ocr tag tags text subtitle subtitles summarize summarise summary prompt moderate embed
    embedding embeddings list search info metadata count translate score cancel delete models voices
    prompts estimate
""")
"""Words of an action's id whose result is data, whatever medium it is about."""
AMBIGUOUS_TEXT_WORDS = frozenset({"translate", "prompt", "prompts"})
QUEUE_WORDS = frozenset({"queue", "enqueue"})
"""Verbs of an action that starts a job: ``prompt.queue`` runs a prompt, and writes none."""
"""Those of them that make a film or a picture where the id names one: ``video_translate``."""
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
GENERIC_FILE_NAMES = word_set("""
    video videos image images output outputs result results file audio movie final out media
    generated download v a x picture photo clip img index main default render data vid
""")
"""Names that identify no file: a request and a result may both have them."""
NOT_A_FILE = word_set("""
    status response cancel query poll docs documentation dashboard console log logs self next prev
    previous home homepage website avatar icon favicon logo terms help billing pricing upgrade login
    profile upload support api polling share detail page pages embed embedded player watch view
    viewer web site project editor edit studio hosted landing app delete retry get fetch refresh
    resume events feedback report
""")
"""Words beside ``url`` that name a page or an address of the API, not something to save."""
FILE_IF_NAMED = word_set("api get fetch view watch hosted sharing")
"""Those of them that lead to a file where the link ends in the extension of a medium."""
OWNERS = frozenset({"model", "models", "provider", "account", "workspace", "team", "collection"})
"""Keys of objects whose ``url`` leads to a page about them, unless it names a file."""
WRAPPERS = frozenset(
    {"status", "response", "query", "api", "detail", "log", "logs", "get", "fetch"}
)
"""Words of these that, without ``url``, are also keys of a result's envelope."""
