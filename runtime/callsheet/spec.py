"""Describe an action: its parameters, its family and what the server advertised."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

# Annotations are evaluated: as texts they cost a named tuple twice as much.

Kind = Literal["string", "integer", "number", "boolean", "object", "array", "any"]
Role = Literal["", "create", "wait", "query"]


class Param(NamedTuple):
    """One flag of a command and the place in the body that it fills.

    ``path`` holds wire names from the root of the body; ``flag`` stands without dashes.
    ``items`` is the kind of an array's items; ``choices`` are then those of the items.
    ``reads`` are the kinds of JSON that may stand where ``kind`` (of an array: ``items``) is
    ``any``, ``number`` for all numbers; empty for every kind.
    ``limits`` holds JSON Schema keywords (``minimum``, ``maxLength``, ``pattern``, …).
    ``default`` is the server's, as JSON text: it is shown and never sent. ``example`` is the
    first value that the schema gives as an example, as JSON text; of a list of objects else one
    object with what is required.
    ``sent`` is this client's own default, as JSON text: it is sent where the caller gives no value.
    ``only`` names the one member of a family that takes this parameter.
    """

    path: tuple[str, ...]
    flag: str
    kind: Kind = "any"
    items: Kind = "any"
    reads: tuple[str, ...] = ()
    required: bool = False
    nullable: bool = False
    choices: tuple[str | int | float | bool | None, ...] = ()
    limits: Mapping[str, Any] = {}
    default: str | None = None
    example: str | None = None
    sent: str | None = None
    doc: str = ""
    hidden: bool = False
    comma: bool = False
    media: bool = False
    only: Role = ""


TIMEOUT_FIELD = "timeoutMs"
"""The field in which a blocking action takes the deadline of its job, in milliseconds."""


class Family(NamedTuple):
    """The actions that make one job: create it, ask about it, or do both in one blocking call.

    ``task_key`` is the property of the query action that takes the task id.
    ``timeout_ms`` is the default of ``TIMEOUT_FIELD`` in the schema of the blocking action.
    ``guessed`` says that nothing but its name tells that the query action costs nothing,
    ``by_words`` that words of jobs make the family, neither a twin nor the configuration.
    ``meanings`` are pairs of a number and the state that it stands for, by the output schemas.
    """

    create: str = ""
    wait: str = ""
    query: str = ""
    task_key: str = "taskId"
    timeout_ms: int = 600_000
    guessed: bool = False
    by_words: bool = False
    meanings: tuple[tuple[str, str], ...] = ()

    @property
    def is_documented(self) -> bool:
        """Tell whether the server or the configuration names the family."""
        return not (self.guessed or self.by_words)


class Action(NamedTuple):
    """A named action, ready to become a command or a method.

    ``command`` is the path of words after the program's name; empty for an action that is a
    member of a family and has no command of its own. ``media`` names the reply's fields that
    hold media, the action's own medium first. ``digest`` is that of the advertised input
    schema. ``typed`` is false where the schema could not be read: the action then takes
    ``--input`` alone. ``idempotent`` says that the server declared to honour the key.
    ``module`` is the name of the action's files in a generated package: ``models/<module>.py``
    with ``INPUT`` and ``OUTPUT``, and ``schemas/<module>.json``. ``result`` is the module whose
    ``OUTPUT`` describes the final result (a family's is that of its query action).
    """

    id: str
    command: tuple[str, ...] = ()
    summary: str = ""
    doc: str = ""
    params: tuple[Param, ...] = ()
    paid: bool = True
    idempotent: bool = False
    role: Role = ""
    family: Family | None = None
    media: tuple[str, ...] = ()
    digest: str = ""
    typed: bool = True
    module: str = ""
    result: str = ""


class Advertised(NamedTuple):
    """One action as the server advertises it, unchanged.

    ``input`` is ``None`` where no JSON Schema was readable. ``hints`` holds what the
    entry states: ``readOnly``, ``billable``, ``idempotency``, ``deprecated``, and its ``price``.
    """

    id: str
    title: str = ""
    description: str = ""
    input: Mapping[str, Any] | bool | None = None
    output: Mapping[str, Any] | bool | None = None
    hints: Mapping[str, Any] = {}
