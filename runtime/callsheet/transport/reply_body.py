"""Take in the body of a reply as it comes: decoded, counted, in the memory or on the disk."""

from __future__ import annotations

import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from callsheet.config.settings import origin_of
from callsheet.errors import NetworkError
from callsheet.flows.effects import LARGEST_REPLY
from callsheet.masking import longest_spelling, masked_bytes
from callsheet.transport.http import is_network_error, load_httpx, network_error, reply_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Self

    import httpx

    from callsheet.flows.effects import HttpReply, Send
    from callsheet.protocol.event_stream import EventStream
    from callsheet.storage.kept_replies import Spool
    from callsheet.storage.partial_file import PartialFile
    from callsheet.transport.watch import Watch


LARGEST_MEDIUM = 16 << 30
PIECE = 64 << 10
"""Bytes that are decoded at once, so that a small chunk never fills the memory."""
CODINGS = 4
"""Layers of compression that are taken off a body; no honest server sends more."""
HEAD = 64
"""Bytes by which a medium is distinguished from JSON."""
JSON_STARTS = (b"{", b"[", b'"')
STREAM_TYPES = frozenset(
    (
        *("text/event-stream", "application/x-ndjson", "application/ndjson", "application/jsonl"),
        *("application/json-lines", "application/jsonlines", "application/x-jsonlines"),
        *("application/stream+json", "application/json-seq", "application/x-json-stream"),
    )
)


class Decoder:
    """Takes gzip and deflate off a body, a small piece at a time.

    httpx decodes a whole chunk at once: 64 KiB become 64 MiB, and packed twice 64 GiB. What is
    packed in another way was not asked for and stays as it came. ``check`` is called for each
    piece, and raises when the time has run out: a small chunk can unpack for minutes.
    """

    def __init__(self, content_encoding: str, check: Callable[[], object] = lambda: None) -> None:
        self._check = check
        codings = [coding.strip().lower() for coding in content_encoding.split(",")]
        names = [coding for coding in codings if coding not in {"", "identity"}]
        is_known = set(names) <= {"gzip", "x-gzip", "deflate"}
        if is_known and len(names) > CODINGS:
            raise _broken(f"its body is packed {len(names)} times")
        self._layers = [_Inflater(name) for name in reversed(names)] if is_known else []

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the next bytes decoded; raise ``httpx.DecodingError``."""
        return self._unpack(chunk, self._layers) if self._layers else iter((chunk,))

    def _unpack(self, chunk: bytes, layers: list[_Inflater]) -> Iterator[bytes]:
        if not layers:
            yield chunk
            return
        for piece in layers[0].feed(chunk):
            self._check()
            yield from self._unpack(piece, layers[1:])


class _Inflater:
    """One layer of packing."""

    def __init__(self, coding: str) -> None:
        self._is_gzip = coding != "deflate"
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | (16 if self._is_gzip else 0))
        self._is_sure, self._head, self._size = self._is_gzip, b"", 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the next bytes, in pieces."""
        rest = chunk
        if not self._is_sure:
            rest = self._head = self._head + chunk
            if len(rest) < 2:  # two bytes tell which form it is
                return
        while rest:
            if self._inflate.eof:
                if not self._is_gzip or not rest.startswith(b"\x1f"):
                    return  # what follows the end is no part of the body
                self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
            piece = self._next(rest)
            rest = self._inflate.unused_data or self._inflate.unconsumed_tail
            self._size += len(piece)
            if self._size > LARGEST_MEDIUM:
                raise _broken("it unpacks without an end")
            if piece:
                yield piece

    def _next(self, rest: bytes) -> bytes:
        is_sure, self._is_sure = self._is_sure, True
        try:
            return self._inflate.decompress(rest, PIECE)
        except zlib.error as error:
            if is_sure:
                raise _broken(str(error)) from None
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)  # many servers mean this form
        return self._next(rest)


def _broken(reason: str) -> Exception:
    error: Exception = load_httpx().DecodingError(reason)
    return error


