"""Prepare a request: ask for what its body lacks, check it, and upload its local files."""

from __future__ import annotations

import hashlib
import os
import sys
import uuid
from typing import TYPE_CHECKING, Any

from callsheet import jsonio
from callsheet.cli.input import options, values
from callsheet.cli.input.request import (
    Body,
    Sources,
    find_missing,
    local_files,
    put,
    read_option,
    replace_files,
    schema_of,
)
from callsheet.errors import Interrupted, InvalidInput, UsageError
from callsheet.text import one_line, safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from callsheet.cli.context import Context
    from callsheet.cli.input.options import FieldOption
    from callsheet.cli.input.request import CommandRequest
    from callsheet.cli.input.values import LocalFile
    from callsheet.engine.body_files import FileWay
    from callsheet.engine.file_fields import UploadAction
    from callsheet.engine.invoke import Invocation
    from callsheet.engine.uploading import LocalContent
    from callsheet.errors import ServerError
    from callsheet.flows.effects import Flow
    from callsheet.spec import Action, Param


_MOST_DETAILS = 3
_LONGEST_HINT = 300
_NO_FILE = "name a file that exists, or a link (https://…); --no-check sends the text as it is"
_LINK = "https://example.com/"
"""Stands for the link of a file that is not uploaded yet."""


def name_flag(action: Action, error: InvalidInput) -> InvalidInput:
    """Put the flag of the refused value into ``error`` itself, and return it.

    ``--input`` stands there where no flag carries the value.
    """
    words = error.message.removeprefix(f"{error.pointer or 'the body'}: ")
    steps = jsonio.parse_pointer(error.pointer)
    param = _param_at(action, steps)
    if param is None:
        error.flag = "--input"
        return error
    error.flag = f"--{param.flag}"
    error.message = f"{_location(param, steps)}: {words}"
    if len(steps) == len(param.path):
        error.hint = error.hint or values.allowed(param)
    return error


def name_refused_flags(action: Action, error: ServerError) -> ServerError:
    """Put the first flag whose value the server refused into ``error`` itself, and return it.

    Its hint becomes the server's words about each of the first three values.
    """
    lines: list[str] = []
    for detail in error.details:
        steps = [str(step) for step in detail.pointer]
        param = _param_at(action, steps)
        if param is None:
            location = f"field {'.'.join(map(str, detail.pointer))}"
        else:
            location = _location(param, steps)
            error.flag = error.flag or f"--{param.flag}"
        is_repeated = not detail.message or detail.message in error.message
        lines.append(f"look at {location}" if is_repeated else f"{location}: {detail.message}")
    if lines:
        error.hint = one_line("; ".join(lines[:_MOST_DETAILS]), _LONGEST_HINT)
    return error


def _param_at(action: Action, steps: Sequence[str]) -> Param | None:
    from callsheet.actions.params import param_at

    return param_at(action.params, steps)


def _location(param: Param, steps: Sequence[str]) -> str:
    """Return ``--flag``, or ``--flag at /0/text`` for what lies inside its value."""
    inside = "".join(f"/{step}" for step in steps[len(param.path) :])
    return f"--{param.flag} at {inside}" if inside else f"--{param.flag}"


def check_files(context: Context, request: CommandRequest) -> None:
    """Raise ``InvalidInput`` for a local file that does not exist; warn with ``--no-check``.

    An upload may cost money, so this comes before the first one.
    """
    from callsheet.engine.local_files import require_files

    try:
        require_files(request.command_action.params, request.body.value)
    except InvalidInput as error:
        error = name_flag(request.command_action, error)
        if "no-check" in context.flags:
            context.console.warn(f"sent as it is: {error.message}")
            return
        error.hint = _NO_FILE
        raise error from None


def check_body(context: Context, request: CommandRequest) -> None:
    """Raise ``InvalidInput`` for a body that the schema of its host refuses; the flag is named.

    With ``--no-check`` it warns. Where the host has no usable schema, the kinds and limits of the
    flags apply. What a file's link has to be is only known once it is uploaded. The notes of the
    host are printed and dropped.
    """
    files = list(local_files(request.body.value))
    body = replace_files(jsonio.to_builtins(request.body.value), _future_link)
    checks = "no-check" not in context.flags
    try:
        if not context.run(context.host.validate(request.action, body)) and checks:
            role = request.action.role
            check_fields([p for p in request.command_action.params if p.only in {"", role}], body)
    except InvalidInput as error:
        steps = tuple(jsonio.parse_pointer(error.pointer))
        if any(path[: len(steps)] == steps for path, _ in files):
            return
        if checks:
            raise name_missing(request, body, error) from None
        context.console.warn(f"the schema refuses this body: {error.message}")
    finally:
        for note in context.host.notes:
            context.console.note(note)
        context.host.notes.clear()


