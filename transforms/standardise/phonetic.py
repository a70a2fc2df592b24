"""Reduce a name to how it sounds: its consonants, those that are confused written as one.

In the spirit of double metaphone, but one key and all languages at once: the key only has to be
the same for Stephen and Steven, Schmidt and Smith, Kovalski and Kowalski. Vowels, w, y and h count
only at the beginning, and there all vowels are one; b/p, d/t, g/k/q/hard c, f/v/ph and s/z/soft c
are one consonant each. Chinese characters sound as they are spoken in Mandarin.
"""

import polars as pl

from transforms.standardise.fold import mend
from transforms.standardise.scripts import HAN, as_spoken

_BEGINNINGS = {
    "^kn": "^n",
    "^gn": "^n",
    "^pn": "^n",
    "^mn": "^n",
    "^ps": "^s",
    "^pf": "^f",
    "^wr": "^r",
    "^wh": "^w",
    "^rh": "^r",
    "^gh": "^k",
    "^x": "^s",
    "^y": "^j",
    "^j": "^j",
    "^h": "^h",
    "^w": "^w",
    "^dj": "^j",
} | {f"^{vowel}": "^a" for vowel in "aeiou"}
_SOUNDS = {
    "tsch": "s",
    "wsk": "fsk",
    "owa": "f",
    "mps": "ms",
    "sch": "s",
    "sh": "s",
    "tch": "k",
    "ch": "k",
    "ck": "k",
    "ph": "f",
    "gh": "",
    "th": "t",
    "dt": "t",
    "cz": "s",
    "sz": "s",
    "zs": "s",
    "tz": "s",
    "ts": "s",
    "ce": "s",
    "ci": "s",
    "cy": "s",
    "x": "ks",
    "b": "p",
    "d": "t",
    "g": "k",
    "q": "k",
    "c": "k",
    "v": "f",
    "z": "s",
} | dict.fromkeys("aeiouhwy", "")
_DOUBLES = {letter * 2: letter for letter in "bcdfgjklmnpqrstvxz"}
_KEYS = _BEGINNINGS | _SOUNDS
_LONGEST_FIRST = sorted(_KEYS, key=len, reverse=True)


def phonetic_keys(folded_names: pl.Series) -> pl.Series:
    """Give the sound of each folded name; spaces do not count. Meant for distinct values."""
    spoken = mend(folded_names, folded_names.str.contains(HAN), as_spoken)
    joined = spoken.str.replace_all(" ", "", literal=True)
    frame = joined.alias("name").to_frame().with_columns(_BARE)
    return frame.select(_SOUND).to_series()


_NAME = pl.col("name")
_MARKED = pl.concat_str(pl.lit("^"), _NAME.str.replace_many(_DOUBLES)).str.replace_many(
    _LONGEST_FIRST, [_KEYS[key] for key in _LONGEST_FIRST], leftmost=True
)
_BARE = _MARKED.str.strip_prefix("^").alias("bare")
_IS_TOLD = _NAME.str.contains("^[a-z0-9]+$") & (pl.col("bare") != "")
_SOUND = pl.when(_IS_TOLD).then("bare").otherwise("name")
