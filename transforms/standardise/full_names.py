"""Take names apart: title, first, middle and last name, suffix.

Two or three plain words are settled by one regular expression for all rows; what is left is read
word by word, once per distinct name.
"""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

import polars as pl

from rules.lookups import Lookups
from transforms.standardise.fold import folded, folded_words, mend, on_distinct

PARTS = ("title", "first_name", "middle_name", "last_name", "suffix")
_GENERATIONS = frozenset({"jr", "sr", "ii", "iii", "iv"})
_JOINTS = frozenset({"&", "+", ","})
_AND = frozenset({"&", "+", "and", "und", "et"})
_ACCENTED = {"a": "àáâãäå", "c": "ç", "e": "èéêë", "i": "ìíîï", "n": "ñ", "o": "òóôõö", "u": "ùúûü"}
"""How letters of words of the lookups are written where their language is."""
_INITIAL = re.compile(r"[^\W\d_]\.?")
_NICKNAME = r"\([^)]*\)|[\"“”„][^\"“”„]*[\"“”]"
_WORD = r"\p{Lu}[\p{Ll}'’-]+(?:\p{Lu}\p{Ll}+)?"
_EAST_ASIAN = (
    r"^(?P<a>\p{Han}{1,3}|\p{Hangul}{1,2}) "
    r"(?P<b>[\p{Han}\p{Hiragana}\p{Katakana}]{1,5}|\p{Hangul}{1,3})$"
)
"""Names with a blank in Chinese characters or Korean ones begin with the family's."""
_PLAIN = (
    rf"^(?:{_WORD}(?: \p{{Lu}}(?:\p{{Ll}}*|\.))* {_WORD}"
    r"|\p{Lu}{2,}(?: \p{Lu}+\.?)* \p{Lu}{2,}|\p{Ll}{2,}(?: \p{Ll}+\.?)* \p{Ll}{2,})$"
)


class Parts(NamedTuple):
    """A name taken apart."""

    title: str | None = None
    first_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None
    suffix: str | None = None


class NameWords(NamedTuple):
    """The words of the lookups that mean something in a name, folded and without blanks."""

    titles: dict[str, str]
    suffixes: dict[str, str]
    particles: frozenset[str]
    connectors: frozenset[str]
    surnames_in_front: frozenset[str] = frozenset()

    @classmethod
    def of(cls, lookups: Lookups) -> "NameWords":
        """Fold the words of the lookups."""
        return cls(
            _joined(lookups.titles),
            _joined(lookups.suffixes),
            folded_words(lookups.particles | lookups.particles_capital),
            folded_words(lookups.connectors),
            lookups.surnames_in_front,
        )

    def generations(self) -> set[str]:
        """The suffixes by which father and son of one name are told apart."""
        return {key for key, shown in self.suffixes.items() if shown.lower() in _GENERATIONS}

    def last_in_front(self) -> str:
        """A regular expression for names that begin with the last name, by how they are written."""
        together = "|".join(sorted(self.surnames_in_front, key=lambda name: (-len(name), name)))
        known = (
            rf"|^(?P<c>{together})(?P<d>\p{{Han}}{{1,2}}|\p{{Hangul}}{{1,3}})$" if together else ""
        )
        return _EAST_ASIAN + known

    def anywhere(self) -> str:
        """A regular expression for full names that must be read word by word."""
        words = {*self.titles, *self.suffixes, *self.particles, *self.connectors, *_AND}
        return any_word(words)

    def in_front(self) -> str:
        """A regular expression for the titles in front of a name."""
        return rf"(?i)^((?:(?:{_spellings(self.titles)})\.? )+)"

    def in_first_name(self) -> str:
        """A regular expression for first names with a title, a generation or an initial."""
        ends = rf"[ ,](?:{_spellings(self.generations())})\.?$|\S \pL\.?$"
        return rf"(?i)^(?:{_spellings(self.titles)})\.?(?:[ ,&+]|$)|{ends}"

    def in_last_name(self) -> str:
        """A regular expression for last names that begin with a title or end in a suffix."""
        titles, suffixes = _spellings(self.titles), _spellings(self.suffixes)
        return rf"(?i)^(?:{titles})\.?[ ,&+]|[ ,](?:{suffixes})\.?,?$"


