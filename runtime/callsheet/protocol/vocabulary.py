"""List the keys, states and phrases that replies are recognised by."""

from __future__ import annotations

from typing import Literal

from callsheet.text import word_list, word_set

Kind = Literal["", "auth", "credit", "rate", "not_found"]

# --- the catalogue
LIST_KEYS = word_set("""
    data items results result list records rows payload content entries value values nodes edges
    objects docs hits elements resources collection members member children body response page
    groups categories modules namespaces catalog catalogue registry
""")
"""Keys of a list of anything."""
LIST_WORDS = word_set("""
    actions capabilities tools functions operations skills action tool function capability commands
    endpoints declarations
""")
"""Words of the key of a list of actions: ``available_actions``."""
ID_KEYS = word_list("""
    id name action actionId capabilityId key action_id capability_id slug code operationId tool
    function toolName tool_name functionName function_name actionName action_name identifier
    capability command handle uid ref endpoint_id endpointId _id type model path endpoint route url
    href uri self
""")
PATH_KEYS = frozenset({"path", "endpoint", "route", "url", "href", "uri", "self"})
"""Keys of an address, whose part after ``actions/`` is the id."""
ENTRY_HOLDERS = word_list("""
    node action function tool capability attributes item operation toolSpec tool_spec
    functionDeclaration resource _source metadata spec record entry
""")
"""Keys of the object that describes an entry: ``{"type": "function", "function": …}``."""
TITLE_KEYS = ("title", "displayName", "display_name", "label")
DESCRIPTION_KEYS = ("description", "summary", "desc", "doc")
INPUT_KEYS = word_list("""
    inputSchema input_schema input schema parameters jsonSchema json_schema requestSchema argsSchema
    inputs request_schema args_schema payloadSchema payload_schema bodySchema body_schema
    paramsSchema params_schema parametersSchema parameters_schema argumentsSchema arguments_schema
    inputJsonSchema input_json_schema parameterSchema parameter_schema invocationSchema
    requestBodySchema
""")
LOOSE_INPUT_KEYS = word_list("""
    requestBody request_body body params args arguments request fields inputParameters
    input_parameters inputParams input_params requestParameters inputFields input_fields formFields
    form_fields form Input payload properties in req
""")
"""Keys of an input schema that may hold something else as well."""
OUTPUT_KEYS = (
    *("outputSchema", "output_schema", "output", "resultSchema", "result_schema"),
    *("responseSchema", "response_schema", "returns", "outputs", "Output"),
)
SCHEMA_HOLDERS = word_list("""
    data result action capability function schema payload attributes tool operation post definition
    spec openapi_schema openapi paths components schemas actions metadata latest_version content
    json node
    meta versions io value tools functionDeclarations function_declarations config model
    toolSpec tool_spec functionDeclaration
""")
"""Keys of objects within which the schemas stand, besides paths and types of media."""
FIELD_NAMES = ("name", "key", "field", "id", "param", "parameter", "paramName", "fieldName")
FIELD_TYPES = {
    **{"object": "object", "array": "array", "string": "string"},
    **{"number": "number", "integer": "integer", "boolean": "boolean"},
    **dict.fromkeys(("str", "text", "textarea", "select", "enum", "radio", "dropdown"), "string"),
    **dict.fromkeys(
        ("file", "image", "video", "audio", "url", "uri", "date", "datetime"), "string"
    ),
    **dict.fromkeys(("int", "int32", "int64", "long"), "integer"),
    **dict.fromkeys(("float", "double", "decimal", "slider"), "number"),
    **dict.fromkeys(("bool", "checkbox", "switch", "toggle"), "boolean"),
    **dict.fromkeys(("list", "multiselect"), "array"),
    **dict.fromkeys(("dict", "json", "map"), "object"),
}
"""Types of fields in lists of fields, and what they are in a JSON Schema."""
FIELD_CHOICES = ("enum", "options", "choices", "values", "allowedValues", "allowed_values")
FIELD_RENAMED = {"min": "minimum", "max": "maximum", "desc": "description", "help": "description"}
JSON_TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
SCHEMA_MAPS = ("properties", "$defs", "definitions", "patternProperties")
SCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "enum", "required", "prefixItems")
MARKS = {
    "readOnly": "readOnly",
    "read_only": "readOnly",
    "readonly": "readOnly",
    "readOnlyHint": "readOnly",
    "billable": "billable",
    "chargeable": "billable",
    "destructive": "destructive",
    "destructiveHint": "destructive",
    "idempotency": "idempotency",
    "deprecated": "deprecated",
}
MARK_HOLDERS = ("annotations", "meta", "_meta", "metadata", "hints")

