"""Completes the flags of a generated command from its stored help page, importing nothing."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ACTION = ("Required:", "Options:", "Output and request:")
_PROGRAM = ("Flags, before a command or after it:",)
_UNCLEAR = frozenset("'\"\\$`")


def asked(variable: str, environ: "Mapping[str, str]") -> tuple[str, list[str], str] | None:
    """The shell, the words of a command, and the begun flag that follows them.

    ``None`` where it is not that simple: quotes, another flag before, no flag at all.
    """
    shell = environ.get(variable, "").partition("_complete")[0]
    line, place = environ.get("COMP_WORDS", ""), environ.get("COMP_CWORD", "")
    if shell not in {"bash", "zsh", "fish"} or _UNCLEAR & set(line + place):
        return None
    words = line.split()[1:]
    if shell == "fish":
        begun = place
        words = words[:-1] if words and words[-1] == begun else words
    else:
        number = int(place) - 1 if place.isdigit() else len(words)
        begun = words[number] if 0 <= number < len(words) else ""
        words = words[: max(0, number)]
    plain = words and all(word.replace("-", "").isalnum() and word[0] != "-" for word in words)
    return (shell, words, begun) if plain and begun.startswith("--") else None


def answer(
    question: tuple[str, list[str], str], page: "Callable[[str], bytes | None]"
) -> bytes | None:
    """What the shell is told; ``page`` gives a stored page by its name, ``None`` if there is none."""
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
    if shell == "zsh":
        return f"plain\n{flag}\n{doc or '_'}\n"
    return f"plain,{flag}\t{doc}\n" if shell == "fish" and doc else f"plain,{flag}\n"


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
                found.setdefault(flag, doc.strip())
    return found