def name_missing(request: CommandRequest, body: Any, error: InvalidInput) -> InvalidInput:
    """Return an error that names all missing flags, where ``error`` is about one of several.

    Else put its flag into ``error`` and return that.
    """
    action = request.command_action
    missing = find_missing(action, body, request.action.role)
    steps = tuple(jsonio.parse_pointer(error.pointer))
    if len(missing) < 2 or steps not in {param.path for param in missing}:
        return name_flag(action, error)
    return _missing_error(missing)


def _missing_error(missing: Sequence[Param]) -> InvalidInput:
    """Return the error that names what a body lacks, by its flags."""
    names = [
        f"the field {'.'.join(param.path)}" if param.hidden else f"--{param.flag}"
        for param in missing
    ]
    flag = "--input" if missing[0].hidden else f"--{missing[0].flag}"
    hint = "give the whole body with --input"
    verb = "are" if len(names) > 1 else "is"
    return InvalidInput(f"{', '.join(names)} {verb} needed", hint=hint, flag=flag)


def _future_link(_steps: tuple[str, ...], file: values.LocalFile) -> str:
    return _LINK + os.path.basename(file)


def check_fields(params: Iterable[Param], body: Any) -> None:
    """Raise ``InvalidInput`` for a body that the kinds and limits of its parameters refuse."""
    from callsheet.schema.validator import UnusableSchema, Validator

    try:
        violations = Validator.of(schema_of(params)).violations(jsonio.to_builtins(body))
    except UnusableSchema:
        return
    if violations:
        raise violations[0].as_error()


def ask_missing(context: Context, request: CommandRequest) -> CommandRequest:
    """Ask for each required field that the body lacks; return the request with the answers.

    They are put into the given body too. Nothing is asked without a terminal, nor where a field
    that was given is wrong already.
    Raises ``UsageError`` where the answers end too early, ``Interrupted`` at Ctrl-C.
    """
    action, body = request.command_action, request.body
    missing = find_missing(action, body.value, request.action.role)
    if not missing or "no-check" in context.flags or not context.console.can_ask():
        return request
    by_path = {option.param.path: option for option in reversed(options.field_options(action))}
    if any(param.path not in by_path for param in missing):
        return request
    try:
        check_fields([param._replace(required=False) for param in action.params], body.value)
    except InvalidInput:
        return request
    for param in missing:
        put(body.value, param.path, _ask(context, action, by_path[param.path]))
    return request._replace(body=body.with_value(body.value))


def ask_text(context: Context, request: CommandRequest) -> CommandRequest:
    """Ask for the text of a job that was started without any field; return it with the answer.

    Few schemas require a prompt, and a job without one costs all the same. Without a terminal
    raises ``InvalidInput`` with the line to type, for whatever field is needed;
    ``--no-check`` and ``--dry-run`` let it pass.
    """
    from callsheet.cli.help.example import example_line, text_param

    action, body = request.command_action, request.body
    missing, text = find_missing(action, body.value, request.action.role), text_param(action)
    needed = missing or ([text] if text is not None else [])
    if not needed or {"no-check", "dry-run"} & set(context.flags):
        return request
    if not context.console.can_ask():
        error = _missing_error(needed)
        error.hint = example_line(action, context.prog)
        raise error
    if text is None or missing:
        return request
    option = next(o for o in options.field_options(action) if o.param.path == text.path)
    put(body.value, text.path, _ask(context, action, option))
    return request._replace(body=body.with_value(body.value))


def _ask(context: Context, action: Action, option: FieldOption) -> Any:
    """Ask for one field until the flag would take the answer; return its value.

    Raises ``UsageError`` at the end of the input, ``Interrupted`` at Ctrl-C.
    """
    from callsheet.cli.help.layout import describe

    param = option.param
    context.console.warn(describe(param) or f"field {'.'.join(param.path)}")
    while True:
        texts = _read_lines(option)
        body: dict[str, Any] = {}
        try:
            raw = texts if option.multiple else texts[0]
            answer = read_option(option, raw, Sources())
            put(body, param.path, answer)
            check_fields([param], body)
        except InvalidInput as error:
            _explain(context, name_flag(action, error))
        except UsageError as error:
            _explain(context, error)
        else:
            return answer


def _explain(context: Context, error: UsageError) -> None:
    context.console.warn(error.message + (f" ({error.hint})" if error.hint else ""))


def _read_lines(option: FieldOption) -> tuple[str, ...]:
    """Read one line that is not empty; of a list every line up to an empty one.

    Raises ``UsageError`` where the input ends before the first.
    """
    lines: list[str] = []
    while not lines or option.multiple:
        line = _read_line(f"--{option.flag}{' (Enter ends)' if lines else ''}: ")
        if line is None and not lines:
            flag = f"--{option.flag}"
            raise UsageError(f"{flag} is needed", flag=flag, code="invalid_input")
        if line is None or (not line and lines):
            break
        lines += [line] if line else []
    return tuple(lines)


