"""Compare what came of a feed's sample with what its expected.toml says must come of it.

Where expected.toml names as many records, or quarantined rows, as it counts, any other is a
surprise; where it names fewer, those that it does not name may be as they are.
"""

import json
from typing import Any, NamedTuple

import polars as pl

from rules.expected import Expected

SHOWN = (
    "first_name",
    "last_name",
    "company",
    "email",
    "phone",
    "birth_date",
    "postcode",
    "country",
)
"""The fields that a draft of expected.toml shows."""

DRAFTED = 25
"""So many records and rows a draft names."""


class Outcome(NamedTuple):
    """What came of a sample."""

    row_count: int
    records: pl.DataFrame
    """source_key, row_number, operation (delete, or null) and the standardised fields."""
    quarantined: pl.DataFrame
    """row_number, reasons."""


def find_differences(expected: Expected, outcome: Outcome) -> list[str]:
    """Everything that came otherwise than expected, a sentence each; empty if nothing did."""
    return [
        *_count_differences(expected, outcome),
        *_record_differences(expected, as_text(outcome.records)),
        *_quarantine_differences(expected, outcome.quarantined),
    ]


def as_text(records: pl.DataFrame) -> pl.DataFrame:
    """Values as expected.toml writes them: 1979-06-14, true, and nothing for what is missing."""
    plain = records.select(pl.exclude(pl.List(pl.String)))
    return plain.with_columns(pl.exclude("row_number").cast(pl.String).fill_null(""))


def draft_expected(outcome: Outcome, sample: str) -> str:
    """The text of an expected.toml that says what came, for a person to read and correct."""
    records = as_text(outcome.records).sort("row_number").head(DRAFTED)
    has_keys = outcome.records["source_key"].str.contains(r"^[0-9a-f]{20}$").not_().any()
    name = "source_key" if has_keys else "row_number"
    fields = [field for field in SHOWN if field in records.columns]
    parts = [
        f"# expected.toml: what came of {sample}. TODO: read each value and write what should come."
        "\n# An empty text means: missing. A field that is left out may be anything.\n",
        "[counts]",
        f"rows        = {outcome.row_count}",
        f"records     = {outcome.records.height}",
        f"quarantined = {outcome.quarantined.height}",
    ]
    for row in records.iter_rows(named=True):
        parts += ["", "[[record]]", f"{name:10s} = {json.dumps(row[name], ensure_ascii=False)}"]
        parts += [f"{field:10s} = {json.dumps(row[field], ensure_ascii=False)}" for field in fields]
    for row in outcome.quarantined.sort("row_number").head(DRAFTED).iter_rows(named=True):
        parts += ["", "[[quarantined]]", f"row_number = {row['row_number']}"]
        parts.append(f"reasons    = {json.dumps(row['reasons'])}")
    return "\n".join(parts) + "\n"


def _count_differences(expected: Expected, outcome: Outcome) -> list[str]:
    came = {
        "rows": outcome.row_count,
        "records": outcome.records.height,
        "quarantined": outcome.quarantined.height,
    }
    return [
        f"{wanted} {name} are expected and {came[name]} came"
        for name, wanted in expected.counts
        if wanted != came[name]
    ]


def _record_differences(expected: Expected, records: pl.DataFrame) -> list[str]:
    """Expected records against those that came, by key or, where there is none, by row."""
    found: list[str] = []
    seen: set[int] = set()
    for wanted in expected.record:
        by = "source_key" if "source_key" in wanted else "row_number"
        came = records.filter(pl.col(by) == wanted[by])
        if came.is_empty():
            found.append(f"the record with {by} {wanted[by]} is expected and did not come")
            continue
        row = came.row(0, named=True)
        seen.add(row["row_number"])
        found += _value_differences(wanted, row, f"{by} {wanted[by]}")
    more = records.filter(~pl.col("row_number").is_in(list(seen)))
    if len(expected.record) == expected.counts.records:
        found += [
            f"row {row['row_number']} became a record (source_key {row['source_key']}) that is not "
            "expected"
            for row in more.sort("row_number").iter_rows(named=True)
        ]
    return found


def _value_differences(wanted: dict[str, str | int], row: dict[str, Any], name: str) -> list[str]:
    """The fields of one record that differ; `Any` is a cell as text or a row number."""
    unknown = [field for field in wanted if field not in row]
    differing = [field for field in wanted if field in row and row[field] != wanted[field]]
    return [
        *(f"{name}: there is no field {field}" for field in unknown),
        *(
            f"{name}: {field} should be {_shown(wanted[field])} and is {_shown(row[field])}"
            for field in differing
        ),
    ]


def _quarantine_differences(expected: Expected, quarantined: pl.DataFrame) -> list[str]:
    wanted = {row.row_number: sorted(row.reasons) for row in expected.quarantined}
    came = {
        number: sorted(reasons)
        for number, reasons in quarantined.select("row_number", "reasons").iter_rows()
    }
    is_whole = len(wanted) == expected.counts.quarantined
    numbers = sorted(wanted.keys() | came.keys()) if is_whole else sorted(wanted)
    return [
        f"row {number} should be in quarantine for {_reasons(wanted, number)} and is for "
        f"{_reasons(came, number)}"
        for number in numbers
        if wanted.get(number) != came.get(number)
    ]


def _reasons(rows: dict[int, list[str]], number: int) -> str:
    return ", ".join(rows.get(number, ["nothing"]))


def _shown(value: object) -> str:
    return "missing" if value == "" else f'"{value}"'