PRICE_KEYS = (
    *("cost", "price", "credits", "creditCost", "credit_cost", "creditsCost", "credits_cost"),
    *("costCredits", "cost_credits", "costInCredits", "pricePerCall", "unitPrice"),
)
"""Keys of a price in an entry of the list; a number above zero marks it as billable."""

# --- families: words of ids, of which no one may say more than that a question is asked
ASKING_WORDS = word_list("""
    query status poll result results operation retrieve get fetch history progress state
""")
"""Last words of actions that may be asked about a job, the best first."""
HARMLESS_WORDS = frozenset(ASKING_WORDS) | word_set("""
    task tasks job jobs request generation generations prediction by id of for the state info detail
    details progress check show output record async video image audio music song speech picture clip
    animation render one single latest feed project projects api v1 v2 v3 response encoding file
    rendering processing synthesis transcription translation inference invoke invocation submission
    queue batch data item media asset
""")
"""Words that may precede the last one in the name of an action that is guessed to ask."""
DOING_WORDS = word_set("""
    cancel delete remove stop abort retry create update extend upscale remix rerun restart resume
    edit publish buy purchase variation variations reroll zoom enhance interpolate destroy refund
    pay charge unlock clear purge archive terminate kill
""")
"""Words of actions that do something to a job: they are never asked about one."""
STARTING_WORDS = word_set("""
    generate generation submit create make render run start predict imagine synthesize synthesise
    enqueue animate compose dub launch produce train transcode convert encode infer generations
    predictions async queue execute
""")
"""Words of actions that start a job where another one asks about it."""
JOB_WORDS = STARTING_WORDS - {"create", "make"} | word_set("""
    renders rendering renderings prediction task tasks job jobs runs operation operations query
    status poll result results progress encoding encodings transcoding inference synthesis
    transcription execution executions
""")
"""Words that tell a job from a plain record, which is created and got too."""
JOB_KEY_WORDS = JOB_WORDS | {"request", "token", "handle", "ticket"}
"""Words of the property by which a job is asked about, and no plain record."""
JOB_PHRASE = (
    r"\b(?:asynchronous(?:ly)?|poll(?:s|ing)?|(?:task|job|operation|prediction)[ _-]?ids?"
    r"|(?:status|state|progress|results?) of (?:an? |the |your |one )?(?:\w+ )?"
    r"(?:task|job|operation|prediction|generation|rendering|render|encoding|request)s?)\b"
)
"""What a description, in lower case, says of an action that starts a job or asks about one."""
ID_WORDS = word_set("""
    id uuid guid name task job operation handle ref reference token prediction generation encoding
    render ticket arn urn uid project hash
""")
"""Last words of the property that takes the id of a job."""
BARE_IDS = frozenset({"id", "uuid", "guid", "name"})
"""Words of such a property that do not say what the id is of."""

