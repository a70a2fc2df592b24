"""Turn the bytes of a text delivery into UTF-8, a window of whole lines at a time.

A byte order mark wins, then what the feed declares, then UTF-8; the first window decides for the
whole delivery. Lines that are not UTF-8 stay as they are here: `lines.py` reads them one by one, so
that one line from another system does not spoil the others.
"""

import codecs
import re
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from store.readers.bytes import kind_of
from store.readers.encodings import guess_fallback
from store.readers.reading import DeliveryRefused

WINDOW = 1 << 25
LONGEST_LINE = 1 << 27
"""A text without an end of line for so long is none that we could read."""
_MANY = 1_000_000
"""A window of more lines is cut into slices of about so many."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ONE_BYTE = re.compile(r"cp125\d|iso8859.*|latin.*|mac-.*")
_SAMPLE = 1 << 16
_NOT_UTF8 = b"\xff"
_CONTROL = bytes({*range(1, 9), *range(14, 27)})


class Text(NamedTuple):
    """UTF-8, but for single lines that are not."""

    data: bytes
    fallback: str | None
    """The encoding of a line that is not UTF-8; None means that such a line is rejected."""
    note: str
    is_last: bool = True
    """Whether the delivery ends with it."""


class _Encoding(NamedTuple):
    """How the bytes of a delivery are read."""

    name: str | None
    """What to recode from; None: they are UTF-8, but for single lines."""
    fallback: str | None
    note: str
    mark: int = 0
    """How many bytes the byte order mark has."""


def read_texts(pieces: Iterator[bytes], declared: str | None) -> Iterator[Text]:
    """The windows of a delivery; what is no text is refused."""
    head, rest = _first(pieces)
    kind = kind_of(head)
    if kind:
        raise DeliveryRefused(f"it is {kind}, not text")
    if not head:
        raise DeliveryRefused("the file is empty once unpacked")
    encoding = _encoding(head, declared)
    pieces = chain([head[encoding.mark :] if encoding.mark else head], rest)
    is_wide = encoding.name is not None and encoding.name.startswith(("utf-16", "utf-32"))
    if is_wide:
        pieces = _decoded(pieces, encoding.name or "")
    is_first = True
    for window, is_last in _windows(pieces):
        data = window
        if encoding.name and not is_wide:
            data = _line_by_line(window, encoding.name)
        if is_first:
            _refuse_unless_text(data[:_SAMPLE])
        is_first = False
        yield Text(data, encoding.fallback, encoding.note, is_last)


def sliced(windows: Iterator[Text]) -> Iterator[Text]:
    """The windows; one of very many lines in slices.

    Each line is held for itself, so that very short ones cost far more memory than their bytes.
    """
    for window in windows:
        data, begin = window.data, 0
        end_of_line = b"\n" if b"\n" in data else b"\r"
        size = len(data) * _MANY // max(data.count(end_of_line), 1)
        while data.count(end_of_line, begin) > _MANY:
            end = data.find(end_of_line, begin + size) + 1
            if end == 0:
                break
            yield window._replace(data=data[begin:end], is_last=False)
            begin = end
        yield window._replace(data=data[begin:]) if begin else window


def _first(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """As much of a delivery as decides how it is read, and the rest."""
    head = bytearray()
    for piece in pieces:
        head += piece
        if len(head) >= WINDOW:
            break
    return bytes(head), pieces


def _windows(pieces: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """The bytes in parts that end with a line, and whether it is the last part."""
    held = bytearray()
    for piece in pieces:
        held += piece
        end = _last_end(held) if len(held) >= WINDOW else 0
        if end:
            with memoryview(held) as view:
                window = bytes(view[:end])
            yield window, False
            del held[:end]
        elif len(held) > LONGEST_LINE:
            raise DeliveryRefused(f"a line of it is longer than {LONGEST_LINE:,} bytes")
    yield bytes(held), True


def _last_end(held: bytearray) -> int:
    """Where the last line ends that is whole; a CR at the very end may have its LF to come."""
    return held.rfind(b"\n") + 1 or held.rfind(b"\r", 0, len(held) - 1) + 1


def _encoding(head: bytes, declared: str | None) -> _Encoding:
    for mark, name in _MARKS:
        if head.startswith(mark):
            wide = None if name == "utf-8" else name
            return _Encoding(wide, None, f"encoding {name} (byte order mark)", len(mark))
    if declared is not None:
        return _declared(head, declared)
    wide = _wide_encoding(head[:_SAMPLE])
    if wide:
        return _Encoding(wide, None, f"encoding {wide} (found out)")
    fallback = guess_fallback(head)
    note = (
        f"encoding {'utf-8' if fallback is None or fallback == 'cp1252' else fallback} (found out)"
    )
    return _Encoding(None, fallback or "cp1252", note)


def _declared(head: bytes, declared: str) -> _Encoding:
    try:
        name = codecs.lookup(declared).name
        b"".decode(name)
    except LookupError:
        raise DeliveryRefused(f"the feed declares an unknown encoding, {declared!r}") from None
    note = f"encoding {declared} (declared)"
    if name in {"utf-8", "utf-8-sig", "ascii"}:
        return _Encoding(None, None, note)
    if _ONE_BYTE.fullmatch(name) and not head.isascii() and _is_utf8(head):
        return _Encoding(None, name, f"encoding utf-8, although {declared} is declared")
    return _Encoding(name, None, note)


def _decoded(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Recode characters of several bytes, wherever a piece may cut them."""
    decoder, at = codecs.getincrementaldecoder(encoding)(), 0
    for piece in chain(pieces, [b""]):
        try:
            yield decoder.decode(piece, final=not piece).encode()
        except UnicodeError as error:
            at += error.start if isinstance(error, UnicodeDecodeError) else 0
            raise DeliveryRefused(f"the text is not {encoding} near byte {at + 1}") from None
        at += len(piece)


