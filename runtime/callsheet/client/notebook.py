"""Show results in a notebook: HTML of media, in which a server's text is text."""

from __future__ import annotations

import base64
import os
from html import escape
from typing import TYPE_CHECKING

from callsheet.masking import masked
from callsheet.protocol.media import kind_of_name
from callsheet.storage.output_path import EXTENSIONS, extension_of
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callsheet.storage.partial_file import SavedFile


_LARGEST = 8 << 20  # bytes of a file that a notebook takes in
_LONGEST_CAPTION = 300
_SHOWN = ("image", "video", "audio")
_TYPES = {suffix: kind for kind, suffix in reversed(EXTENSIONS.items())}
_TAGS = {
    "image": '<img src="{}" alt="" referrerpolicy="no-referrer" style="max-width: 100%">',
    "video": '<video src="{}" controls style="max-width: 100%"></video>',
    "audio": '<audio src="{}" controls></audio>',
}


def figure(caption: str, links: Iterable[tuple[str, str]], saved: Iterable[SavedFile] = ()) -> str:
    """Return the HTML of media: of ``saved`` files, else of ``links`` with the kind of each.

    A link is shown where it is http(s) or data of a picture, video or sound and holds no key, a
    file where it is small enough to lie in the notebook. There is no script.
    """
    shown = [html for file in saved if (html := _file(file.path))]
    shown = shown or [html for link, kind in links if (html := _link(link, kind))]
    text = escape(one_line(caption, _LONGEST_CAPTION))
    return "\n".join(["<figure>", *shown, f"<figcaption>{text}</figcaption>", "</figure>"])


def _link(link: str, kind: str) -> str:
    """Return the element that shows a link; empty for one that is not to be shown."""
    scheme, _, rest = link.partition(":")
    is_data, is_http = scheme.lower() == "data", scheme.lower() in {"http", "https"}
    if masked(link) != link:
        return ""
    named = rest.partition("/")[0].lower() if is_data else kind_of_name(extension_of(link))
    kind = named or kind
    address = escape(link, quote=True)
    if kind in _SHOWN and (is_data or is_http):
        return _TAGS[kind].format(address)
    return f'<a href="{address}" rel="noreferrer noopener">{address}</a>' if is_http else ""


def _file(path: str) -> str:
    """Return the element that holds a saved file; empty for one that is gone or too large."""
    suffix = os.path.splitext(path)[1].lower().replace(".jpeg", ".jpg")
    kind, media_type = kind_of_name(suffix), _TYPES.get(suffix)
    try:
        if kind not in _SHOWN or media_type is None or os.path.getsize(path) > _LARGEST:
            return ""
        with open(path, "rb") as file:
            content = base64.b64encode(file.read()).decode()
    except (OSError, ValueError):
        return ""
    return _TAGS[kind].format(f"data:{media_type};base64,{content}")