# --- envelopes; keys as `word` writes them: lower case, without spaces, `-` and `_`
CODE_KEYS = (
    *("code", "errno", "errcode", "errorcode", "retcode", "ret", "returncode", "resultcode"),
    *("responsecode", "respcode", "bizcode", "statuscode", "errorno", "errornumber", "rc"),
)
SUCCESS_KEYS = word_list("""
    success ok succeeded issuccess issuccessful issucceeded isok successful
""")
FAILURE_KEYS = ("iserror", "haserror", "haserrors", "isfailed", "isfailure", "hasfailed")
"""Keys whose ``true`` means a refusal."""
CONTENT_KEYS = ("data", "result", "payload", "response", "content", "value")
MESSAGE_KEYS = word_list("""
    message msg detail errormessage errormsg errmessage errmsg errordescription errordesc statusmsg
    statusmessage retmsg resultmsg returnmsg resultmessage failreason failmsg failuremessage
    failurereason reason faultstring statustext title description desc errorinfo tips
""")
ERROR_KEYS = ("error", "errors", "err", "fault", "failure")
HEAD_KEYS = (
    *("baseresp", "base", "header", "head", "meta", "resp", "responsemetadata", "retinfo"),
    *("responsestatus", "status", "response", "result", "output", "body", "data"),
)
"""Keys of an object which reports success or failure in the place of the reply itself."""
CONTENT_HEADS = frozenset({"response", "result", "output", "body", "data"})
"""Those of them that may hold content too."""
VERDICTS = {
    **dict.fromkeys(HEAD_KEYS, "head"),
    **dict.fromkeys(SUCCESS_KEYS, "success"),
    **dict.fromkeys(FAILURE_KEYS, "failure"),
    **dict.fromkeys(CODE_KEYS, "code"),
    **dict.fromkeys(ERROR_KEYS, "error"),
    **dict.fromkeys(("status", "stat", "state", "result", "outcome"), "status"),
}
"""How each key that reports success or failure is read."""
TRACE_KEYS = (
    *("requestid", "traceid", "logid", "timestamp", "time", "ts", "meta", "sid", "servertime"),
)
_ENVELOPE_PARTS = (CODE_KEYS, SUCCESS_KEYS, FAILURE_KEYS, MESSAGE_KEYS, ERROR_KEYS, TRACE_KEYS)
ENVELOPE_KEYS = frozenset[str]().union(*_ENVELOPE_PARTS) | word_set("""
    status stat type instance details path param version server docs documentationurl help hint
    retryable baseresp responsemetadata retinfo responsestatus header head resp
""")
"""Keys that an envelope may have beside its content."""
COMPANION_KEYS = word_set("""
    id jsonrpc object model provider created createdat method usage credits balance cost docurl
    docsurl moreinfo issues invalidparams headers isbase64encoded body state outcome output
    retryafter retry errorid errortype subcode extensions validationerrors violations suggestion
    solution host region kind trace stack statuscodename category severity domain invalidfields
""")
"""Keys that a refusal may have beside those of an envelope; none of them is a result."""
OK_WORDS = frozenset(
    {
        *("ok", "success", "succeed", "succeeded", "successful", "successfully", "done"),
        *("0", "200", "00000", "000000", "0000", "00", "none", "null", "nil", "noerror", ""),
        *("false", "成功", "操作成功", "请求成功", "调用成功", "処理成功"),
    }
)
OK_PHRASE = r"^(?!.*(?:\bun|\bnot\b|fail|error|\bno )).*(?:\bsuccess|\bok\b|成功)"
"""A message, in lower case, that reports success."""
REFUSED_WORDS = word_set("""
    error fail failed failure ko nok refused denied invalid unauthorized forbidden badrequest
    rejected
""")


# --- event streams
STREAM_ENDS = frozenset({"[DONE]", "DONE", "[END]", "[done]"})
CLOSING_EVENTS = frozenset({"done", "end", "close", "closed", "eos", "eof", "streamend"})
"""Names of events, without joints, after which a server sends nothing more."""
EVENT_TYPE_KEYS = ("type", "event", "event_type", "eventType", "object", "kind")
EVENT_BOOKKEEPING = ("usage", "sequence_number", "event_id", "timestamp", "created", "done", "time")
END_WORDS = word_set("""
    done complete completed finish finished success succeeded stop end ended final failed fail error
    cancelled canceled close
""")
"""Words of an event's name or type that say that it is the last of its kind."""
ERROR_EVENTS = frozenset({"error", "exception", "fatal"})
HEARTBEAT_WORDS = frozenset({"ping", "pong", "heartbeat", "keepalive"})
PARTIAL_WORDS = frozenset({"partial", "preview", "intermediate", "thumbnail"})
"""Words of events whose medium is not the result."""
PIECE_WORDS = frozenset({"delta", "chunk", "piece", "segment"})
SOUND_PIECES = ("delta", "data", "chunk", "audio")
TEXT_PIECES = (
    *("delta", "content", "text", "token", "message", "response", "output", "choices"),
    *("candidates", "parts", "completion", "outputText", "outputs", "generation"),
)
"""Keys under which an event holds a piece of text, those of the piece itself first."""