class _Reader(NamedTuple):
    """Reads one name at a time; `keys` has the folded form of every word in them."""

    words: NameWords
    order: str
    keys: dict[str, str]

    def full(self, text: str) -> Parts:
        """Take a full name apart."""
        pieces = list(filter(None, (_told(piece.split()) for piece in text.split(","))))
        suffixes: list[str] = []
        while len(pieces) > 1 and self._all_in(pieces[-1], self.words.suffixes):
            suffixes = [*pieces.pop(), *suffixes]
        if len(pieces) > 1:
            return self._last_comma_first(pieces, suffixes)
        if not pieces:
            return Parts()
        title, words = self._title(pieces[0])
        if any(self.keys[word] in _AND or word in _AND for word in words[1:]):
            return Parts(title, " ".join(words[:-1]) or None, None, words[-1])
        words, more = self._suffix(words)
        first, middle, last = self._natural(words, has_title=title is not None)
        return Parts(title, first, middle, last, self._shown([*more, *suffixes]))

    def given(self, text: str) -> Parts:
        """Take a title off the front of a first name, a generation and initials off its end."""
        title, words = self._title([word for word in _told(_words(text)) if word != ","])
        last = self._take_generations(words)
        cut = len(words)
        while cut > 1 and _INITIAL.fullmatch(words[cut - 1]):
            cut -= 1
        if words and _INITIAL.fullmatch(words[0]):
            cut = len(words)
        first, middle = words[:cut], " ".join(words[cut:])
        suffix = self._shown([*self._take_generations(first), *last])  # Robert Jr A
        return Parts(title, " ".join(first) or None, middle or None, None, suffix)

    def _take_generations(self, words: list[str]) -> list[str]:
        """Take the generations off the end of some words, but never the first word."""
        taken: list[str] = []
        while len(words) > 1 and self.keys[words[-1]] in self.words.generations():
            taken.insert(0, words.pop())
        return taken

    def family(self, text: str) -> Parts:
        """Take a title off the front of a last name and a suffix off its end."""
        words, suffixes = self._suffix(_told(_words(text)))
        if "," in words[1:-1]:
            return Parts(last_name=text)
        words = [word for word in words if word != ","]
        title, rest = self._title(words)
        if not rest:
            title, rest = None, words
        return Parts(title, None, None, " ".join(rest) or text, self._shown(suffixes))

    def _last_comma_first(self, pieces: list[list[str]], suffixes: list[str]) -> Parts:
        title, last = self._title(pieces[0])
        if not last:
            title, last = None, pieces[0]
        last, more = self._suffix(last)
        second, given = self._title([word for piece in pieces[1:] for word in piece])
        given, others = self._suffix(given)
        title = " ".join(filter(None, (title, second))) or None
        suffix = self._shown([*more, *others, *suffixes])
        return Parts(title, *_first_and_rest(given), " ".join(last), suffix)

    def _natural(
        self, words: list[str], *, has_title: bool
    ) -> tuple[str | None, str | None, str | None]:
        """Tell first, middle and last name of words without title and suffix."""
        if len(words) < 2:
            name = " ".join(words) or None
            is_last = has_title or self.order != "first_last"
            return (None, None, name) if is_last else (name, None, None)
        shouted = [_is_shouted(word, words) for word in words]
        if not all(shouted) and shouted[0] and not any(shouted[shouted.index(False) :]):
            cut = shouted.index(False)
            return *_first_and_rest(words[cut:]), " ".join(words[:cut])
        if self.order != "first_last":
            cut = self._end_of_particles(words)
            return *_first_and_rest(words[cut:]), " ".join(words[:cut])
        cut = self._start_of_last(words, has_title=has_title)
        return *_first_and_rest(words[:cut]), " ".join(words[cut:])

    def _start_of_last(self, words: list[str], *, has_title: bool) -> int:
        keys = [self.keys[word] for word in words]
        if (has_title or len(words) > 2) and all(key in self.words.particles for key in keys[:-1]):
            return 0
        for place in range(1, len(words) - 1):
            if keys[place] in self.words.particles:
                return place
            if keys[place] in self.words.connectors and place > 1:
                return place - 1
        first_shouted = next((n for n, word in enumerate(words) if _is_shouted(word, words)), 0)
        if first_shouted and all(_is_shouted(word, words) for word in words[first_shouted:]):
            return first_shouted
        return len(words) - 1

    def _end_of_particles(self, words: list[str]) -> int:
        cut = 1
        while cut < len(words) - 1 and self.keys[words[cut - 1]] in self.words.particles:
            cut += 1
        return cut

    def _title(self, words: list[str]) -> tuple[str | None, list[str]]:
        """Split leading titles off, also those of two people: "Mr & Mrs Smith"."""
        cut = 0
        while cut < len(words) and (
            self.keys[words[cut]] in self.words.titles
            or (cut and words[cut].lower() in _AND and self._is_title(words[cut + 1 : cut + 2]))
        ):
            cut += 1
        shown = [self.words.titles.get(self.keys[word], word) for word in words[:cut]]
        return " ".join(shown) or None, words[cut:]

    def _suffix(self, words: list[str]) -> tuple[list[str], list[str]]:
        cut = len(words)
        while cut > 1 and (words[cut - 1] == "," or self._is_suffix(words[cut - 1])):
            cut -= 1
        return words[:cut], [word for word in words[cut:] if word != ","]

    def _is_title(self, words: list[str]) -> bool:
        return bool(words) and self._all_in(words, self.words.titles)

    def _is_suffix(self, word: str) -> bool:
        return self.keys[word] in self.words.suffixes

    def _all_in(self, words: Iterable[str], table: dict[str, str]) -> bool:
        return all(self.keys[word] in table for word in words)

    def _shown(self, suffixes: list[str]) -> str | None:
        shown = (self.words.suffixes[self.keys[word]] for word in suffixes)
        return " ".join(dict.fromkeys(shown)) or None