def _read_line(prompt: str) -> str | None:
    """Return the typed line, without space at the ends; ``None`` at the end of the input."""
    try:
        sys.stderr.write(safe_text(prompt))
        sys.stderr.flush()
        line = sys.stdin.readline()
    except KeyboardInterrupt as stop:
        sys.stderr.write("\n")
        raise Interrupted("interrupted; nothing was sent") from stop
    if not line:
        sys.stderr.write("\n")
        return None
    return line.strip()


def file_ways(context: Context, request: CommandRequest) -> dict[tuple[str, ...], FileWay]:
    """Return how each local file of a body goes out, by its place; raise ``UsageError``.

    Without such a file nothing is loaded that sends.
    """
    places = [steps for steps, _ in local_files(request.body.value)]
    if not places:
        return {}
    from callsheet.engine import body_files

    flow = body_files.file_ways(context.engine, request.action, places)
    ways: dict[tuple[str, ...], FileWay] = context.run(flow)
    return ways


def upload_files(context: Context, request: CommandRequest) -> CommandRequest:
    """Return the request with a link or the bytes in the place of each local file.

    The same file is uploaded once. The rest of the body is checked before: an upload may cost
    money. Raises ``InvalidInput`` for that rest, ``UsageError`` and the errors of an upload.
    """
    if not any(local_files(request.body.value)):
        return request
    if "no-check" not in context.flags:
        check_body(context, request)
    links: dict[str, str] = {}
    ways = file_ways(context, request)
    if any(way.encoding == "multipart" for way in ways.values()):
        return _with_form(context, request)

    def text_of(steps: tuple[str, ...], file: LocalFile) -> str:
        way = ways[steps]
        if way.store is None:
            return _read_named(context, request.action.id, str(file)).encode(way.encoding)
        if file not in links:
            links[file] = upload(context, way.store, str(file))
        return links[file]

    value = replace_files(request.body.value, text_of)
    return request._replace(body=request.body.with_value(value))


def invocation(
    context: Context, request: CommandRequest, *, target: str, **terms: Any
) -> Flow[Invocation]:
    """Return the flow of the one POST of a request that was checked; ``terms`` as of the engine.

    A form goes out as it is. The ledger keeps no body of it, which would be that of the file.
    """
    body, engine = request.body, context.engine
    if not body.content_type:
        return engine.invoke(request.action, body.encoded(), check=False, target=target, **terms)
    headers, facts = {"Content-Type": body.content_type}, {"target": target or None}
    return engine.invoke_encoded(
        request.action, body.encoded(), body.value, headers=headers, facts=facts, **terms
    )


def _with_form(context: Context, request: CommandRequest) -> CommandRequest:
    """Return the request with its body as a form of the one local file and the other fields.

    Its value has the digest in the place of the file. Raises ``UsageError`` for several files.
    """
    from callsheet.engine.uploading import multipart

    (steps, path), *others = local_files(request.body.value)
    if others or len(steps) > 1:
        raise UsageError(f"{request.action.id} takes one file as a form", hint="give one file")
    local, body = _read_named(context, request.action.id, str(path)), dict(request.body.value)
    form, content_type = multipart(
        steps[0], local, {name: field for name, field in body.items() if name != steps[0]}
    )
    body[steps[0]] = hashlib.sha256(local.content).hexdigest()
    return request._replace(body=Body(body, form, content_type))


def _read_named(context: Context, action: str, path: str) -> LocalContent:
    """Read a file that goes out inside the body, and name it and the host on stderr.

    Raises ``UsageError`` for one that cannot be uploaded.
    """
    from callsheet.engine.uploading import read_local

    local = read_local(path)
    context.console.warn(f"→ {context.settings.require_host()} {action} takes {path}")
    return local


def upload(context: Context, store: UploadAction, path: str) -> str:
    """Upload a file and return its link; name it and the host on stderr before.

    Set ``context.paid`` before the file leaves where that may cost, ``context.answered`` after it.
    Raises the errors of an upload.
    """
    from callsheet.engine import uploading

    action = context.run(context.engine.apply_terms(context.run(context.host.find(store.action))))
    ref, uploads = str(uuid.uuid4()), []

    def tell() -> None:
        uploads.append(store.action)
        context.paid = (store.action, ref) if action.paid else context.paid
        context.console.warn(f"→ {context.settings.require_host()} {store.action} uploads {path}")

    local = uploading.read_local(path)
    link: str = context.run(uploading.store_file(context.engine, store, local, tell, key=ref))
    if uploads:
        context.answered = context.answered or (store.action, None)
    return link


def find_store(context: Context) -> UploadAction:
    """Return the action of this host that stores files; raise ``UsageError`` where it has none."""
    from callsheet.engine import uploading

    store: UploadAction = context.run(uploading.find_upload_action(context.engine))
    return store
