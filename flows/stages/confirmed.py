"""Tell which contact points customers were reached by: they told the code that was sent there.

It follows from the log and the customers as they are, and is worked out anew by each run. A
confirmation is of records, so it goes where they go, and counts while their customer has the value.
"""

import polars as pl

from flows.ledger import said_before
from flows.run import Run
from store.golden import Golden
from store.warehouse import Warehouse
from transforms.ignore import key_values, with_digests

KINDS = ("email", "phone")


def touch_confirmed(run: Run, warehouse: Warehouse) -> None:
    """Customers are touched of whom a contact point was confirmed, or is so no more."""
    both = pl.concat([run.said.confirmed, said_before(warehouse, run).confirmed])
    warehouse.execute(
        """
        insert into change.customers
        select distinct founder from cluster.crosswalk join ingest.records using (record_number)
        where source || ':' || source_key in (select record_id from confirmed)
        except from change.customers""",
        confirmed=both.filter(~both.is_duplicated()),
    )


def write_confirmed(run: Run, golden: Golden) -> None:
    """Write `confirmed_contacts` as it follows from all that was said."""
    golden.execute("delete from confirmed_contacts")
    if run.said.confirmed.is_empty():
        return
    told = run.said.confirmed.join(
        run.decisions.select("decision_id", "decided_at"), on="decision_id"
    )
    theirs = golden.read(
        "select t.*, x.founder, c.value from told t join crosswalk x using (record_id) "
        "join contact_values c on c.founder = x.founder and c.kind = t.contact",
        told=told,
    )
    values = theirs.select("contact", "value").unique()
    said = values.select(
        record="value",
        **{kind: pl.when(pl.col("contact") == kind).then("value") for kind in KINDS},
    )
    known = with_digests(key_values(said, run.rulebook.lookups))
    digests = known.select("contact", "digest", value="record")
    found = theirs.join(digests, on=["contact", "digest", "value"], how="semi")
    last = found.sort("decision_id").unique(["founder", "contact", "value"], keep="last")
    golden.insert(
        "confirmed_contacts",
        last.select(
            "founder", "value", "decision_id", kind="contact", confirmed_at="decided_at"
        ).sort("founder", "kind", "value"),
    )
