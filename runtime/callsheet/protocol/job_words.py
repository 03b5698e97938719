"""List the words by which replies tell of jobs; ``job_state`` decides by them."""

from __future__ import annotations

from typing import Final, Literal

from callsheet.text import word_list, word_set

State = Literal["", "running", "done", "failed"]

# --- keys of objects
TASK_NOUNS = word_set("""
    task tasks job jobs prediction predictions generation generations operation operations run runs
    execution executions inference render renders rendering creation creations ticket batch training
    upscale conversion export dubbing transcription synthesis invocation
""")
"""Words for what a paid request starts."""
MADE_NOUNS = word_set("""
    video videos image images audio audios song songs music clip clips movie talk talks animation
    asset assets file files speech transcript dub lipsync project document media artifact artifacts
    output outputs picture pictures photo photos track tracks scene story mesh object resource item
    items sample samples
""")
"""Words for what a job makes: an id or a state of it may be the job's where nothing else is."""
CONTENT_NOUNS = word_set("""
    data result results payload response resp content body output value attributes info record
    detail details entity row reply
""")
"""Words of keys that hold the rest of a reply."""
ASIDE_NOUNS = frozenset({"meta", "metadata", "usage", "billing", "metrics", "stats", "pricing"})
"""Words of keys beside a job: they tell of progress and cost, not of ids and states."""
FOREIGN_NOUNS = word_set("""
    model models user account workspace org organization organisation team tenant session client
    external parent previous original origin root trace span correlation log logs event webhook
    callback voice style template avatar character seed owner creator author customer subscription
    plan invoice payment key app device channel provider vendor region server host worker machine
    gpu preset theme lora checkpoint version config settings setting option options arg args
    argument arguments stage stages step steps error errors warning warnings link links url urls
    extension extensions limits quota moderation safety check checks upload uploads credits balance
    reference references history next idempotency folder tag group pagination
""")
"""Words of keys about anything but the job: whose it is, what it is made with, what it calls."""
ECHO_STARTS = ("input", "param", "request", "source", "base")
"""Starts of words of keys under which a reply repeats the request, or speaks of the request."""

# --- task ids
ID_NOUNS = TASK_NOUNS | {"prompt", "queue", "submission", "order"}
JOINED_NOUNS = ID_NOUNS | MADE_NOUNS
"""Words that may be written in one with ``id`` and ``status``."""
ID_ENDS = frozenset(
    {"id", "ids", "uuid", "uuids", "guid", "uid", "no", "sn", "token", "handle", "arn", "urn"}
)
OWN_IDS = frozenset({"id", "uuid", "guid", "uid"})
ID_RULES: Final = (
    "+named by the configuration",
    "+named by the action that asks",
    "+id of a task",
    "+id of the object",
    "+id of a job",
    "+id of what is made",
    "+id of the request",
    "+name of an operation",
    "+a job by itself",
    "+the only id",
    "+the content itself",
)
"""Rules that make a value a task id, the strongest first."""
(
    BY_SETTING, BY_QUERY, BY_TASK, BY_OBJECT, BY_JOB, BY_PRODUCT, BY_REQUEST, BY_NAME, BY_NOUN,
    BY_LONE, BY_CONTENT,
) = range(len(ID_RULES))  # fmt: skip
REQUEST_ID_STARTS = ("req", "trace", "log")
"""How the id of a request begins, where it stands beside a refusal."""
ID_KEYS = {
    **dict.fromkeys(OWN_IDS, BY_OBJECT),
    **dict.fromkeys(TASK_NOUNS, BY_NOUN),
    **dict.fromkeys(CONTENT_NOUNS, BY_CONTENT),
    "name": BY_NAME,
}
"""Keys of one word that may hold a task id."""

