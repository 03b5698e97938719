"""Reserve the names that a generated package cannot give."""

from __future__ import annotations

from callsheet.identifiers import IN_CLASS_BODIES, assign, fields, pascal, snake, words
from callsheet.text import word_set

__all__ = ["assign", "fields", "is_reserved_package", "pascal", "snake", "stem", "words"]

METHOD_RESERVED = IN_CLASS_BODIES - {"list", "dict"}
CONSTANT_RESERVED = frozenset({"OMIT", "COMMANDS", "TYPE_CHECKING"})
# What the module of a group imports; a model of such a name gets a number there.
GROUP_RESERVED = word_set("""
    Any AsyncGroup AsyncResult AsyncTask FileInput Group Literal Mapping OMIT Omit Result Sequence
    TYPE_CHECKING Task cached_property
""")
# What a client has of its own; a group of such a name gets an underscore.
CLIENT_RESERVED = IN_CLASS_BODIES | frozenset(
    (
        *("actions", "batch", "bindings", "call", "close", "iterate", "ledger", "model_of"),
        *("notes", "submit", "tasks", "upload"),
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


def stem(name: str) -> str:
    """Return a file name, without suffix, for an identifier: never one that programs look for.

    Those are modules of Python itself, files of tools, and tests.
    """
    name = f"module_{name}" if name.startswith("test") else name
    return f"{name}_" if name in _FILES_OF_OTHERS or name.endswith("_test") else name


def is_reserved_package(package: str) -> bool:
    """Tell whether a package of this name would hide one that Python, a tool or we import."""
    return package.lower() in _FILES_OF_OTHERS | _IMPORTED
