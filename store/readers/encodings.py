"""Tell by what lines of a text are written that are not UTF-8, where nobody has said it.

cp1252 is taken unless the bytes speak against it. What is found out is always stated with the
delivery: it is a guess, if a good one, and the feed should declare it.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from charset_normalizer import from_bytes

_LINES, _ENOUGH = 2_000, 5
_ALPHABETS = ["cp1251", "koi8_r", "cp1253", "cp1255", "cp1256"]
SYLLABIC = ("gb18030", "big5", "shift_jis", "euc_jp", "euc_kr")
"""Of several bytes a sign: what is odd in others may be a half of one."""
_SIGN = re.compile(r"[\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7af\uff00-\uffef\u00b7\u2010-\u2027]")
_ASCII, _LETTERS_BEGIN = 0x7F, 0xC0
"""The alphabets have their letters from here on; encodings of signs use what is below as well."""
_LATIN = ("cp1252", "cp1250", "iso8859_2", "cp1254")
"""Of several that explain as much, the first."""
_LETTERS = {
    "cp1252": "àâæçéèêëîïôœùûüÿ äöüßé áéíñóúü ãõáàâçéêíóôúü àèéìíîòóùú åäöæøéü áéíóúýþæöð "
    "àçèéíïòóúü éèëïöü",
    "cp1250": "ąćęłńóśźż áčďéěíňóřšťúůýž áäčďéíĺľňóôŕšťúýž áéíóöőúüű čćđšž ăâîşţ äöüß",
    "cp1254": "çğıiöşüâîû",
}
_LETTERS["iso8859_2"] = _LETTERS["cp1250"]
"""The letters beyond ASCII of each language that is written in it."""
_WORD = re.compile(
    rb"[A-Za-z]*[\x80-\x8f\x95\x98-\x9f\xa1-\xac\xae-\xb3\xb5-\xff][A-Za-z\x80-\xff]*"
)
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
    words = [word for line in lines for word in _WORD.findall(line)]
    letters = b"".join(words)
    foreign = sum(one > 0x7F for one in letters)
    if foreign > len(letters) * 0.6:
        syllabic = _syllabic(lines)
        if syllabic:
            return syllabic
        best = from_bytes(b" ".join(words), cp_isolation=_ALPHABETS).best()
        return best.encoding if best else None
    explained = {encoding: _explained(words, encoding) for encoding in _LATIN}
    best_latin = max(_LATIN, key=lambda encoding: explained[encoding])
    if explained[best_latin] - explained["cp1252"] < len(words) * 0.1:
        return None
    return best_latin


def _syllabic(lines: Sequence[bytes]) -> str | None:
    """The encoding of several bytes a sign that all lines are in; None if they are in none."""
    high = [one for line in lines for one in line if one > _ASCII]
    if sum(one < _LETTERS_BEGIN for one in high) < len(high) * 0.2:
        return None
    fitting = [name for name in SYLLABIC if _is_all_signs(lines, name)]
    if not fitting:
        return None
    best = from_bytes(b"\n".join(lines), cp_isolation=fitting).best()
    return best.encoding if best else fitting[0]


def _is_all_signs(lines: Sequence[bytes], encoding: str) -> bool:
    """Whether the lines beyond ASCII are signs that people write with in this encoding."""
    try:
        text = "".join(line.decode(encoding) for line in lines)
    except UnicodeDecodeError:
        return False
    signs = [sign for sign in text if not sign.isascii()]
    return sum(_SIGN.match(sign) is not None for sign in signs) >= len(signs) * 0.95


def _explained(words: Sequence[bytes], encoding: str) -> int:
    """How many words have letters of one language alone."""
    languages = [frozenset(letters) for letters in _LETTERS[encoding].split(" ")]
    found = 0
    for word in words:
        text = word.decode(encoding, "replace").lower().replace("i̇", "i")
        found += any(
            all(sign in letters for sign in text if not sign.isascii()) for letters in languages
        )
    return found


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