def split_full_names(texts: pl.Series, order: str, words: NameWords) -> pl.DataFrame:
    """Take full names apart, in the order of the feed or as a comma in them says."""
    bare = mend(texts, texts.str.contains(_NICKNAME), _without_nickname)
    in_front = words.last_in_front()
    bare = mend(
        bare,
        bare.str.contains(in_front),
        lambda some: some.str.replace(in_front, "${a}${c}, ${b}${d}"),
    )
    frame = bare.alias("text").to_frame().with_row_index("row").drop_nulls("text")
    titles = frame["text"].str.extract(words.in_front())
    plain = frame["text"].str.slice(titles.str.len_chars().fill_null(0))
    is_plain = plain.str.contains(_PLAIN) & ~plain.str.contains(words.anywhere())
    groups = r"^(\S+)(?: (.+))? (\S+)$" if order == "first_last" else r"^(\S+) (\S+)(?: (.+))?$"
    names = PARTS[1:4] if order == "first_last" else (PARTS[3], PARTS[1], PARTS[2])
    parts = plain.filter(is_plain).str.extract_groups(groups).struct.unnest()
    shown = shown_words(titles.filter(is_plain).str.strip_chars(), words.titles).alias("title")
    settled = frame.filter(is_plain).select("row", shown).hstack(parts.rename(_numbered(names)))
    rest = frame.filter(~is_plain)
    read = rest.select("row").hstack(_read(rest["text"], _Reader.full, order, words))
    rows = pl.DataFrame({"row": pl.int_range(texts.len(), dtype=pl.UInt32, eager=True)})
    both = pl.concat([settled, read], how="diagonal")
    return rows.join(both, on="row", how="left", maintain_order="left").select(PARTS)