def _line_by_line(data: bytes, encoding: str) -> bytes:
    """Recode; a line that cannot be decoded is marked by a byte that UTF-8 never has."""
    try:
        return data.decode(encoding).encode()
    except UnicodeError:
        return b"\n".join(_recoded_line(line, encoding) for line in data.split(b"\n"))


def _recoded_line(line: bytes, encoding: str) -> bytes:
    try:
        return line.decode(encoding).encode()
    except UnicodeError:
        end = b"\r" if line.endswith(b"\r") else b""
        return line.removesuffix(end) + _NOT_UTF8 + end


def _is_utf8(head: bytes) -> bool:
    """Whether all of it is; a character may be cut off at its end."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _wide_encoding(sample: bytes) -> str | None:
    """UTF-16 and UTF-32 without their mark show as NULs in every second, or fourth, byte."""
    if len(sample) < 8:
        return None
    shares = [sample[start::4].count(0) / len(sample[start::4]) for start in range(4)]
    is_empty = [share > 0.4 for share in shares]
    is_full = [share < 0.1 for share in shares]
    for name, full in (("utf-32-le", 0), ("utf-32-be", 3)):
        if is_full[full] and sum(is_empty) == 3:
            return name
    if is_empty[0] and is_empty[2] and is_full[1] and is_full[3]:
        return "utf-16-be"
    if is_empty[1] and is_empty[3] and is_full[0] and is_full[2]:
        return "utf-16-le"
    return None


def _refuse_unless_text(sample: bytes) -> None:
    if not sample.strip():
        if len(sample) < _SAMPLE:
            raise DeliveryRefused("the file has nothing but white space")
        return
    control = len(sample) - len(sample.translate(None, _CONTROL))
    if control > max(len(sample) * 0.02, 16):
        raise DeliveryRefused("it is not text: too many of its bytes are control characters")
