"""Judge posts as the next run will: by the transforms that standardise and validate records.

The whole line costs a tenth of a second for one record as for a hundred. So a quick look comes
first: whether the record is a test or misused, and whether each contact point is valid, by the same
functions. Who has a valid contact point and is neither is good by every check there is; all others
go through the line itself, apart from the rest, who would wait for it. A test holds the two
against each other.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple

import polars as pl

from rules.feed import Feed, IntakeRule
from rules.lookups import Lookups
from rules.schemas import RECORD
from steward.posts import Post, Reason
from transforms.conform import conform
from transforms.standardise import emails, phones
from transforms.standardise.contact_lists import split_contacts
from transforms.standardise.dates import EARLIEST, OLDEST_AGE, read_dates
from transforms.standardise.fold import cleaned, folded, folded_keys
from transforms.standardise.placeholders import blank_placeholders, is_spam, is_test_record
from transforms.standardise.records import move_up, standardise_texts
from transforms.validate import validate

EMAILS, PHONES = ("email", "email_2"), ("phone", "phone_2")
_NOT_TEXTS = {"source_key", "note"}


class ContactPoint(NamedTuple):
    """One contact point of a post and its verification."""

    field: str
    """The sender's name of it."""
    kind: str
    """email or phone."""
    verification: str
    """valid or invalid."""
    value: str | None
    """As it will be kept: the address in lower case, the number in E.164; null unless valid."""
    reason: str | None


class Verdict(NamedTuple):
    """What is known of a post; it is refused if there is any reason."""

    reasons: list[Reason]
    contact_points: list[ContactPoint]
    is_doubtful: bool = False
    """Whether the line itself must be asked."""


