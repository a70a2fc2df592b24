"""Tell by what lines of a text are written that are not UTF-8, where nobody has said it.

cp1252 is taken unless the bytes speak against it. What is found out is always stated with the
delivery: it is a guess, if a good one, and the feed should declare it.
"""

import re
from collections.abc import Iterator
from itertools import islice

from charset_normalizer import from_bytes

_LINES, _ENOUGH = 2_000, 5
_ALPHABETS = ["cp1251", "cp1253", "cp1255", "cp1256"]
_CENTRAL = "cp1250"
_ODD = re.compile(
    r"(?<=[^\W\d_])[^\w\s\x00-\x7f’‘´·­]|[^\w\s\x00-\x7f’‘´·­](?=[^\W\d_])|[¹²³](?=[a-z])"
)
"""A sign where a letter belongs: `£ucja`, `Pawe³`."""
_MISREAD = re.compile(rb"\xc3[\x82-\x85]\xc2[\x80-\xbf]")
"""`Ã¼` where an `ü` was: UTF-8 that somebody read as cp1252 and wrote as UTF-8 again."""
_NOT_MINIMAL = re.compile(
    rb"[\xc0\xc1][\x80-\xbf]|\xe0[\x80-\x9f][\x80-\xbf]|\xf0[\x80-\x8f][\x80-\xbf]|\xed[\xa0-\xbf]"
)
"""Characters in more bytes than they need, or halves of pairs: an attack or a broken program."""


def guess_fallback(head: bytes) -> str | None:
    """The encoding of the lines that are not UTF-8; None where all are, or cp1252 will do."""
    lines = list(islice(_undecodable(head), _LINES))
    if len(lines) < _ENOUGH:
        return None
    sample = b"\n".join(lines)
    letters = [one for one in sample if one > 0x7F or chr(one).isalpha()]
    foreign = sum(one > 0x7F for one in letters)
    if foreign > len(letters) * 0.6:
        best = from_bytes(sample, cp_isolation=_ALPHABETS).best()
        return best.encoding if best else None
    odd, odd_there = (_oddness(sample, encoding) for encoding in ("cp1252", _CENTRAL))
    return _CENTRAL if odd > foreign * 0.1 and odd_there < odd * 0.1 else None


def count_misread(data: bytes) -> int:
    """How many characters look as if UTF-8 had been read as cp1252."""
    return len(_MISREAD.findall(data)) if not data.isascii() and b"\xc3\x83\xc2" in data else 0


def is_forged(line: bytes) -> bool:
    """Whether a line that is not UTF-8 only pretends to be: no fallback is to read it."""
    return _NOT_MINIMAL.search(line) is not None


def _undecodable(head: bytes) -> Iterator[bytes]:
    try:
        head.decode()
    except UnicodeDecodeError:
        for line in head.split(b"\n")[:-1] or [head]:
            try:
                line.decode()
            except UnicodeDecodeError:
                yield line


def _oddness(sample: bytes, encoding: str) -> int:
    return len(_ODD.findall(sample.decode(encoding, "replace")))
