"""Standardise: turn the text of new versions into values, one spelling for one meaning."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import polars as pl

from flows.run import Counts, Run
from flows.stages.correct import corrected
from store.warehouse import Warehouse
from transforms.carry import FIELDS, carry_forward
from transforms.standardise.contact_keys import phone_keys
from transforms.standardise.emails import email_library_version, verify_emails
from transforms.standardise.phones import phone_metadata_version, verify_phones
from transforms.standardise.records import move_up, standardise_texts

BATCH = 250_000
"""Versions that are standardised together at most: it bounds the memory."""


class Contacts(NamedTuple):
    """A kind of contact value and how it is verified."""

    table: str
    columns: tuple[str, ...]
    asked: dict[str, str]
    """What a verdict depends on beside the text itself, and the column that has it."""
    version: Callable[[], str]
    verify: Callable[[pl.DataFrame], pl.DataFrame]
    keeps_key: bool
    """Whether its key cannot be had from the value, since what has no value has one too."""
    key: pl.Expr


KINDS = (
    Contacts(
        "verify.phones",
        ("phone", "phone_2"),
        {"region": "region_hint"},
        phone_metadata_version,
        verify_phones,
        keeps_key=True,
        key=phone_keys(),
    ),
    Contacts(
        "verify.emails",
        ("email", "email_2"),
        {},
        email_library_version,
        verify_emails,
        keeps_key=False,
        key=pl.col("value"),
    ),
)


def standardise_records(run: Run, warehouse: Warehouse) -> Counts:
    """Standardise the versions that ingest left; each contact value is verified once, ever."""
    counts: Counts = {"values_parsed": 0, "records_standardised": 0}
    for rows in _landed(run):
        for batch in rows.iter_slices(BATCH):
            counts["values_parsed"] += _standardise(run, warehouse, batch)
            counts["records_standardised"] += batch.height
    return counts


def _landed(run: Run) -> Iterator[pl.DataFrame]:
    """What ingest left: the small deliveries of a feed together, each feed in order of arrival.

    Whatever its size, a batch costs a quarter of a second, and a rebuild may have thousands of
    deliveries to read.
    """
    waiting: dict[str, list[pl.DataFrame]] = {}
    for path in sorted(run.work.glob("landed_*.arrow")):
        rows = pl.read_ipc(path)
        if rows.is_empty():
            continue
        before = waiting.setdefault(rows["source"][0], [])
        if before and before[0].schema != rows.schema:
            yield pl.concat(before)
            before.clear()
        before.append(rows)
        if sum(one.height for some in waiting.values() for one in some) >= BATCH:
            yield from map(pl.concat, filter(None, waiting.values()))
            waiting.clear()
    yield from map(pl.concat, filter(None, waiting.values()))


def _standardise(run: Run, warehouse: Warehouse, rows: pl.DataFrame) -> int:
    """Standardise versions of one feed, in order of arrival; how many values were new."""
    feeds = run.rulebook.feeds
    if not warehouse.is_empty("ingest.corrections"):
        said = "select arrival, field, value from ingest.corrections semi join rows using (arrival)"
        rows = corrected(rows, warehouse.read(said, rows=rows.select("arrival")))
    records = standardise_texts(rows, feeds[rows["source"][0]], run.rulebook.lookups)
    parsed = 0
    for kind in KINDS:
        records, count = _verify(warehouse, records, kind)
        parsed += count
    records = carry_forward(move_up(records), _before(warehouse, records), feeds)
    warehouse.insert("std.records", records.drop("region_hint"))
    return parsed


def _verify(
    warehouse: Warehouse, records: pl.DataFrame, kind: Contacts
) -> tuple[pl.DataFrame, int]:
    """Put the normal form in the place of contact values as delivered; how many were new."""
    texts = [records.select(raw=name, **kind.asked) for name in kind.columns]
    given = pl.concat(texts).with_row_index("row").drop_nulls("raw")
    groups = given.group_by("raw", *kind.asked).agg("row").with_row_index("number")
    known = _known(warehouse, groups.drop("row"), kind)
    unseen = groups.drop("row").join(known, on="number", how="anti")
    verdicts = kind.verify(unseen.drop("number"))
    warehouse.insert(kind.table, verdicts.with_columns(version=pl.lit(kind.version())))
    values = pl.concat([known, unseen.select("number", verdicts["value"], verdicts["reason"])])
    found = groups.join(values, on="number").with_columns(kind.key.alias("key")).explode("row")
    columns = _spread(found.select("row", "value"), kind.columns, records.height)
    if kind.keeps_key:
        keys = [f"{name}_key" for name in kind.columns]
        columns |= _spread(found.select("row", "key"), keys, records.height)
    return records.with_columns(**columns), unseen.height


def _spread(found: pl.DataFrame, names: Sequence[str], height: int) -> dict[str, pl.Series]:
    """Columns of this height one below the other, with what was found put in its rows."""
    answers = pl.Series([None], dtype=pl.String).new_from_index(0, height * len(names))
    answers = answers.scatter(found.to_series(0), found.to_series(1))
    return {name: answers.slice(place * height, height) for place, name in enumerate(names)}


def _known(warehouse: Warehouse, wanted: pl.DataFrame, kind: Contacts) -> pl.DataFrame:
    """The verdicts that are remembered: number, value and reason."""
    if warehouse.is_empty(kind.table):
        wanted = wanted.clear()
    same = " and ".join(f"v.{name} is not distinct from w.{name}" for name in kind.asked) or "true"
    return warehouse.read(
        f"select w.number, v.value, v.reason from wanted w join {kind.table} v "
        f"on v.raw = w.raw and {same} and v.version = '{kind.version()}'",
        wanted=wanted,
    )


def _before(warehouse: Warehouse, records: pl.DataFrame) -> pl.DataFrame:
    """The latest version before these of each record that had one."""
    older = records.filter(pl.col("record_number") != pl.col("arrival")).select("record_number")
    if older.is_empty():
        return records.clear()
    fields = ", ".join(name for name in FIELDS if name in records.columns)
    return warehouse.read(
        f"""
        select record_number, arrival, source, {fields} from std.records
        semi join older using (record_number)
        where not is_test and not has_link
        qualify row_number() over (partition by record_number order by arrival desc) = 1""",
        older=older.unique(),
    )