class Judge:
    """Judges the posts of one feed."""

    def __init__(self, feed: Feed, lookups: Lookups) -> None:
        if feed.intake is None:
            raise ValueError(f"the feed {feed.source} takes no posts")
        self.feed = feed
        self.rule: IntakeRule = feed.intake
        self._lookups = lookups
        self._countries = folded_keys(lookups.countries)
        self._region_of = lru_cache(maxsize=10_000)(self._read_region)
        required = "|".join(self.rule.required).split("|")
        looked_at = (*EMAILS, *PHONES, "country", "birth_date", *required)
        self._looked_at = [name for name in dict.fromkeys(looked_at) if name not in _NOT_TEXTS]
        self._plain_date = _pattern(feed.parse.birth_date)

    def judge(self, posts: Sequence[Post]) -> list[Verdict]:
        """A verdict for each post, in order, but for the checks of those that are doubtful."""
        rows = self._rows(posts)
        blanked = blank_placeholders(rows, self._looked_at, self._lookups)
        is_odd = (is_test_record(rows, self._lookups) | is_spam(rows)).to_list()
        verdicts = []
        for post, given, points in zip(
            posts, blanked.iter_rows(named=True), self._contact_points(posts, blanked), strict=True
        ):
            verdicts.append(Verdict(self._reasons(post, given, points), points))
        for index, verdict in enumerate(verdicts):
            has_valid = any(point.value for point in verdict.contact_points)
            born = blanked["birth_date"][index] if "birth_date" in blanked.columns else None
            is_plain = born is None or self._is_plain_date(born, posts[index].received_at)
            is_clear = has_valid and is_plain and not is_odd[index]
            verdicts[index] = verdict._replace(is_doubtful=not is_clear)
        return verdicts

    def failed_checks(self, posts: Sequence[Post]) -> list[list[Reason]]:
        """What the line says of each post: for those that the quick look doubts."""
        rows = self._rows(posts)
        dates = self._date_faults(posts, rows)
        failed = validate(self._records(rows, posts), RECORD).quarantined
        words = dict(failed.select("arrival", "reasons").iter_rows())
        return [
            [*dates[index], *(Reason(None, word) for word in words.get(index, []))]
            for index in range(rows.height)
        ]

    def read(self, post: Post) -> dict[str, object]:
        """The record that the line makes of a post, by our names of its fields."""
        return self._records(self._rows([post]), [post]).row(0, named=True)

    def _records(self, rows: pl.DataFrame, posts: Sequence[Post]) -> pl.DataFrame:
        """The rows as the line standardises them."""
        records = self._standardised(rows, posts)
        for name in PHONES:
            asked = records.select(raw=pl.col(name), region="region_hint")
            records = records.with_columns(phones.verify_phones(asked)["value"].alias(name))
        for name in EMAILS:
            found = emails.verify_emails(records.select(raw=pl.col(name)))["value"]
            records = records.with_columns(found.alias(name))
        return move_up(records)

    def _rows(self, posts: Sequence[Post]) -> pl.DataFrame:
        """Our columns as text, as ingest will have them."""
        names = dict.fromkeys(name for post in posts for name in post.columns)
        rows = [{name: text or None for name, text in post.columns.items()} for post in posts]
        frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String))
        return split_contacts(conform(frame.with_row_index("row_number"), self.feed))

    def _contact_points(
        self, posts: Sequence[Post], blanked: pl.DataFrame
    ) -> list[list[ContactPoint]]:
        """The contact points of each post, e-mails first."""
        points: list[list[ContactPoint]] = [[] for _ in posts]
        for name in (name for name in EMAILS if name in blanked.columns):
            addresses = blanked.select(emails.bare_address(pl.col(name))).to_series()
            for index, address in enumerate(addresses):
                if address is not None:
                    verdict = emails.ask_library(address)._asdict()
                    points[index].append(self._point(name, posts[index], verdict))
        told = self._read_by(posts, blanked)
        for name in (name for name in PHONES if name in blanked.columns):
            numbers = zip(told[name], told["region_hint"], strict=True)
            for index, (raw, region) in enumerate(numbers):
                if raw is not None:
                    verdict = phones.ask_library(raw, region)._asdict()
                    points[index].append(self._point(name, posts[index], verdict))
        return points

    def _point(self, name: str, post: Post, verdict: dict[str, str | None]) -> ContactPoint:
        kind = name.removesuffix("_2")
        reason = f"{kind}_{verdict['reason']}" if verdict["reason"] else None
        said = verdict["verification"] or "invalid"
        return ContactPoint(self._theirs(name, post), kind, said, verdict["value"], reason)

    def _read_by(self, posts: Sequence[Post], blanked: pl.DataFrame) -> pl.DataFrame:
        """The phone numbers, and beside them the country to read each by: `region_hint`."""
        parse = self.feed.parse
        if parse.region is None or any("country" in part for part in parse.address_parts):
            return self._standardised(blanked, posts)
        countries = blanked["country"] if "country" in blanked.columns else [None] * blanked.height
        hints = pl.Series([self._region_of(country) for country in countries], dtype=pl.String)
        return blanked.with_columns(region_hint=hints)

    def _reasons(
        self, post: Post, given: dict[str, str | None], points: list[ContactPoint]
    ) -> list[Reason]:
        """What is missing, and what is there and cannot be used."""
        faults = {point.field: point.reason for point in points if point.reason}
        missing = []
        refused: dict[str, str] = dict(faults) if self.rule.invalid == "refuse" else {}
        for choice in self.rule.required:
            fields = choice.split("|")
            there = [self._theirs(name, post) for name in fields if given.get(name) is not None]
            if not there:
                word = "required" if len(fields) == 1 else "required_one_of"
                missing += [Reason(self._theirs(name, post), word) for name in fields]
            elif all(name in faults for name in there):
                refused |= {name: faults[name] for name in there}
        return [*missing, *(Reason(name, word) for name, word in refused.items())]

    def _standardised(self, rows: pl.DataFrame, posts: Sequence[Post]) -> pl.DataFrame:
        """The rows as the line standardises them, but for their contact points."""
        number = pl.int_range(pl.len(), dtype=pl.Int64)
        versions = rows.drop("row_number").with_columns(
            arrival=number,
            record_number=number,
            received_at=pl.lit(datetime.fromisoformat(posts[0].received_at)),
            source=pl.lit(self.feed.source),
        )
        return standardise_texts(versions, self.feed, self._lookups)

    def _theirs(self, field: str, post: Post) -> str:
        """What the sender calls a field of ours: the name that was used, or the first there is."""
        names = [theirs for theirs, ours in self.feed.columns.items() if ours == field]
        if not names and field.endswith("_2"):  # of a cell with two
            return self._theirs(field.removesuffix("_2"), post)
        return next(
            (name for name in names if post.columns.get(name)), names[0] if names else field
        )

    def _read_region(self, country: str | None) -> str | None:
        name = folded(cleaned(pl.Series([country], dtype=pl.String))).item()
        code = self._countries.get(name or "")
        return code or self.feed.parse.region

    def _is_plain_date(self, text: str, received_at: str) -> bool:
        """Whether this is surely a date of birth, so that the line need not be asked."""
        found = self._plain_date.fullmatch(text) if self._plain_date else None
        if found is None:
            return False
        parts = found.groupdict()
        iso = f"{parts['Y']}-{parts['m']}-{parts['d']}"
        try:
            day = date.fromisoformat(iso)
        except ValueError:
            return False
        today = date.fromisoformat(received_at[:10])
        is_likely = EARLIEST <= day <= today and today.year - day.year < OLDEST_AGE
        return is_likely and iso not in self._lookups.placeholder_dates

    def _date_faults(self, posts: Sequence[Post], rows: pl.DataFrame) -> list[list[Reason]]:
        """Why the date of birth of each post cannot be used, where that matters."""
        matters = self.rule.invalid == "refuse" or "birth_date" in self.rule.required
        if "birth_date" not in rows.columns or not matters:
            return [[] for _ in posts]
        texts = blank_placeholders(rows, ["birth_date"], self._lookups)["birth_date"]
        today = date.fromisoformat(posts[0].received_at[:10])
        found = read_dates(texts, self.feed.parse.birth_date, today, self._lookups)
        return [
            [Reason(self._theirs("birth_date", post), f"birth_date_{word}")]
            if word and word != "placeholder"
            else []
            for post, word in zip(posts, found["birth_date_reason"], strict=True)
        ]


def _pattern(formats: str) -> re.Pattern[str] | None:
    """What a date in the feed's one format looks like; none where it has others or words."""
    if not all(formats.count(part) == 1 for part in _DIGITS) or "|" in formats:
        return None
    pattern = re.escape(formats)
    for part, digits in _DIGITS.items():
        pattern = pattern.replace(re.escape(part), digits)
    return None if "%" in pattern else re.compile(pattern)


_DIGITS = {"%Y": "(?P<Y>[0-9]{4})", "%m": "(?P<m>[0-9]{2})", "%d": "(?P<d>[0-9]{2})"}
