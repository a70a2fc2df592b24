"""Standardise: turn the text of new versions into values, one spelling for one meaning."""

import polars as pl

from flows.run import Counts, Run
from rules.lookups import Lookups
from store.warehouse import Warehouse
from transforms.carry import FIELDS, carry_forward
from transforms.standardise.emails import email_library_version, verify_emails
from transforms.standardise.fold import folded
from transforms.standardise.names import name_keys
from transforms.standardise.phones import phone_metadata_version, verify_phones
from transforms.standardise.records import move_up, standardise_texts

PHONES = ("phone", "phone_2")
EMAILS = ("email", "email_2")


BATCH = 250_000
"""Versions that are standardised together: it bounds the memory, whatever is delivered."""


def standardise_records(run: Run, warehouse: Warehouse) -> Counts:
    """Standardise the versions that ingest left; each contact value is verified once, ever."""
    counts: Counts = {"values_parsed": 0, "records_standardised": 0}
    for path in sorted(run.work.glob("landed_*.arrow")):
        rows = pl.read_ipc(path)
        for batch in rows.iter_slices(BATCH):
            counts["values_parsed"] += _standardise(run, warehouse, batch)
            counts["records_standardised"] += batch.height
    return counts


def _standardise(run: Run, warehouse: Warehouse, rows: pl.DataFrame) -> int:
    """Standardise versions of one delivery, in order of arrival; how many values were new."""
    lookups, feeds = run.rulebook.lookups, run.rulebook.feeds
    records = standardise_texts(rows, feeds[rows["source"][0]], lookups)
    records, phones = _verify_phones(warehouse, records)
    records, emails = _verify_emails(warehouse, records)
    records = carry_forward(move_up(records), _before(warehouse, records), feeds)
    warehouse.insert("std.records", _with_keys(records.drop("region_hint"), lookups))
    return phones + emails


def _verify_phones(warehouse: Warehouse, records: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Put E.164 in the place of phones as delivered; how many values were new."""
    version = phone_metadata_version()
    wanted = pl.concat(
        records.select(raw=pl.col(name), region=pl.col("region_hint")).drop_nulls("raw")
        for name in PHONES
    ).unique()
    unseen = warehouse.read(
        "select w.* from wanted w anti join (from verify.phones where version = "
        f"'{version}') v on v.raw = w.raw and v.region is not distinct from w.region",
        wanted=wanted,
    )
    warehouse.insert("verify.phones", verify_phones(unseen).with_columns(version=pl.lit(version)))
    known = warehouse.read(
        "select w.raw, w.region, v.value from wanted w join verify.phones v "
        f"on v.raw = w.raw and v.region is not distinct from w.region and v.version = '{version}'",
        wanted=wanted,
    )
    for name in PHONES:
        found = records.select(raw=name, region="region_hint").join(
            known, on=["raw", "region"], how="left", nulls_equal=True, maintain_order="left"
        )
        records = records.with_columns(found["value"].alias(name))
    return records, unseen.height


def _verify_emails(warehouse: Warehouse, records: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Put the normalised address in the place of e-mails as delivered; how many were new."""
    version = email_library_version()
    wanted = pl.concat(
        records.select(raw=pl.col(name)).drop_nulls("raw") for name in EMAILS
    ).unique()
    unseen = warehouse.read(
        "select w.* from wanted w anti join (from verify.emails where version = "
        f"'{version}') v using (raw)",
        wanted=wanted,
    )
    warehouse.insert("verify.emails", verify_emails(unseen).with_columns(version=pl.lit(version)))
    known = warehouse.read(
        f"select raw, value from verify.emails semi join wanted using (raw) "
        f"where version = '{version}'",
        wanted=wanted,
    )
    for name in EMAILS:
        found = records.select(raw=name).join(known, on="raw", how="left", maintain_order="left")
        records = records.with_columns(found["value"].alias(name))
    return records, unseen.height


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


def _with_keys(records: pl.DataFrame, lookups: Lookups) -> pl.DataFrame:
    """Add what records are compared by."""
    keyed = name_keys(records, lookups).drop("initial")
    return keyed.with_columns(
        company_key=folded(keyed["company"]),
        email_local=pl.col("email").str.extract(r"^(.*)@", 1),
        email_domain=pl.col("email").str.extract(r"@([^@]*)$", 1),
    )
