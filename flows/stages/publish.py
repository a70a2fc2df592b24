"""Publish: complete the golden tables, copy them, and switch readers to the copy."""

import polars as pl

from flows.drift import measure_drift
from flows.figures import is_changed, measure_quality
from flows.gates import breaches, measure_gates
from flows.ledger import said_before
from flows.run import Counts, Run
from flows.stages.confirmed import write_confirmed
from flows.stages.corrections import tell_corrections
from flows.stages.ignored import tell_ignored
from flows.stages.redirects import write_redirects
from flows.stages.told import tell_run
from store.golden import Golden, open_beside
from store.queueing import (
    escalate_shown,
    is_shown,
    leave_time,
    queue_digest,
    queue_of,
    show_held,
    show_queue,
)
from store.schema import PAIRS, relationships
from store.snapshot import is_held, publish
from store.warehouse import Warehouse


def publish_records(run: Run, warehouse: Warehouse) -> Counts:
    """Bring the published tables up to date and publish a snapshot of them."""
    with open_beside(warehouse, run.golden, run.rulebook.survivorship) as golden:
        if golden.applied(run.run_id, "publish") is None:
            with golden.transaction():
                write_redirects(run, warehouse, golden)
                _write_pairs(run, golden)
                _write_reports(run, warehouse, golden)
                measure_gates(run, golden, is_changed=is_changed(run, warehouse))
                golden.apply(run.run_id, "publish", {})
        items = _items(run, warehouse, golden)
        golden.execute("checkpoint golden")  # closing would keep it to itself that the disk is full
        counts = {"customers": golden.one("select count(*) from golden_values")}
        held = [str(breach) for breach in breaches(golden.con, run.run_id, run.rulebook.gates)]
    is_new = is_changed(run, warehouse)
    publish(run.golden, run.settings, run.run_id, is_changed=is_new, held=held)
    queues = run.rulebook.queues
    if is_held(run.settings, run.run_id):
        counts["held_back"] = len(held)
        show_held(run.settings, run.run_id, run.now, queues)
    else:
        leave_time(run.settings, run.run_id)
        show_queue(run.settings, items, run.run_id, run.now, queues)
    escalate_shown(run.settings, queues, run.now)
    return counts


def _items(run: Run, warehouse: Warehouse, golden: Golden) -> pl.DataFrame | None:
    """The items of the queue; none where those that are shown are the same.

    They are where nobody decided anything since, no customer changed, and what they are made of is
    what the run noted whose queue is shown.
    """
    book = run.rulebook
    noted, digest = golden.noted_queue(), queue_digest(golden.con, book.feeds, book.queues)
    golden.note_queue(run.run_id, digest)
    is_same = (
        noted.get("digest") == digest
        and not is_changed(run, warehouse)
        and said_before(warehouse, run) is run.said
        and is_shown(run.settings, noted["run_id"])
    )
    return None if is_same else queue_of(golden.con, book.feeds, book.queues)


def _write_pairs(run: Run, golden: Golden) -> None:
    """The pairs of changed records, by number, or all where there are none yet."""
    prior, link = run.rulebook.model.manifest.prior, run.rulebook.matching.thresholds.link
    golden.execute("delete from banding")
    golden.execute(f"insert into banding values ({prior}, {link})")
    touched = "record_a in (from change.pairs) or record_b in (from change.pairs)"
    if not golden.has("pair_weights"):
        golden.execute("create table pair_weights as select * from match.pairs")
        golden.execute(PAIRS)
        golden.execute(relationships(list(run.rulebook.matching.comparisons)))
        golden.comment()
        return
    if not golden.one("select count(*) from change.pairs"):
        return
    golden.execute(f"delete from pair_weights where {touched}")
    golden.execute(f"insert into pair_weights by name select * from match.pairs where {touched}")


def _write_reports(run: Run, warehouse: Warehouse, golden: Golden) -> None:
    """Deliveries, quarantine, runs and metrics, as they are now."""
    golden.execute("delete from deliveries")
    golden.insert("deliveries", warehouse.read("from ingest.deliveries"))
    golden.execute("delete from quarantine")
    golden.insert(
        "quarantine",
        warehouse.read(
            """
            select q.source, d.delivery_id, q.row_number, q.reasons, q.raw
            from quarantine.records q join ingest.deliveries d using (delivery_number)
            union all
            select q.source, d.delivery_id, p.arrival % 1000000000, q.reasons, q.raw
            from quarantine.repeats p join quarantine.records q on q.arrival = p.repeated
            join ingest.deliveries d on d.delivery_number = p.arrival // 1000000000"""
        ),
    )
    golden.execute("delete from corrections")
    golden.insert("corrections", tell_corrections(run, warehouse))
    golden.execute("delete from ignored_values")
    golden.insert("ignored_values", tell_ignored(run))
    write_confirmed(run, golden)
    tell_run(run, warehouse, golden)
    golden.insert("metrics", measure_quality(run, warehouse, golden))
    golden.insert("metrics", measure_drift(run, warehouse, golden))
