"""Survive: work out the golden values of every customer that something touched."""

from collections.abc import Iterable
from contextlib import suppress

import polars as pl

from flows.erasing.names import all_heirs
from flows.ledger import said_before
from flows.run import Counts, Run
from flows.stages.alone import find_alone, named, write_alone
from flows.stages.confirmed import touch_confirmed
from flows.stages.contacts import add_contacts, judge_contacts, note_contacts
from flows.stages.deliverability import touch_customers
from flows.stages.ignored import note_ignored
from flows.stages.several import write_several
from store.errors import UnreadableError
from store.golden import Golden, open_any_golden, open_beside
from store.schema import VERIFIED_SHARES
from store.warehouse import Warehouse
from transforms.changes import describe_changes
from transforms.identify import named_as

BATCH = 200_000
"""Customers that are worked out together: it bounds the memory, however many were touched."""

BY_CUSTOMER = (
    "plain_values",
    "noted_values",
    "closed_periods",
    "conflicts",
    "crosswalk",
    "record_values",
    "contact_values",
    "verified_shares",
)
"""The tables whose rows of a touched customer are written anew."""


def survive_records(run: Run, warehouse: Warehouse) -> Counts:
    """Write the golden tables of touched customers anew, and say what became of each."""
    with open_beside(warehouse, run.golden, run.rulebook.survivorship) as golden:
        done = golden.applied(run.run_id, "survive")
        if done is not None:
            return done
        _touch_decided(run, warehouse)
        touch_customers(warehouse)
        touch_confirmed(run, warehouse)
        _widen_to_all(run, warehouse, golden)
        touched = warehouse.read("select founder from change.customers order by founder")
        with golden.transaction():
            counts = _survive(run, warehouse, golden, touched)
            golden.apply(run.run_id, "survive", counts)
        return counts


def _survive(run: Run, warehouse: Warehouse, golden: Golden, touched: pl.DataFrame) -> Counts:
    moves = _remember(run, warehouse, golden, touched)
    note_contacts(golden)
    _clear(run, golden)
    chosen = run.said.values
    find_alone(golden, run.rulebook.survivorship, chosen.select(record_id="anchor"))
    rows = write_alone(golden)
    several = golden.read("from touched anti join alone using (founder) order by founder")
    for batch in several.iter_slices(BATCH):
        rows += write_several(run, golden, batch, chosen)
    shares = VERIFIED_SHARES.format(which="semi join touched using (founder)")
    golden.execute(f"insert into verified_shares {shares}")
    add_contacts(golden)
    note_ignored(run, golden)
    judge_contacts(golden, run.rulebook.survivorship.usage)
    counts: Counts = {"golden_rows": rows, "created": 0, "changed": 0, "merged": 0, "split": 0}
    moves = moves.with_columns(named_as(pl.col("record_number"), all_heirs(run.erasures)))
    counts |= _write_erased(run, golden)
    for batch in touched.iter_slices(BATCH):
        for kind, count in _write_changes(run, golden, batch, moves):
            counts[kind] = counts.get(kind, 0) + count
    return counts


def _touch_decided(run: Run, warehouse: Warehouse) -> None:
    """A customer is touched too when a steward has chosen a value of it, or taken one back."""
    chosen = pl.concat([run.said.values, said_before(warehouse, run).values])
    warehouse.execute(
        """
        insert into change.customers
        select founder from cluster.crosswalk join ingest.records using (record_number)
        where source || ':' || source_key in (select anchor from chosen)
        except from change.customers""",
        chosen=chosen.filter(~chosen.is_duplicated()),
    )


def _widen_to_all(run: Run, warehouse: Warehouse, golden: Golden) -> None:
    """When survivorship itself changed, or the golden tables are new, touch every customer."""
    is_new = golden.one("select count(*) from applied") == 0
    if is_new or "survive" in run.changed:
        warehouse.execute("delete from change.customers")
        warehouse.execute(
            "insert into change.customers select distinct founder from cluster.crosswalk"
        )


def _remember(
    run: Run, warehouse: Warehouse, golden: Golden, touched: pl.DataFrame
) -> pl.DataFrame:
    """Make the tables `touched` and `before`: what the touched customers were before this run.

    A rebuild begins with empty tables; what downstream systems know is in the old ones. Returns
    the records that changed customer: record_number, old_founder, founder.
    """
    golden.execute("create temp table touched as from batch", batch=touched)
    moves = "select record_number, old_founder, founder from change.moves"
    if run.is_rebuild and run.settings.golden.exists():
        with (
            suppress(UnreadableError),
            open_any_golden(run.settings.golden, run.settings, run.rulebook.survivorship) as old,
        ):
            _remember_values(golden, old, touched)
            crosswalk = old.read("select record_number, founder as old_founder from crosswalk")
            return warehouse.read(
                "select record_number, o.old_founder, m.founder from change.moves m "
                "join old_crosswalk o using (record_number) where o.old_founder <> m.founder",
                old_crosswalk=crosswalk,
            )
    _remember_values(golden, golden, touched)
    return warehouse.read(moves)


def _remember_values(golden: Golden, old: Golden, touched: pl.DataFrame) -> None:
    first, *others = list(touched.iter_slices(BATCH)) or [touched]
    golden.execute("create or replace temp table before as from old", old=old.values_of(first))
    for batch in others:
        golden.execute("insert into before from old", old=old.values_of(batch))


def _clear(run: Run, golden: Golden) -> None:
    """Remove what is to be written anew."""
    golden.execute(f"delete from changes where run_id = '{run.run_id}'")
    for table in ("crosswalk", "record_values"):
        golden.execute(
            f"delete from {table} where record_number in (select record_number from change.moves)"
        )
    for table in BY_CUSTOMER:
        golden.execute(f"delete from {table} where founder in (select founder from touched)")


def _write_erased(run: Run, golden: Golden) -> Counts:
    """Say which customers this run erases."""
    gone = [name for one in run.erasures if one.state == "begun" for name in one.customers]
    if not gone:
        return {}
    golden.execute(
        f"""
        insert into changes by name
        select '{run.run_id}' as run_id, customer_id, 'erased' as change, [] as fields
        from gone""",
        gone=pl.DataFrame({"customer_id": gone}),
    )
    return {"erased": len(gone)}


def _write_changes(
    run: Run, golden: Golden, touched: pl.DataFrame, moves: pl.DataFrame
) -> Iterable[tuple[str, int]]:
    """Say what became of these customers; returns how often each."""
    before = golden.read("from before semi join batch using (founder)", batch=touched)
    fields = golden.fields if before.height else []
    changes = describe_changes(before, golden.values_of(touched, fields), moves, fields)
    golden.execute(
        f"""
        insert into changes by name
        select '{run.run_id}' as run_id, {named("founder")} as customer_id, change, fields,
            {named("other_founder")} as other_customer_id
        from told""",
        told=changes,
    )
    return changes["change"].value_counts().iter_rows()
