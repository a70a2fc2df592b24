"""Work out what the golden record would be, by the same rules as the next run."""

from typing import NamedTuple

import polars as pl

from steward.desk.seen import as_text, text
from store.reading import Row, Snapshot
from store.rulebook import Rulebook
from transforms.survive import ORDER, survive

SHOWN = {
    "name": "Name",
    "birth_date": "Birth date",
    "email": "E-mail",
    "phone": "Phone",
    "place": "Address",
    "company": "Company",
    "job_title": "Job",
    "gender": "Gender",
    "language": "Language",
    "consent_email": "May e-mail",
    "consent_phone": "May call",
    "consent_post": "May post",
}
"""What a field of survivorship.toml is called; others go by their names."""

_BOTH, _A, _B = 0, 1, 2
"""The groups that are worked out together: the merged customer, and each of the two alone."""


class Chosen(NamedTuple):
    """One field of the golden record to come."""

    field: str
    title: str
    value: str
    why: str
    side: str
    """Whose value it is: `a`, `b`, or `ab` where both say so."""
    rivals: dict[str, str]
    """By side the value that stands there now, where that is another one."""


class Preview(NamedTuple):
    """The golden record to come."""

    fields: list[Chosen]
    has_name: bool
    has_contact: bool


def preview_merge(
    snapshot: Snapshot, ours: list[Row], theirs: list[Row], rulebook: Rulebook
) -> Preview:
    """What becomes of two customers' records when they are one."""
    lineage = _golden(snapshot, [(_BOTH, ours + theirs), (_A, ours), (_B, theirs)], rulebook)
    numbers = {row["record_number"] for row in ours}
    fields = [
        _chosen(field, lineage, numbers, rulebook)
        for field in rulebook.survivorship.fields
        if (_BOTH, field) in lineage
    ]
    known = {one.field for one in fields}
    return Preview(fields, bool({"name", "company"} & known), bool({"email", "phone"} & known))


def golden_values(snapshot: Snapshot, records: list[Row], rulebook: Rulebook) -> Preview:
    """What records make that are one customer."""
    return preview_merge(snapshot, records, [], rulebook)


class _Value(NamedTuple):
    value: str
    record_number: int | None
    decided_by: str


_Lineage = dict[tuple[int, str], _Value]
"""By group and field of survivorship.toml."""


def _golden(
    snapshot: Snapshot, groups: list[tuple[int, list[Row]]], rulebook: Rulebook
) -> _Lineage:
    rules = rulebook.survivorship
    fields = [*rules.names(), *(also for rule in rules.fields.values() for also in rule.also)]
    trust = {source: feed.trust for source, feed in rulebook.feeds.items()}
    frames = [
        as_text(records, fields).with_columns(
            pl.lit(group, pl.Int64).alias("group"),
            trust=pl.col("source").replace_strict(trust, default=0, return_dtype=pl.Int64),
            updated_at=pl.Series(
                [row.get("updated_at") or row["received_at"] for row in records],
                dtype=pl.Datetime("us", "UTC"),
            ),
        )
        for group, records in groups
        if records
    ]
    found = survive(pl.concat(frames), rules, _said(snapshot, groups, rulebook))
    return _read(found.lineage, rulebook)


def _read(lineage: dict[str, pl.DataFrame], rulebook: Rulebook) -> _Lineage:
    """Golden values by field of survivorship.toml; of a group that is taken whole, in one text."""
    told: _Lineage = {}
    for field, rule in rulebook.survivorship.fields.items():
        for name in rule.group or (field,):
            for row in lineage[name].iter_rows(named=True):
                key = (row["group"], field)
                value = f"{told[key].value} {row['value']}" if key in told else row["value"]
                told[key] = _Value(value, row["record_number"], row["decided_by"])
    return told


def _said(
    snapshot: Snapshot, groups: list[tuple[int, list[Row]]], rulebook: Rulebook
) -> pl.DataFrame:
    """Values that stewards have chosen for these customers, the newest of each field."""
    schema = {"group": pl.Int64, "field": pl.String, "value": pl.String, "record_number": pl.Int64}
    told = [
        (group, field, value, record)
        for field, value, record, founder in _stewards(snapshot, groups[0][1], rulebook)
        for group, records in groups
        if any(row["founder"] == founder for row in records)
    ]
    newest = {(group, field): (group, field, *rest) for group, field, *rest in reversed(told)}
    return pl.DataFrame(list(newest.values()), schema=schema, orient="row")


def _stewards(
    snapshot: Snapshot, records: list[Row], rulebook: Rulebook
) -> list[tuple[str, str, int | None, int]]:
    """Field, value, record and founder of each value that a steward chose, the newest first."""
    found = snapshot.rows(
        "select * from noted_values where founder = any($founders)",
        {"founders": sorted({row["founder"] for row in records})},
    )
    said = [
        (row[f"{field}_since"] or row["changed_at"], field, row)
        for row in found
        for field in rulebook.survivorship.names()
        if row[f"{field}_by"] == "steward" and row[field] is not None
    ]
    return [
        (field, str(text(row[field])), row[f"{field}_record"] or None, row["founder"])
        for _, field, row in sorted(said, key=lambda one: one[0], reverse=True)
    ]


def _chosen(field: str, lineage: _Lineage, ours: set[int], rulebook: Rulebook) -> Chosen:
    found = lineage[_BOTH, field]
    alone = {
        side: lineage[group, field].value
        for side, group in (("a", _A), ("b", _B))
        if (group, field) in lineage
    }
    sides = "".join(side for side, value in alone.items() if value == found.value)
    return Chosen(
        field,
        SHOWN.get(field, field),
        found.value,
        found.decided_by,
        sides or ("a" if found.record_number in ours else "b"),
        {side: value for side, value in alone.items() if value != found.value},
    )


WHY = dict.fromkeys(ORDER, "") | {
    "only_value": "",
    "steward": "a steward chose it",
    "most_trusted": "most trusted source",
    "most_recent": "most recent",
    "most_frequent": "most frequent",
    "most_complete": "most complete",
    "refusal_first": "a refusal wins",
    "first_to_arrive": "first to arrive",
}
"""What decided, in words."""
