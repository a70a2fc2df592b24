"""Leave the values out of matching of which people said so: whoever has one is matched anew.

What a night was matched by is kept with the pairs, so that the next one knows what changed since,
and whoever scores these pairs again scores them alike.
"""

import polars as pl

from flows.run import Run
from rules.lookups import Lookups
from store.golden import Golden
from store.warehouse import Warehouse
from transforms.ignore import FIELDS, Ignored, among, ignored_of, key_values
from transforms.said_once import values_left_out

_TABLE = "match.ignored"
_SAYS = ("email", "email_2", "phone", "phone_2", "phone_key", "phone_2_key")
_PLACE = ("address", "postcode", "city", "country")
_TOGETHER = 250_000
"""Records that are looked through at once; it bounds the memory."""


def touch_holders(run: Run, warehouse: Warehouse) -> None:
    """Records have changed with a value of which it was said since that it is left out, or no more.

    Also where in the end nothing came of it: the names of customers follow from all that was said.
    """
    last = warehouse.one(
        "select coalesce(max(last_decision), 0) from ledger.runs where state = 'finished'"
    )
    said = values_left_out(run.decisions).filter(pl.col("decision_id") > last)
    if run.is_rebuild or said.is_empty():
        return
    found = holders(warehouse, run.rulebook.lookups, ignored_of(said))
    warehouse.execute(
        "insert into change.records select distinct record as record_number from found "
        "where record not in (from change.records)",
        found=found,
    )


def keep_ignored(run: Run, warehouse: Warehouse) -> None:
    """Remember by what the pairs of this run are matched."""
    warehouse.execute(f"create table if not exists {_TABLE} (contact varchar, digest varchar)")
    warehouse.execute(f"delete from {_TABLE}")
    warehouse.insert(_TABLE, run.said.ignored.select("contact", "digest"))


def ignored_in(warehouse: Warehouse) -> Ignored:
    """What the last night left out of matching."""
    return ignored_of(warehouse.read(f"from {_TABLE}")) if warehouse.has(_TABLE) else {}


def holders(
    warehouse: Warehouse, lookups: Lookups, wanted: Ignored, some: pl.DataFrame | None = None
) -> pl.DataFrame:
    """The records whose latest version says one of these values, as `key_values` gives values.

    some: record_number, of those that are looked through; else all are.
    """
    kinds = {contact for contact in FIELDS.values() if contact in wanted}
    columns = [name for name in _SAYS if name.split("_")[0] in kinds]
    columns += _PLACE if "address" in kinds else ()
    found = [_nothing()]
    if columns:
        records = warehouse.read(
            f"select v.record_number as record, {', '.join(f's.{name}' for name in columns)} "
            "from valid.records v join std.records s on s.arrival = v.arrival"
            + (
                ""
                if some is None
                else " semi join wanted on wanted.record_number = v.record_number"
            ),
            **({} if some is None else {"wanted": some}),
        )
        found += [
            among(key_values(part, lookups), wanted) for part in records.iter_slices(_TOGETHER)
        ]
    return pl.concat(found)


def note_ignored(run: Run, golden: Golden) -> None:
    """Make the table `left_out`: of the contact points that are `asked`, those left out."""
    golden.execute("create or replace temp table left_out (kind varchar, value varchar)")
    ignored = ignored_of(run.said.ignored)
    if not ignored:
        return
    asked = golden.read("select distinct kind, value from asked")
    said = asked.select(
        record="value",
        **{kind: pl.when(pl.col("kind") == kind).then("value") for kind in ("email", "phone")},
    )
    found = among(key_values(said, run.rulebook.lookups), ignored)
    golden.execute("insert into left_out select contact, record from found", found=found.unique())


def tell_ignored(run: Run) -> pl.DataFrame:
    """As the published table has them: one row per value that is left out, and who said so."""
    told = run.decisions.select("decision_id", "decided_by", "decided_at", "because")
    return run.said.ignored.join(told, on="decision_id").sort("contact", "digest")


def _nothing() -> pl.DataFrame:
    texts = dict.fromkeys(("field", "contact", "key", "digest"), pl.String())
    return pl.DataFrame(schema={"record": pl.Int64(), **texts})
