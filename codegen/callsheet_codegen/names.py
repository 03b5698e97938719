"""Derive Python identifiers."""

from __future__ import annotations

import hashlib
import keyword
import re
import unicodedata
from typing import TYPE_CHECKING

from callsheet.text import word_set

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


# Written out, not asked of the interpreter or of pydantic: their next version must not rename.
# What an annotation or a decorator in a class body must still be able to mean:
_IN_CLASS_BODIES = frozenset(
    {"str", "int", "float", "bool", "list", "dict", "property", "overload"}
)
_OPTIONS = frozenset({"self", "body", "extra_body", "timeout", "idempotency_key"})
_MODEL = word_set("""
    construct copy dict from_orm json parse_file parse_obj parse_raw root schema schema_json
    update_forward_refs validate model_computed_fields model_config model_construct model_copy
    model_dump model_dump_json model_extra model_fields model_fields_set model_json_schema
    model_parametrized_name model_post_init model_rebuild model_validate model_validate_json
    model_validate_strings
""")
FIELD_RESERVED = _IN_CLASS_BODIES | _OPTIONS | _MODEL
METHOD_RESERVED = _IN_CLASS_BODIES - {"list", "dict"}
CONSTANT_RESERVED = frozenset({"OMIT", "COMMANDS", "TYPE_CHECKING"})
# What the module of a group imports; a model of such a name gets a number there.
GROUP_RESERVED = word_set("""
    Any AsyncGroup AsyncResult AsyncTask FileInput Group Literal Mapping OMIT Omit Result Sequence
    TYPE_CHECKING Task cached_property
""")
# What a client has of its own; a group of such a name gets an underscore.
CLIENT_RESERVED = _IN_CLASS_BODIES | frozenset(
    (
        *("actions", "bindings", "call", "close", "iterate", "ledger", "notes", "submit"),
        *("tasks", "upload"),
    )
)
_STANDARD = """
    abc aifc annotationlib antigravity argparse array ast asynchat asyncio asyncore atexit
    audioop base64 bdb binascii bisect builtins bz2 calendar cgi cgitb chunk cmath cmd code
    codecs codeop collections colorsys compileall compression concurrent configparser contextlib
    contextvars copy copyreg crypt csv ctypes curses dataclasses datetime dbm decimal difflib
    dis distutils doctest email encodings ensurepip enum errno faulthandler fcntl filecmp
    fileinput fnmatch fractions ftplib functools gc genericpath getopt getpass gettext glob
    graphlib grp gzip hashlib heapq hmac html http idlelib imaplib imghdr imp importlib inspect
    io ipaddress itertools json keyword lib2to3 linecache locale logging lzma mailbox mailcap
    marshal math mimetypes mmap modulefinder msilib msvcrt multiprocessing netrc nis nntplib nt
    ntpath nturl2path numbers opcode operator optparse os ossaudiodev pathlib pdb pickle
    pickletools pipes pkgutil platform plistlib poplib posix posixpath pprint profile pstats pty
    pwd py_compile pyclbr pydoc pydoc_data pyexpat queue quopri random re readline reprlib
    resource rlcompleter runpy sched secrets select selectors shelve shlex shutil signal site
    smtpd smtplib sndhdr socket socketserver spwd sqlite3 sre_compile sre_constants sre_parse
    ssl stat statistics string stringprep struct subprocess sunau symtable sys sysconfig syslog
    tabnanny tarfile telnetlib tempfile termios textwrap this threading time timeit tkinter
    token tokenize tomllib trace traceback tracemalloc tty turtle turtledemo types typing
    unicodedata unittest urllib uu uuid venv warnings wave weakref webbrowser winreg winsound
    wsgiref xdrlib xml xmlrpc zipapp zipfile zipimport zlib zoneinfo
"""
_TOOLS = """
    conftest dodo fabfile hubconf noxfile setup sitecustomize toxfile usercustomize
    bower composer jsconfig lerna package pyrightconfig renovate tsconfig
    aux com0 com1 com2 com3 com4 com5 com6 com7 com8 com9 con lpt0 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6
    lpt7 lpt8 lpt9 nul prn
"""
# Names of files by which Python, tools of Python and JavaScript, and Windows find their own.
_FILES_OF_OTHERS = frozenset((_STANDARD + _TOOLS).split())
_OURS = """
    aiohttp annotated_types anyio attr attrs callsheet callsheet_codegen callsheet_sandbox certifi
    click h11 httpcore httpx httpx_aiohttp idna jmespath jsonschema jsonschema_rs
    jsonschema_specifications markdown_it mdurl pydantic pydantic_core pygments referencing rich
    rpds socksio typing_extensions typing_inspection
"""
# Packages that a generated one imports, ourselves among them.
_IMPORTED = frozenset(_OURS.split())
_LONGEST = 80
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def words(text: str) -> list[str]:
    """Split a name into lower-case ASCII words, at punctuation and at changes of case."""
    flat = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    flat = _WORD_START.sub(" ", flat)
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", flat) if word]


def snake(text: str, *, fallback: str = "field") -> str:
    """Return a lower-case identifier of about 80 characters at most, never a keyword.

    Never with a leading underscore; ``fallback`` begins it where no word or a digit would.
    """
    name = "_".join(words(text))[:_LONGEST].rstrip("_") or f"{fallback}_{_hash(text)}"
    if name[0].isdigit():
        name = f"{fallback}_{name}"
    return f"{name}_" if keyword.iskeyword(name) else name


def stem(name: str) -> str:
    """Return a file name, without suffix, for an identifier: never one that programs look for.

    Those are modules of Python itself, files of tools, and tests.
    """
    name = f"module_{name}" if name.startswith("test") else name
    return f"{name}_" if name in _FILES_OF_OTHERS or name.endswith("_test") else name


def is_reserved_package(package: str) -> bool:
    """Tell whether a package of this name would hide one that Python, a tool or we import."""
    return package.lower() in _FILES_OF_OTHERS | _IMPORTED


def pascal(text: str, *, fallback: str = "Model") -> str:
    """Return a class name; ``fallback`` begins it where no word, a digit or a keyword would."""
    name = "".join(word[:1].upper() + word[1:] for word in words(text))[:_LONGEST]
    name = name or f"{fallback}{_hash(text)}"
    return f"{fallback}{name}" if name[0].isdigit() or keyword.iskeyword(name) else name


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def assign(
    wanted: Iterable[tuple[str, str]],
    reserved: Iterable[str] = (),
    *,
    joint: str = "_",
    former: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Assign distinct names to keys: ``(key, wished name)`` → ``{key: name}``.

    ``former`` names stay, unless they are reserved now. A wish that is reserved or taken gets
    ``joint`` at its end, then also a number. On a clash the key that already spells the name keeps
    it, then the first in order of keys. The order in which the pairs come
    does not matter.
    """
    used = set(reserved)
    ordered = sorted(wanted, key=lambda pair: (pair[0] != pair[1], pair[0]))
    assigned: dict[str, str] = {}
    for key, _ in ordered:
        former_name = (former or {}).get(key)
        if former_name and former_name not in used:
            assigned[key] = former_name
            used.add(former_name)
    for key, wish in ordered:
        if key in assigned:
            continue
        name, number = wish, 1 if joint else 2
        while name in used:
            name = f"{wish}{joint}" if number == 1 else f"{wish}{joint}{number}"
            number += 1
        used.add(name)
        assigned[key] = name
    return assigned


def fields(wire: Iterable[str]) -> dict[str, str]:
    """Map wire names to distinct names for keyword arguments and model fields."""
    return assign(((name, snake(name)) for name in set(wire)), FIELD_RESERVED)