# --- polling by link
POLL_HEADERS = ("operation-location", "azure-asyncoperation", "location")
"""Headers of an accepted request that name the job, in the order in which they count."""
POLL_LINK_KEYS = (
    *("status_url", "statusUrl", "polling_url", "pollingUrl", "poll_url", "pollUrl", "get"),
    *("operation_url", "operationUrl", "task_url", "taskUrl", "job_url", "jobUrl"),
)
RESULT_LINK_KEYS = ("response_url", "responseUrl", "resourceLocation", "resource_location")
"""Keys of a finished job whose link answers its result, as JSON or as the medium itself."""
POLL_LINK_HOLDERS = ("urls", "links", "_links")
POLL_ID_PARAMS = ("id", "taskId", "task_id", "jobId", "job_id", "operationId", "operation_id")
LINK_TAILS = frozenset({"status", "result", "results", "output", "progress", "state", "poll"})
"""Last segments of a path that are not the id of the job: ``/jobs/17/status``."""

# --- refusals
STATUS_KINDS: dict[int, Kind] = {
    401: "auth", 402: "credit", 403: "auth", 404: "not_found", 429: "rate",
}  # fmt: skip
LASTING = frozenset({400, 402, 403, 405, 410, 422, 451, 501})
"""Statuses with which a server refuses a question for good."""
PASSING = frozenset({404, 408, 409, 423, 425, 429, 499})
"""Codes in an envelope that refuse for now, as every 5xx does but 501."""
UNFINISHED_PHRASES = (
    r"not (?:yet )?(?:been )?(?:ready|finished|complete|completed|done|generated|available yet)|"
    r"still (?:\w+ ){0,2}(?:process|run|generat|render|wait|queue|pend|in )|in progress|"
    r"(?:is|being) (?:processed|processing|running|pending|queued|generating|generated|rendered)"
)
"""Phrases of a refusal that says only that the job is not over."""
KEY_PHRASES = r"\b(?:api )?keys?\b|\btoken\b|(?:sign|log)(?:ged|ned)? ?in\b|authenti"
"""Phrases of a refusal that is about the key, not about the job."""
BUSY_PHRASES = r"try again|retry|later|busy|overload|temporar|please wait"
"""Phrases of an envelope that refuses for now."""
REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-correlation-id", "cf-ray")
FIELD_KEYS = word_list("""
    pointer loc instancepath datapath path field fieldname propertypath param parameter property
    propertyname attribute target attr key missingproperty additionalproperty unevaluatedproperty
    argument parametername paramname argumentname attributename location
""")
"""Keys that hold the place of a fault: a pointer, a path or the name of a field."""
SURE_FIELD_KEYS = word_set("""
    pointer loc instancepath datapath field fieldname propertypath param parameter property target
    missingproperty argument
""")
"""Those that hold it outside a list of faults too, where a ``path`` is that of the request."""
FAULT_TEXTS = word_list("""
    msg message reason defaultmessage detail error title description summary text constraints errors
    messages errormessage errormsg details errordescription code keyword rule
""")
"""Keys that hold the words of one fault."""
FIELD_HOLDERS = word_set("""
    details errors detail issues fields inner messages properties params validation nested
    modelstate failures problems children keys causes reasons fieldlist
""")
"""Keys of the faults of a refusal: a list of them, or an object by field."""
HOLDER_ENDINGS = word_list("""
    errors fields params violations issues details args faults failures problems messages causes
""")
HOLDER_STARTS = word_list("""
    invalid missing illegal unknown unsupported malformed offending
""")
"""Endings and starts of other keys of them: ``fieldErrors``, ``invalid_parameters``."""
FAULT_WRAPPERS = word_set("""
    error data message result response body extensions json query zoderror cause source exception
    meta err fault originalerror validationresult output payload info context responsemetadata
    validationerror innererror responsestatus
""")
"""Keys above those; a text under them may hold JSON."""
FIELD_PREFIXES = word_set("""
    body query path header json requestbody request req payload data attributes arguments $ params
    root instance input
""")
"""Words that may precede the name of a field and are no part of a pointer into the body."""
FIELD_SENTENCES = (
    r"[\"'`\u2018\u201c«]{name}(?:[.\[][^\"'`\u2019\u201d»]{{0,80}})?[\"'`\u2019\u201d»]",
    r"\b(?:field|parameter|param|property|argument|input|attribute|option|key|value)s?"
    r"(?: for| of|:)? {name}\b",
    r"\b(?:missing|required|invalid|unknown|bad|unsupported|empty|incorrect|illegal)"
    r"(?: value for| value of| value:| field:|:)? {name}\b",
    r"^(?:body|data|input|request|params|payload)?[./]?{name}(?:[.\[/][\w.\[\]/]{{0,80}})?"
    r"(?:: | (?:field |parameter |value )?(?:is (?:not|too|required|invalid|missing|empty|a |an "
    r"|out|unsupported|unknown)|must|should|cannot|can't|can not|has to|may not|needs|exceed"
    r"|does not|length|contains|not ))",
    r"\bvalidation errors? for \w+ {name}\b",
    r"\b{name} (?:(?:field |parameter |value )?is (?:required|missing|invalid|empty|too"
    r"|not supported|not valid|not allowed)|(?:must|should|cannot|can't) )",
)
"""Sentences that name a field; ``{name}`` is a pattern of its name, letter case aside."""

