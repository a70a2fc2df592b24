"""The weekly audit: measure each source, find what is wrong, and remove what is past its days.

It measures the snapshot that readers see, and keeps what it found below `audits/`, so that one week
can be compared with the next. `docs/audit.md` defines each measure.
"""

from datetime import datetime, timedelta
from typing import Any

import duckdb

from flows.aging import find_aged, remove_aged
from flows.beginning import read_checked_rules, refuse_the_past
from flows.erasing.erase import open_where
from flows.nightly import Progress, run_now
from flows.rebuild import put_in_place
from flows.rescoring import Rescored, rescore
from flows.restoring import finish_restore
from flows.retaining import find_due, plan_due, remove_put_aside
from rules.retention import Retention
from store.compacting import compact
from store.erasures import Erasures
from store.files import write_json
from store.lock import one_writer
from store.marts import MEASURES, TIMELY_DAYS, source_quality
from store.rulebook import Rulebook, read_rule
from store.settings import Settings
from store.snapshot import current_run, open_snapshot

TIMELY = timedelta(days=TIMELY_DAYS)
SAMPLE = 20

FINDINGS = {
    "orphans": "records whose cluster is no customer: no name, or no contact point",
    "consent_without_evidence": "a yes to a channel that no record and no person gave",
    "unverified_contacts": "contact points of which nobody knows whether they take mail",
    "invalid_primaries": "customers whose only contact points take no mail",
    "stale_customers": "customers of whom no source said anything for two years",
    "nearly_duplicates": "pairs of customers that came closest to being one",
}
"""What else is looked for, as a count."""

Told = dict[str, Any]
"""What an audit found: whatever JSON can hold."""


def audit(settings: Settings, now: datetime, progress: Progress, *, remove: bool) -> Told:
    """Measure, look, and remove what is past its days, unless told only to look."""
    with one_writer(settings.lock):
        finish_restore(settings)
        rulebook = read_checked_rules(settings)
        rules = read_rule(settings.rules / "retention.toml", Retention)
        put_in_place(settings)
        if Erasures(settings.raw).begun():
            run_now(settings, now, progress)
        due = _retain(settings, rulebook, rules, now, progress, remove=remove)
        rescored = _rescore(settings, rulebook, now)
        aside = remove_put_aside(settings, rules, now) if remove else []
        aged = find_aged(settings, rules, now)
        if remove:
            remove_aged(settings, rulebook, aged)
        compacted = compact(settings) if remove else {}
    told = {"at": now.isoformat(), "removed" if remove else "due": due, "put_aside": aside}
    told |= {"aged": aged.counts, "compacted": compacted, "rescored": rescored._asdict()}
    told["wrong"] = rescored.wrong(rulebook.gates.rescored_differing)
    told |= look(settings, now)
    folder = settings.data / "audits"
    folder.mkdir(exist_ok=True, mode=0o700)
    write_json(folder / f"audit-{now:%Y%m%dT%H%M%S}.json", told)
    return told


def look(settings: Settings, now: datetime) -> Told:
    """What the snapshot that readers see says of its sources."""
    with open_snapshot(settings) as con:
        return {
            "run_id": current_run(settings),
            "sources": _sources(con, now),
            "found": _found(con, now),
            "nearly_duplicates": _nearly(con),
        }


def _retain(
    settings: Settings,
    rulebook: Rulebook,
    rules: Retention,
    now: datetime,
    progress: Progress,
    *,
    remove: bool,
) -> dict[str, int]:
    """Find what is past its days and remove it; how much it was."""
    with open_where(settings, rulebook) as where:
        refuse_the_past(where.warehouse, now)
        due = find_due(where, rules, now)
        planned = plan_due(where, due, now) if due and remove else None
    if planned is not None:
        Erasures(settings.raw).write(planned)
        run_now(settings, now, progress)
    return due.counts


def _rescore(settings: Settings, rulebook: Rulebook, now: datetime) -> Rescored:
    """Score a sample of the stored pairs again, after all that is due is gone."""
    with open_where(settings, rulebook) as where:
        return rescore(where.warehouse, rulebook, now, rulebook.gates.rescored_pairs)


def _sources(con: duckdb.DuckDBPyConnection, now: datetime) -> list[Told]:
    fields = con.sql("from customers limit 0").columns
    asked = source_quality(fields, f"timestamptz '{now.isoformat()}'")
    found = con.sql(f"select source, records, {', '.join(MEASURES)} from ({asked}) order by source")
    rows = found.fetchall()
    return [
        {"source": source, "records": records}
        | {
            name: None if value is None else round(float(value), 4)
            for name, value in zip(MEASURES, values, strict=True)
        }
        for source, records, *values in rows
    ]


def _found(con: duckdb.DuckDBPyConnection, now: datetime) -> dict[str, int]:
    """Each of `FINDINGS` but the last, as a count."""
    asked = {
        "orphans": "from crosswalk x anti join customers using (customer_id)",
        "consent_without_evidence": "from customers c, (values ('consent_email'), "
        "('consent_phone'), ('consent_post')) f(field) where (case field when 'consent_email' then "
        "consent_email when 'consent_phone' then consent_phone else consent_post end)::varchar "
        "= 'true' and not exists (from lineage l where l.customer_id = c.customer_id and l.field "
        "= f.field and (l.record_id is not null or l.decided_by = 'steward'))",
        "unverified_contacts": "from contact_points where verification = 'unverified'",
        "invalid_primaries": "from customers c where not exists (from contact_points p where "
        "p.customer_id = c.customer_id and p.verification <> 'invalid')",
        "stale_customers": f"from customers where changed_at < '{now - 2 * TIMELY}'",
    }
    return {
        name: int(con.sql(f"select count(*) {query}").fetchall()[0][0])
        for name, query in asked.items()
    }


def _nearly(con: duckdb.DuckDBPyConnection) -> list[Told]:
    """The pairs of customers that came closest to being one, by ids alone."""
    rows = con.sql(
        f"""
        select a.customer_id, b.customer_id, max(p.evidence) as evidence
        from pairs p join crosswalk a on a.record_id = p.record_id_a
        join crosswalk b on b.record_id = p.record_id_b
        where a.customer_id <> b.customer_id group by 1, 2
        order by 3 desc, 1, 2 limit {SAMPLE}"""
    ).fetchall()
    return [
        {"customers": [one, other], "evidence": round(float(evidence), 2)}
        for one, other, evidence in rows
    ]