def split_first_names(texts: pl.Series, words: NameWords) -> pl.DataFrame:
    """Take titles, generations and initials off first names."""
    return _read(texts, _Reader.given, "first_last", words)


def split_last_names(texts: pl.Series, words: NameWords) -> pl.DataFrame:
    """Take titles and suffixes off last names."""
    return _read(texts, _Reader.family, "first_last", words)


def shown_words(texts: pl.Series, table: dict[str, str]) -> pl.Series:
    """Show titles or suffixes as the lookup does, if it knows every word of the text."""

    def shown(some: pl.Series) -> pl.DataFrame:
        keys = _word_keys(some)
        answers = [
            " ".join(table[keys[word]] for word in _words(text))
            if text and all(keys[word] in table for word in _words(text))
            else text
            for text in some
        ]
        return pl.DataFrame({"shown": pl.Series(answers, dtype=pl.String)})

    return texts if texts.null_count() == texts.len() else on_distinct(texts, shown)["shown"]


def any_word(words: Iterable[str]) -> str:
    """A regular expression for text with one of the folded words, dots and accents allowed."""
    return rf"(?i)(?:^|[ ,./&+-])(?:{_spellings(words)})(?:$|[ ,./&+-])"


def _spellings(words: Iterable[str]) -> str:
    return "|".join(r"[.-]?".join(map(_letter, word)) for word in sorted(words) if word)


def _letter(folded: str) -> str:
    return f"[{folded}{_ACCENTED[folded]}]" if folded in _ACCENTED else re.escape(folded)


def _read(
    texts: pl.Series, read: Callable[[_Reader, str], Parts], order: str, words: NameWords
) -> pl.DataFrame:
    def answers(some: pl.Series) -> pl.DataFrame:
        reader = _Reader(words, order, _word_keys(some))
        rows = [Parts() if text is None else read(reader, text) for text in some]
        return pl.DataFrame(rows, schema=dict.fromkeys(PARTS, pl.String), orient="row")

    return on_distinct(texts, answers)


def _word_keys(texts: pl.Series) -> dict[str, str]:
    """The folded form, without blanks, of every word in the texts; words fold many at a time."""
    split = {word for text in texts.drop_nulls() for word in (*_words(text), *text.split())}
    words = pl.Series(sorted(split), dtype=pl.String)
    keys = folded(words).str.replace_all(" ", "", literal=True).fill_null("")
    return dict(zip(words, keys, strict=True))


def _without_nickname(texts: pl.Series) -> pl.Series:
    bare = texts.str.replace_all(_NICKNAME, " ").str.strip_chars()
    return texts.zip_with(bare == "", bare)


def _words(text: str) -> list[str]:
    return text.replace(",", " , ").split()


def _told(words: list[str]) -> list[str]:
    """The words that say something, and the commas and signs that join two people."""
    return [word for word in words if word in _JOINTS or any(map(str.isalnum, word))]


def _joined(table: dict[str, str]) -> dict[str, str]:
    keys = folded(pl.Series(list(table), dtype=pl.String)).str.replace_all(" ", "", literal=True)
    return {key: shown for key, shown in zip(keys, table.values(), strict=True) if key}


def _numbered(names: Iterable[str]) -> dict[str, str]:
    return {str(place): name for place, name in enumerate(names, start=1)}


def _first_and_rest(words: list[str]) -> tuple[str | None, str | None]:
    return (words[0] if words else None), (" ".join(words[1:]) or None)


def _is_shouted(word: str, words: list[str]) -> bool:
    """Whether a word is in capitals and stands out by it from the others."""
    return len(word) > 2 and word.isupper() and "." not in word and not "".join(words).isupper()