STATUS_PHRASES = word_set("""
    badrequest unauthorized paymentrequired forbidden notfound conflict unprocessableentity
    unprocessablecontent toomanyrequests gone error internalservererror badgateway
    serviceunavailable gatewaytimeout fail validationerror validationfailed requesttimeout
    methodnotallowed failed true
""")
"""Texts that only name an error; what stands beside them says more."""
FAILED_CODES = r"^5\d{2}$|^408$|^499$"
"""Codes by which a server says that it failed, whatever its words are."""
MAY_HAVE_RUN_CODES = (
    r"internal|time[-_ ]?out|timed[-_ ]?out|deadline|gateway|unavailable|server[-_ ]?error|^5\d{4}$"
)
"""Codes, in lower case, of a refusal after which the request may have run."""
BLANK_CODES = r"^unknown(?:[-_ ]?error)?$|^-?(?!4\d{2,4}$)\d+$"
"""Codes that say nothing."""
MAY_HAVE_RUN_PHRASES = (
    r"^\W*(?:\w+ )?(?:error|exception)\b(?:\W|code){0,6}(?:5\d\d|408|499)\b|^unavailable[.!]?$|"
    r"internal (?:\w+ )?error|timed out|time[d]?[- ]?out waiting|deadline exceeded|bad gateway|"
    r"(?:service|temporarily) unavailable|^time-?out\b|time-?out(?: error)?[.!]?$|"
    r"(?:request|gateway|upstream|connection|read|execution|operation|worker|model) time-?out|"
    r"(?:unknown|unexpected|system|server) (?:error|exception|failure)|something went wrong|"
    r"内部错误|系统错误|系统异常|服务器错误|未知错误|超时"
)
"""Phrases of such a refusal."""

