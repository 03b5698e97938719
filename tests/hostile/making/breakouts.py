"""The 31 strings that try to leave the place where they were written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostile.making.places import PLACES

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = "canary"
"""Every string touches, or names, a file of this name: if it appears, code ran."""

TOUCH = f"__import__('pathlib').Path('{MARK}').touch()"

BREAKOUTS: dict[str, str] = {
    "double-quotes": f'"""\n{TOUCH}\n"""',
    "single-quotes": f"'''\n{TOUCH}\n'''",
    "one-quote": f'" + str({TOUCH}) + "',
    "apostrophe": f"' + str({TOUCH}) + '",
    "backslash-at-the-end": f'{TOUCH} """ \\',
    "escaped-quotes": f'\\"\\"\\"\n{TOUCH}\n#',
    "escape-in-hexadecimal": f"\\x22\\x22\\x22\\n{TOUCH}",
    "escape-in-unicode": f"\\u0022\\u0022\\u0022\\u000a{TOUCH}",
    "named-escape": f"\\N{{QUOTATION MARK}}\\N{{LINE FEED}}{TOUCH}",
    "line-feed": f"x\n{TOUCH}\n",
    "carriage-return": f"x\r{TOUCH}\r",
    "vertical-tab": f"x\x0b{TOUCH}\x0b",
    "form-feed": f"x\x0c{TOUCH}\x0c",
    "file-separator": f"x\x1c{TOUCH}\x1c",
    "group-separator": f"x\x1d{TOUCH}\x1d",
    "record-separator": f"x\x1e{TOUCH}\x1e",
    "next-line": f"x\x85{TOUCH}\x85",
    "line-separator": f"x\u2028{TOUCH}\u2028",
    "paragraph-separator": f"x\u2029{TOUCH}\u2029",
    "nul": f"x\x00{TOUCH}\x00",
    "comment": f"# -*- coding: utf-7 -*-\n# fmt: off # noqa # type: ignore\n{TOUCH}",
    "closing-brackets": f")]}}), {TOUCH}, ([{{(",
    "semicolon": f"x; {TOUCH}; y = 1",
    "type-expression": f"Literal['x'] | type({TOUCH})",
    "dunder": f"__class__.__init__.__globals__['{MARK}']",
    "template-expression": f"{{{{ {TOUCH} }}}} {{{{ ''.__class__.__mro__ }}}}",
    "template-statement": f"{{% raw %}}{{% for {MARK} in x %}}{{# {TOUCH} #}}{{% endraw %}}",
    "format-string": f"{{{TOUCH}}} {{0.__class__}} %({MARK})s $({TOUCH})",
    "shell": f"$(touch {MARK}); `touch {MARK}`; touch {MARK} | touch {MARK} && touch {MARK}",
    "path": f"../../../../../../{MARK}\\..\\..\\{MARK}%2e%2e%2f{MARK}",
    "bidi": f"\u202e\u2066{TOUCH}\u2069\u2066 # \u202c",
}


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``(name, case)``: every string in every place."""
    for place, put in PLACES.items():
        for kind, text in BREAKOUTS.items():
            yield f"{place}.{kind}", {"about": f"{kind} in {place}", "entry": put(text)}
