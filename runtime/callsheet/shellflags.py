"""Completes the flags of a generated command from its stored help page, importing nothing."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ACTION = ("Required:", "Options:", "Output and request:")
_PROGRAM = ("Flags, before a command or after it:",)
_UNCLEAR = frozenset("'\"\\$`")


_LONGEST = 80


def asked(variable: str, environ: "Mapping[str, str]") -> tuple[str, list[str], str] | None:
    """The shell, the words of a command, and the begun flag that follows them.

    ``None`` where it is not that simple: quotes, another flag before, no flag at all.
    """
    shell = environ.get(variable, "").partition("_")[0]
    line = environ.get("COMP_WORDS", "")
    words = line.split()[1:]
    if shell not in {"bash", "zsh", "fish"} or _UNCLEAR & set(line) or not words:
        return None
    begun = "" if line[-1:].isspace() else words.pop()
    plain = words and all(word.replace("-", "").isalnum() and word[0] != "-" for word in words)
    simple = plain and begun.startswith("--") and "=" not in begun
    return (shell, words, begun) if simple else None


def answer(
    question: tuple[str, list[str], str], page: "Callable[[str], bytes | None]"
) -> bytes | None:
    """What the shell is told; ``page`` gives a stored page by its name, or ``None``."""
    shell, words, begun = question
    own, program = page(".".join(words) + ".txt"), page("_.txt")
    if own is None or program is None:
        return None
    rows = _rows(own.decode(), _ACTION)
    if not rows:
        return None
    last = {"--help": rows.pop("--help", "")}
    rows = {**rows, **_missing(_rows(program.decode(), _PROGRAM), rows), **last}
    found = [(flag, doc) for flag, doc in rows.items() if flag.startswith(begun)]
    return "".join(_line(shell, flag, doc) for flag, doc in found).encode()


def _missing(rows: dict[str, str], known: dict[str, str]) -> dict[str, str]:
    return {flag: doc for flag, doc in rows.items() if flag not in known}


def _line(shell: str, flag: str, doc: str) -> str:
    return f"plain,{flag}\n" if shell == "bash" else f"plain\t{flag}\t{doc[:_LONGEST]}\n"


def _rows(page: str, heads: tuple[str, ...]) -> dict[str, str]:
    """The flags in these parts of a page; a server's text is indented and never a head."""
    found: dict[str, str] = {}
    within = False
    for line in page.split("\n"):
        if line[:1].strip():
            within = line in heads
        elif within and line.startswith("  --"):
            names, _, doc = line[2:].partition("  ")
            for name in names.split(" / "):
                flag = name.split(" ")[0].partition("[")[0]
                if not flag.endswith(".NAME"):  # stands for many
                    found.setdefault(flag, doc.strip())
    return found