PHRASES: tuple[tuple[Kind, str], ...] = (
    ("credit", r"(?:insufficient|not enough|out of|lack of) (?:\w+ ){0,3}(?:credit|balance|fund)"),
    ("credit", r"insufficient quota|payment required|low balance|\barrear|account (?:is )?overdue"),
    ("credit", r"no (?:more )?credits? (?:left|remaining|available)"),
    (
        "credit",
        r"(?:credits?|balance|funds) (?:\w+ ){0,3}(?:insufficient|not enough|exhausted|too low|"
        r"too short|depleted|used up|running out)",
    ),
    ("credit", r"余额不足|积分不足|点数不足"),
    ("auth", r"not signed in|not logged in|(?:sign|log) ?in (?:first|required)|login required"),
    ("auth", r"please (?:sign|log) ?in|no auth|unauthori[sz]ed|unauthenticated|not authenticated"),
    (
        "auth",
        r"(?:invalid|incorrect|missing|wrong|bad|no|expired|unknown|revoked) (?:api )?keys?\b"
        r"(?! frame)",
    ),
    ("auth", r"(?:api key|access token) (?:\w+ ){0,3}(?:invalid|missing|required|expired|revoked)"),
    ("auth", r"(?:invalid|missing|expired) (?:access |auth |bearer )?token"),
    ("credit", r"(?:exhausted|insufficient) balance|balance (?:is )?(?:exhausted|insufficient)"),
    ("auth", r"authentication (?:required|failed)|permission denied|access denied"),
    ("auth", r"未登录|未授权"),
    ("rate", r"rate limit|ratelimit|rate (?:is )?exceeded|request rate|throttl"),
    ("rate", r"too many (?:\w+ ){0,2}(?:request|task|job|call|attempt|concurrent)"),
    ("rate", r"limit (?:\w+ ){0,2}(?:concurrent|parallel)|(?:call|request) frequency"),
    ("rate", r"(?:concurrent|parallel) (?:\w+ ){0,3}(?:over|above|exceed\w*|limit)\b"),
    ("rate", r"请求过于频繁|请求太频繁"),
    ("not_found", r"(?:task|job|action|id|record) (?:\S+ ){0,9}(?:not found|does not exist)"),
    ("not_found", r"(?:unknown|no such|there is no) (?:task|job|action)|^not found"),
)
"""Phrases that name the kind of a refusal, in lower case with single spaces between words."""
SPENT_PHRASES = (
    r"(?:exhausted|depleted|insufficient) (?:\w+ )?(?:credit|balance|funds)|"
    r"\b\d+ credits? (?:is |are )?(?:left|remaining|required)|top up your|"
    r"(?:credits?|balance|funds) (?:\w+ ){0,2}(?:exhausted|depleted|insufficient)"
)
"""Phrases that speak of credit alone: with them a 401 or a 403 does not mean the key."""
NAMED_THING = (
    r"\b(?!(?:action|endpoint|page|path|route|url|resource|application|model|tool|method|it|was|is|"
    r"api|function|the|a|an|requested|could|does|error|code)\b)[a-z_]{3,} "
    r"(?:(?:with|id|of|named) (?:\S+ ){0,6})?(?:\S+ )?(?:was |is |could )?"
    r"(?:not found|not be found|does not exist)"
)
"""The words of a 404 about a thing that was asked for, rather than about the address."""
LOOSE_PHRASES: tuple[tuple[Kind, str], ...] = (
    ("rate", r"(?<!frame )(?<!bit )(?<!sample )\brate\b|too many|quota exceeded"),
)
"""Phrases that count only where neither the status nor a field names a fault of the body."""
CODE_PHRASES: tuple[tuple[Kind, str], ...] = (
    ("auth", r"^auth(?:entication|ori[sz]ation)? (?:fail|error|denied|required)|not authori[sz]ed"),
    (
        "auth",
        r"^(?:api |auth |access )?(?:token|key|credentials?) (?:is )?(?:expired|invalid|revoked)",
    ),
    ("auth", r"(?:invalid|expired|bad|missing) (?:(?:auth|access|app|secret) key|credentials)"),
    ("auth", r"^signature (?:does not|mismatch)|invalid signature|permission error|no permission"),
    ("credit", r"^(?:no|low|insufficient) (?:\w+ )?(?:credits?|balance|funds?|tokens)|in arrears"),
    ("credit", r"overdue|arrearage|^billing (?:\w+ )*(?:limit|error|required|inactive)"),
    ("credit", r"(?:credits?|balance|spend|spending|budget) (?:\w+ )?(?:limit|exceeded|empty)"),
    (
        "rate",
        r"resource exhausted|max concurren|exceeded quota|^limit exceeded|slow ?down|queue full",
    ),
    ("rate", r"(?:concurren\w*|requests?|qps|rpm|tpm|daily|hourly|usage|calls?) (?:limit|quota)"),
)
"""Phrases of a code, as ``PHRASES`` are, which in a sentence may mean anything."""
REFUSAL_TEXT = (
    r"^[\W_]{0,3}(?:fatal |api |server )?(?:error|exception)\b(?:(?:\W|code){0,4}\d{3}\b|:)"
)
"""Start of a text in lower case that is a refusal, whatever the action makes."""
