"""Work out golden values of given records by the rules that a run uses.

For what a reader may see of a customer, and for customers that a decision would make.
"""

from typing import NamedTuple

import polars as pl

from rules.survivorship import Survivorship
from store.opened import Row
from store.rulebook import Rulebook
from transforms.survive import survive


class Golden(NamedTuple):
    """One golden value."""

    value: str
    record_number: int | None
    """The record that it came from; none if a person typed it."""
    decided_by: str


Values = dict[str, Golden]
"""By field, what holds; a field without a value is not there."""


class Choice(NamedTuple):
    """A value that a person chose."""

    field: str
    value: str
    record_number: int | None


def survivors(
    groups: list[list[Row]], rulebook: Rulebook, choices: list[list[Choice]]
) -> list[Values]:
    """The golden values of each group of records, with what people chose for it.

    One record that says nothing twice is its own golden record: that needs no frames.
    """
    rules = rulebook.survivorship
    values = [
        _alone(records[0], rules) if _is_plain(records, some, rules) else {}
        for records, some in zip(groups, choices, strict=True)
    ]
    groups = [[] if done else records for records, done in zip(groups, values, strict=True)]
    if not any(groups):
        return values
    chosen = _choices(choices)
    found = survive(_frame(groups, rulebook), _told(groups, rules, chosen), chosen)
    for field, lineage in found.lineage.items():
        for row in lineage.iter_rows(named=True):
            values[row["group"]][field] = Golden(
                row["value"], row["record_number"], row["decided_by"]
            )
    return values


def _told(groups: list[list[Row]], rules: Survivorship, chosen: pl.DataFrame) -> Survivorship:
    """The rules of the fields of which anybody says anything."""
    said = {field for records in groups for row in records for field, value in row.items()
            if value is not None}  # fmt: skip
    said |= set(chosen["field"])
    fields = {
        name: rule for name, rule in rules.fields.items() if said & {name, *rule.group, *rule.also}
    }
    return rules.model_copy(update={"fields": fields})


def _is_plain(records: list[Row], choices: list[Choice], rules: Survivorship) -> bool:
    also = [name for rule in rules.fields.values() for name in rule.also]
    return len(records) == 1 and not choices and not any(records[0].get(name) for name in also)


def _alone(row: Row, rules: Survivorship) -> Values:
    said = {field: as_text(row.get(field)) for field in rules.names()}
    return {
        field: Golden(value, row["record_number"], "only_value")
        for field, value in said.items()
        if value is not None
    }


def stands(values: Values) -> bool:
    """Whether these values make a customer: `transforms.wide.publishable`, of one."""
    has_name = any(field in values for field in ("last_name", "first_name", "company"))
    return has_name and any(field in values for field in ("email", "phone"))


def as_text(value: object) -> str | None:
    """A value of a record as golden values are written."""
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _frame(groups: list[list[Row]], rulebook: Rulebook) -> pl.DataFrame:
    rules = rulebook.survivorship
    fields = [*rules.names(), *(also for rule in rules.fields.values() for also in rule.also)]
    rows = [
        {
            "group": group,
            "record_number": row["record_number"],
            "trust": _trust(row["source"], rulebook),
            "updated_at": row.get("updated_at") or row["received_at"],
            **{field: as_text(row.get(field)) for field in fields},
        }
        for group, records in enumerate(groups)
        for row in records
    ]
    schema: dict[str, pl.DataType] = {
        "group": pl.Int64(),
        "record_number": pl.Int64(),
        "trust": pl.Int64(),
        "updated_at": pl.Datetime("us", "UTC"),
        **dict.fromkeys(fields, pl.String()),
    }
    return pl.DataFrame(rows, schema=schema)


def _trust(source: str, rulebook: Rulebook) -> int:
    feed = rulebook.feeds.get(source)
    return feed.trust if feed else 0


def _choices(choices: list[list[Choice]]) -> pl.DataFrame:
    rows = [(group, *choice) for group, some in enumerate(choices) for choice in some]
    schema = {"group": pl.Int64, "field": pl.String, "value": pl.String, "record_number": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")
