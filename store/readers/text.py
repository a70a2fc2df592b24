"""Turn the bytes of a text delivery into UTF-8, and say which encoding that took.

A byte order mark wins, then what the feed declares, then UTF-8. Lines that are not UTF-8 stay
as they are here: `lines.py` reads them one by one, so that one line from another system does
not spoil the others.
"""

import codecs
import re
from typing import NamedTuple

from store.readers.bytes import kind_of
from store.readers.reading import DeliveryRefused

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


class Text(NamedTuple):
    """UTF-8, but for single lines that are not."""

    data: bytes
    fallback: str | None
    """The encoding of a line that is not UTF-8; None means that such a line is rejected."""
    note: str


def to_utf8(data: bytes, declared: str | None) -> Text:
    """Recode a delivery, or refuse what is no text."""
    kind = kind_of(data)
    if kind:
        raise DeliveryRefused(f"it is {kind}, not text")
    text = _recode(data, declared)
    _refuse_unless_text(text.data[:_SAMPLE])
    return text


def _recode(data: bytes, declared: str | None) -> Text:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            body, note = data[len(mark) :], f"encoding {encoding} (byte order mark)"
            return Text(_strictly(body, encoding), None, note)
    if declared is None:
        wide = _wide_encoding(data[:_SAMPLE])
        if wide:
            return Text(_strictly(data, wide), None, f"encoding {wide} (found out)")
        return Text(data, "cp1252", "encoding utf-8 (found out)")
    return _declared(data, declared)


def _declared(data: bytes, declared: str) -> Text:
    try:
        encoding = codecs.lookup(declared).name
        b"".decode(encoding)
    except LookupError:
        raise DeliveryRefused(f"the feed declares an unknown encoding, {declared!r}") from None
    note = f"encoding {declared} (declared)"
    if encoding in {"utf-8", "utf-8-sig", "ascii"}:
        return Text(data, None, note)
    if encoding.startswith(("utf-16", "utf-32")):
        return Text(_strictly(data, encoding), None, note)
    if _ONE_BYTE.fullmatch(encoding) and not data.isascii() and _is_utf8(data):
        return Text(data, None, f"encoding utf-8, although {declared} is declared")
    return Text(_line_by_line(data, encoding), None, note)


def _strictly(data: bytes, encoding: str) -> bytes:
    if encoding == "utf-8":
        return data
    try:
        return data.decode(encoding).encode()
    except UnicodeError as error:
        where = f" at byte {error.start + 1}" if isinstance(error, UnicodeDecodeError) else ""
        raise DeliveryRefused(f"the text is not {encoding}{where}") from None


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


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _wide_encoding(sample: bytes) -> str | None:
    """UTF-16 without its mark shows as a NUL in every second byte."""
    if len(sample) < 4:
        return None
    shares = [sample[start::2].count(0) / len(sample[start::2]) for start in (0, 1)]
    if max(shares) < 0.4 or min(shares) > 0.1:
        return None
    return "utf-16-be" if shares[0] > shares[1] else "utf-16-le"


def _refuse_unless_text(sample: bytes) -> None:
    if not sample.strip():
        if len(sample) < _SAMPLE:
            raise DeliveryRefused("the file has nothing but white space")
        return
    control = len(sample) - len(sample.translate(None, bytes({*range(1, 9), *range(14, 27)})))
    if control > max(len(sample) * 0.02, 16):
        raise DeliveryRefused("it is not text: too many of its bytes are control characters")
    if re.match(rb"\s*<(!doctype|html|\?xml)", sample, re.IGNORECASE):
        raise DeliveryRefused("it is a web page or XML, not a delivery")