class ReplyBody:
    """The body of one reply as it comes: in the memory, or spooled to the disk.

    A medium goes to the disk, and so does what is too large for the memory, where the request
    has a ``spool`` name and may have so large an answer; else ``add`` raises ``NetworkError``.
    What is counted is what was decoded. As a context it turns what httpx raises into a
    ``NetworkError``; of an event stream it leaves what came, marked as cut off unless the job was
    over by then. ``watch`` has the time that is left.
    """

    def __init__(self, send: Send, url: str, state_dir: str, watch: Watch) -> None:
        self._send, self._url, self._watch = send, url, watch
        self._state_dir = state_dir
        self._bytes = bytearray()
        self._response: httpx.Response | None = None
        self._kind = ""
        self._decoder: Decoder | None = None
        self._spool: Spool | None = None
        self._masking: bytes | None = None
        self._events: EventStream | None = None
        self._is_cut = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: object, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None:
            return False
        is_network = is_network_error(error)
        if is_network and self._events is not None and (self._bytes or self._spool):
            self._is_cut = not self._events.is_over
            return True
        path = self._spool.abandon() if self._spool is not None else ""
        if is_network and isinstance(error, Exception):
            error = network_error(error, self._url, self._watch)
        if path and isinstance(error, NetworkError):
            error.message += f"; what came is in {path}"
        if is_network:
            raise error from None
        return False

    def begin(self, response: httpx.Response) -> None:
        """Keep the response and read its content type and encoding."""
        self._response = response
        self._decoder = Decoder(response.headers.get("content-encoding", ""), self._watch.check)
        content_type = response.headers.get("content-type", "")
        self._kind = content_type.partition(";")[0].strip().lower()
        if self._kind in STREAM_TYPES:
            from callsheet.protocol.event_stream import EventStream

            self._events = EventStream()

    def add(self, chunk: bytes) -> bool:
        """Decode and append the next bytes; return True at the end of an event stream.

        Raises ``TimeoutError`` when the time has run out meanwhile.
        """
        pieces = self._decoder.feed(chunk) if self._decoder is not None else ()
        return any(self._take(piece) for piece in pieces)

    def _take(self, chunk: bytes) -> bool:
        if self._spool is not None:
            self._write(chunk)
            self._watch.came(len(chunk))
        else:
            is_head = len(self._bytes) < HEAD
            self._bytes += chunk
            if is_head and len(self._bytes) >= HEAD and self._is_medium():
                self._spill(is_text=False)
            elif len(self._bytes) > LARGEST_REPLY:
                self._spill(is_text=True)
        if self._events is None:
            return False
        for event in self._events.feed(chunk):
            if self._send.on_event is not None:
                self._send.on_event(event.data)
        return self._events.is_closed

    def _is_medium(self) -> bool:
        """Tell whether the first bytes begin a medium that can be spooled."""
        is_success = self._response is not None and self._response.is_success
        is_json = self._bytes.lstrip()[:1] in JSON_STARTS
        if is_json or not is_success or not self._send.spool or self._events is not None:
            return False
        from callsheet.magic import is_medium

        return is_medium(self._kind, bytes(self._bytes[:HEAD]))

    def _may_be_large(self) -> bool:
        """Tell whether text may be too large for the memory; a refusal may not."""
        is_success = self._response is not None and self._response.is_success
        return is_success and self._send.largest > LARGEST_REPLY

    def _spill(self, *, is_text: bool) -> None:
        """Move what came to the disk; raise ``NetworkError`` where it cannot go there."""
        if not self._send.spool or (is_text and not self._may_be_large()):
            raise self._error(f"is over {LARGEST_REPLY >> 20} MiB")
        from callsheet.storage.kept_replies import Spool

        self._masking = b"" if is_text else None
        with self._disk():
            try:
                self._spool = Spool(self._state_dir, self._send.spool, self._announced())
            except OSError:  # what was paid for is stored anywhere else before it is lost
                from tempfile import mkdtemp

                folder = mkdtemp(prefix="callsheet-")
                self._spool = Spool(folder, self._send.spool, self._announced())
        self._write(bytes(self._bytes))
        self._bytes.clear()

    def _announced(self) -> int:
        """Return the bytes that the server says will come; 0 for none."""
        length = self._response.headers.get("content-length", "") if self._response else ""
        return int(length) if length.isascii() and length.isdigit() and len(length) < 18 else 0

    def _write(self, chunk: bytes) -> None:
        spool = self._spool
        if spool is None:
            return
        limit = LARGEST_MEDIUM if self._masking is None else self._send.largest
        if spool.size > limit:
            raise self._error(f"is over {limit >> 20} MiB")
        with self._disk():
            if self._masking is None:
                spool.write(chunk)
                return
            # A key may lie across two chunks: the end of this one waits for the next.
            text = masked_bytes(self._masking + chunk)
            cut = max(0, len(text) - longest_spelling())
            spool.write(text[:cut])
            self._masking = text[cut:]

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._error(f"cannot be stored: {error.strerror or error}") from None

    def _error(self, words: str) -> NetworkError:
        error = NetworkError(f"the reply of {origin_of(self._url)} {words}", sent=True)
        error.retryable = False  # it would be as large again
        return error

    def reply(self) -> HttpReply:
        """Return the whole reply; raise ``NetworkError`` for a medium whose end is missing."""
        response = self._response
        if response is None:
            raise AssertionError("a reply has a head")
        if self._spool is None and len(self._bytes) < HEAD and self._is_medium():
            self._spill(is_text=False)
        spool = self._spool
        if spool is None:
            return reply_of(response, bytes(self._bytes))._replace(is_cut=self._is_cut)
        is_medium = self._masking is None
        has_end = {"content-length", "transfer-encoding"} & set(response.headers)
        with self._disk():
            if is_medium and not has_end and not spool.is_whole():
                raise self._error(f"ended early; what came is in {spool.abandon()}")
            spool.write(masked_bytes(self._masking or b""))
            file = spool.finish(self._kind, is_medium=is_medium)
        return reply_of(response, b"")._replace(file=file, is_cut=self._is_cut)


class FileBody:
    """The body of a file that is fetched, decoded into its part as it comes.

    ``is_wanted`` says whether it belongs into the part. Raises as the part does.
    """

    def __init__(self, part: PartialFile, response: httpx.Response, watch: Watch) -> None:
        self.reply = reply_of(response, b"")
        self._part, self._watch = part, watch
        self._decoder = Decoder(self.reply.headers.get("content-encoding", ""), watch.check)
        self.is_wanted = part.begin(self.reply.status, self.reply.headers)

    def add(self, chunk: bytes) -> None:
        """Write the next bytes; raise ``TimeoutError`` when the time has run out meanwhile."""
        for piece in self._decoder.feed(chunk):
            self._part.write(piece)
            self._watch.came(len(piece))

    def end(self) -> None:
        """End the part: it decides whether it is whole."""
        self._part.end()