# --- states
STATE_ENDS = frozenset({"status", "state", "phase"})
STATE_NAMES = ("state", "status", "name", "value", "label", "text", "str", "type", "current")
"""Keys of the word within an object that stands for a state."""
STATE_STEMS = TASK_NOUNS | MADE_NOUNS | {"current", "overall", "process", "processing", "progress"}
"""Words that may precede ``status``: ``payment_status`` is another one."""
RUNNING = word_set("""
    pending queued queuing queueing waiting preparing processing running generating inprogress
    inqueue submitted created starting started scheduled accepted planned throttled queue notstarted
    initialized initialised working received enqueued dispatched onhold retry ongoing
    处理中 排队中 生成中 进行中 等待中
""")
DONE = word_set("""
    success succeeded succeed successful successfully completed complete done ready finished finish
    generated rendered available ended end fulfilled exported delivered published processed
    finalized transcribed 成功 已完成 完成 生成成功
""")
FAILED = word_set("""
    fail failed error canceled cancelled expired rejected failure errored aborted abort exception
    refused blocked moderated banned denied terminated killed crashed nsfw sensitive unsafe deleted
    declined interrupted stopped invalid flagged prohibited forbidden violation violated
    unsuccessful dead 失败 生成失败 已取消
""")
TIMED_OUT = frozenset({"timeout", "timedout"})
STATES = RUNNING | DONE | FAILED | TIMED_OUT
FAILED_PARTS = (FAILED - {"stopped", "dead"}) | TIMED_OUT | {"failures", "errors"}
"""Words that make a state failed wherever they stand in it: ``CREATE_TASK_FAILED``."""
DONE_ENDS = (DONE - {"end", "delivered", "published", "processed", "exported"}) | {"ok"}
"""Last words that make a state done: ``TASK_STATUS_SUCCEED``."""
SUFFIXES: dict[str, State] = {
    **dict.fromkeys(("successful", "succeeded", "success", "succeed"), "done"),
    **dict.fromkeys(("completed", "complete", "finished", "finish", "done"), "done"),
    **dict.fromkeys(("failed", "failure", "fail", "error", "exception"), "failed"),
    **dict.fromkeys(("cancelled", "canceled", "rejected", "blocked", "moderated"), "failed"),
}
"""Ends of a single word that tell its state: ``jobsuccess``."""
NEGATIONS = frozenset(
    {"not", "non", "un", "in", "no", "never", "without", "yet", "awaiting", "partially", "partial"}
)
"""Words, and starts of a word, that turn what follows into its contrary."""
EARLY_STARTS = word_list("""
    submi creat accept queu upload preview draft valid init start prepar preproc paid payment review
    first text script prompt frame thumb cover storyboard half almost stage step phase download
    schedul retr request input
""")
"""Starts of words that name a part of the work: ``FIRST_SUCCESS``, ``submit_success``."""
WEAK_DONE = frozenset({"ok"})
"""Words that mean done beside a medium, and else may speak of the request."""
FLAGS: dict[str, State] = {
    **dict.fromkeys(("done", "finished", "completed", "complete", "ready"), "done"),
    **dict.fromkeys(("failed", "errored", "faulted", "canceled", "cancelled"), "failed"),
    "rejected": "failed",
    **dict.fromkeys(("running", "pending", "processing", "queued"), "running"),
}
"""Keys of true and false; false says that a job which is not done is running."""
FLAG_NUMBERS: dict[str, dict[str, State]] = {
    "successflag": {"0": "running", "1": "done", "2": "failed", "3": "failed"},
}
"""Keys of numbers whose meaning is the same wherever they stand."""
HOLDER_RULES: Final[dict[str, str]] = {
    "job": "+in the job's object",
    "product": "-in what the job makes",
    "other": "-in an object of another name",
}
"""What speaks for and against an id or a state by the object that holds it."""

# --- the rest
FAULT_WORDS = word_set("""
    error errors err fail failed failure failures fault exception rejection rejected refusal
""")
"""Words of keys that hold a fault of the job: with a value it has failed."""
CAUSE_WORDS = FAULT_WORDS | word_set("""
    violation violations blocked moderation cause reason reasons flagged filtered withheld
""")
"""Words of keys under which a failed job says why."""
TELLING_WORDS = word_list("""
    message messages msg msgs reason reasons detail details description cause causes title note
    explanation comment remark feedback text info desc type code
""")
"""Last words of keys that hold a sentence about a job, the most telling first."""
CODE_WORDS = frozenset({"code", "type", "kind", "category", "errno"})
SILENT_WORDS = word_set("""
    log logs stack traceback prompt url urls link links id uuid at time timestamp date model version
    docs documentation help locale caption revised negative name finish param
""")
"""Words of keys whose texts give no reason."""
NO_FAULT = frozenset({"none", "null", "nil", "noerror", "noerrors", "false", "undefined", "na"})
"""Words that say that there is no fault."""
PROGRESS_WORDS = frozenset({"progress", "percent", "percentage", "pct", "completion"})
POLL_KEYS = ("pollAfterMs", "poll_after_ms")
QUEUE_KEYS = ("queue_position", "queuePosition", "position_in_queue", "queue", "eta")
COST_WORDS = frozenset({"cost", "costs", "price", "credit", "credits", "charged", "fee", "billed"})
NO_COST_WORDS = word_set("""
    remaining left balance available limit quota estimated estimate max min currency unit per type
    id code refund refunds refunded refundable
""")
