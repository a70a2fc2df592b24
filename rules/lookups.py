"""Hold the lookups: the words that standardising needs to know, as people write them.

This module reads no file. `Lookups.from_tables` takes what a caller has read, one table per file
of `rules/lookups/`, keyed by the file's stem: `tomllib.loads(path.read_text("utf-8"))`. A file
that is missing or that nobody knows is an error, and so is a word with two meanings.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Self

from pydantic import Field

from rules.base import Rule


class Placeholders(Rule):
    """What people and programs write in one kind of field when they have nothing to say."""

    words: tuple[str, ...] = Field((), description="in any case, with any punctuation around")
    exact: tuple[str, ...] = Field((), description="written exactly so; elsewhere a real value")
    patterns: tuple[str, ...] = Field((), description="regular expressions, case ignored")


class TrialWords(Rule):
    """The words by which a record shows that somebody was only trying out a form."""

    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    full_names: tuple[str, ...]
    email_patterns: tuple[str, ...]
    phone_patterns: tuple[str, ...]


class PostcodeForm(Rule):
    """How one country writes its postcodes."""

    pattern: str = Field(description="of the whole postcode, upper case, without blanks or hyphens")
    form: str = Field(description="how it is shown, with $1, $2 … for the groups of the pattern")
    search: str = Field(description="of a postcode inside an address as people type it")
    area: int | None = Field(None, ge=1, description="how many characters are compared; unset: all")
    is_unlike_others: bool = Field(False, description="no other country writes one like `search`")


class Lookups(Rule):
    """All lookups. Keys are as people write them; who compares folds them first."""

    nicknames: dict[str, str] = Field(description="nickname = root")
    short_names: dict[str, tuple[str, ...]] = Field(
        description="short name = what it may stand for"
    )
    titles: dict[str, str] = Field(description="as written = as shown")
    suffixes: dict[str, str] = Field(description="as written = as shown")
    particles: frozenset[str] = Field(description="begin a last name, shown in lower case")
    particles_capital: frozenset[str] = Field(description="begin a last name, shown with a capital")
    connectors: frozenset[str] = Field(description="join two last names, as y in Ortega y Gasset")
    surnames_in_front: frozenset[str] = Field(
        frozenset(), description="last names in front of a first name without a blank between them"
    )
    minor_words: frozenset[str] = Field(description="shown in lower case inside names of places")
    months: dict[str, int] = Field(description="name of a month = its number")
    placeholders: dict[str, Placeholders] = Field(description="by kind of field")
    placeholder_dates: frozenset[str] = Field(description="yyyy-mm-dd, possible dates or not")
    test_records: TrialWords
    countries: dict[str, str] = Field(description="name, alias or code = ISO 3166 alpha-2")
    postcodes: dict[str, PostcodeForm] = Field(description="by country")
    mail_regions: dict[str, str] = Field(description="ending of a mailbox's domain = ISO 3166")
    street_words: dict[str, str] = Field(description="a word or ending of streets = its short form")
    numbers_last: frozenset[str] = Field(
        description="countries where the number of a house stands behind its street"
    )
    unit_words: frozenset[str] = Field(description="begin the number of a flat, floor or suite")
    company_words: frozenset[str] = Field(description="make a name a company's, in any case")
    company_forms: frozenset[str] = Field(
        description="make a name a company's when written exactly so at the end of mixed case"
    )
    legal_forms: frozenset[str] = Field(
        frozenset(), description="end a company's name and say what it is in law, not who"
    )

    @classmethod
    def from_tables(cls, tables: dict[str, Any]) -> Self:
        """Build the lookups from the tables as read (`Any`: what a TOML or CSV reader gives)."""
        _refuse_other_tables(tables)
        placeholders = dict(tables["placeholders"])
        particles, companies = tables["particles"], tables["company_forms"]
        streets = dict(tables["street_words"])
        return cls(
            nicknames=_shown_forms(tables["nicknames"]),
            short_names=tables["short_names"],
            titles=_shown_forms(tables["titles"]),
            suffixes=_shown_forms(tables["suffixes"]),
            particles=particles["lower"],
            particles_capital=particles["capital"],
            connectors=particles["connectors"],
            surnames_in_front=particles.get("surnames_in_front", ()),
            minor_words=particles["minor_words"],
            months=_months(tables["months"]),
            placeholder_dates=placeholders.pop("dates"),
            test_records=placeholders.pop("test_records"),
            placeholders=placeholders,
            countries=_shown_forms(tables["countries"]),
            postcodes=tables["postcodes"],
            mail_regions=_mail_regions(tables["mail_domains"], tables["countries"]),
            numbers_last=streets.pop("numbers_last"),
            unit_words=streets.pop("unit_words"),
            street_words=_merged(pair for words in streets.values() for pair in words.items()),
            company_words=companies["words"],
            company_forms=companies["exact"],
            legal_forms=companies.get("legal", ()),
        )


TABLES = frozenset(
    {
        "nicknames",
        "short_names",
        "titles",
        "suffixes",
        "particles",
        "months",
        "placeholders",
        "countries",
        "mail_domains",
        "postcodes",
        "street_words",
        "company_forms",
    }
)
"""The stems of the files in `rules/lookups/` that make the lookups."""

DRAFTING_TABLES = frozenset({"column_names"})
"""The stems of the files there that only help to draft a feed, and are left alone here."""


def _refuse_other_tables(tables: Mapping[str, object]) -> None:
    if set(tables) - DRAFTING_TABLES != TABLES:
        odd = ", ".join(sorted((set(tables) - DRAFTING_TABLES) ^ TABLES))
        raise ValueError(f"lookups missing, or not known: {odd}; there are {sorted(TABLES)}")


def _mail_regions(
    table: Mapping[str, Any], countries: Mapping[str, Iterable[str]]
) -> dict[str, str]:
    """Each country's own ending, but for those that are sold to anybody."""
    own = {code.lower(): code for code in countries if code.lower() != "gb"}
    sold = set(table["sold"]["endings"])
    return {end: code for end, code in (own | table["other"]).items() if end not in sold}


def _shown_forms(table: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Turn shown = [written, …] into written = shown; what is shown may be written too."""
    return _merged((word, shown) for shown, words in table.items() for word in (shown, *words))


def _months(table: Mapping[str, Iterable[str]]) -> dict[str, int]:
    return {word: int(number) for word, number in _shown_forms(table).items()}


def _merged(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    table: dict[str, str] = {}
    for word, meaning in pairs:
        if table.setdefault(word, meaning) != meaning:
            raise ValueError(f"{word!r} means both {table[word]!r} and {meaning!r}")
    return table
