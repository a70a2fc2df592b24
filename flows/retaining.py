"""Find what is past its days, and take it out of all that is kept, as an erasure does.

What goes is decided by deliveries, rules and the time of the audit. That it went is kept among the
deliveries, as a tombstone that keeps nobody out, so that a rebuild makes the same tables.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

import polars as pl

from flows.erasing.details import find_told, plan_told
from flows.erasing.plan import Where, plan
from rules.erasure import Erasure
from rules.retention import Days, Retention
from store.archive import Archive
from store.erasures import Erasures
from store.files import remove_tree
from store.settings import Settings
from transforms.classify import ARRIVALS

BY = "retention"
"""Who asks for what nobody asked for."""


class Due(NamedTuple):
    """What is past its days."""

    records: pl.Series
    """Record numbers."""
    rows: dict[int, list[int]]
    """Rows in quarantine, by delivery number."""
    deliveries: list[int]
    """Deliveries that go whole."""
    cells: pl.DataFrame
    """Fields that a record says no more: record_number, source, source_key, field."""

    @property
    def counts(self) -> dict[str, int]:
        """How much it is."""
        rows = sum(map(len, self.rows.values()))
        told = {"records": len(self.records), "rows": rows, "deliveries": len(self.deliveries)}
        return told | ({"values": self.cells.height} if self.cells.height else {})

    def __bool__(self) -> bool:
        return any(self.counts.values())


def find_due(where: Where, rules: Retention, now: datetime) -> Due:
    """What is past its days at this time."""
    limits = _limits(where, rules, now)
    records = where.warehouse.read(
        """
        select r.record_number from ingest.records r join limits l using (source)
        join (select record_number, max(received_at) as said_at from ingest.versions group by all)
            using (record_number)
        where said_at < case when r.is_withdrawn then withdrawn else silent end
        order by 1""",
        limits=limits,
    )
    deliveries = where.warehouse.read(
        "select d.delivery_number from ingest.deliveries d join limits l using (source) "
        "where d.state in ('held', 'refused') and d.received_at < l.held order by 1",
        limits=limits,
    )
    told = find_told(where, rules, now, records)
    rows = _rows(where, limits)
    for number, row in told.rows.iter_rows():
        rows[number] = sorted({*rows.get(number, ()), row})
    return Due(
        records["record_number"],
        rows,
        [n for n in deliveries["delivery_number"] if n not in _dropped(where.settings)],
        told.cells,
    )


def plan_due(where: Where, due: Due, now: datetime) -> Erasure:
    """The erasure of what is due; nothing is removed yet."""
    made = plan(where, due.records, BY, now) if len(due.records) else _nobody(where, now)
    rows = {
        number: tuple(sorted({*made.rows.get(number, ()), *due.rows.get(number, ())}))
        for number in sorted({*made.rows, *due.rows})
    }
    dropped = tuple(sorted({*made.dropped, *due.deliveries}))
    touched = where.warehouse.read(
        "select delivery_number from ingest.deliveries where state = 'taken_in' "
        "and delivery_number in (select unnest(numbers) from said)",
        said=pl.DataFrame({"numbers": [list(rows)]}, schema={"numbers": pl.List(pl.Int64)}),
    )
    entered = tuple(sorted({*made.entered, *touched["delivery_number"]}))
    update = {"rows": rows, "dropped": dropped, "entered": entered, "keeps_out": False}
    made = made.model_copy(update=update)
    return plan_told(where, due.cells, made) if due.cells.height else made


def remove_put_aside(settings: Settings, rules: Retention, now: datetime) -> list[str]:
    """Remove what restores put aside and that is past its days."""
    gone = []
    if rules.put_aside is not None:
        oldest = f"replaced-{now - timedelta(days=rules.put_aside):%Y%m%dT%H%M%S}"
        for path in sorted(settings.data.glob("replaced-[0-9]*")):
            if path.name < oldest:
                remove_tree(path)
                gone.append(path.name)
    return gone


def _limits(where: Where, rules: Retention, now: datetime) -> pl.DataFrame:
    """By source the moments before which things go; none where they stay."""
    sources = where.warehouse.read("select distinct source from ingest.deliveries order by 1")
    kinds = [kind for kind in Days.model_fields if kind != "fields"]
    rows = []
    for source in sources["source"]:
        days = rules.of(source).model_dump()
        rows.append((source, *(_before(now, days[kind]) for kind in kinds)))
    schema = {"source": pl.String(), **dict.fromkeys(kinds, pl.Datetime("us", "UTC"))}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _before(now: datetime, days: int | None) -> datetime | None:
    return None if days is None else now - timedelta(days=days)


def _rows(where: Where, limits: pl.DataFrame) -> dict[int, list[int]]:
    """Rows in quarantine that are no record's, with those that repeat them."""
    found = where.warehouse.read(
        f"""
        with due as (
            select q.arrival from quarantine.records q join limits l using (source)
            join ingest.deliveries d using (delivery_number)
            where q.record_number is null and d.received_at < l.quarantine
                and not list_contains(q.reasons, 'erased') and q.raw is not null
                and q.arrival not in (select arrival from ingest.corrections))
        select arrival // {ARRIVALS} as number, arrival % {ARRIVALS} as row
        from (from due union select arrival from quarantine.repeats
            where repeated in (from due)) order by all""",
        limits=limits,
    )
    rows: dict[int, list[int]] = {}
    for number, row in found.iter_rows():
        rows.setdefault(number, []).append(row)
    return rows


def _dropped(settings: Settings) -> set[int]:
    return {number for one in Erasures(settings.raw).all() for number in one.dropped}


def _nobody(where: Where, now: datetime) -> Erasure:
    """An erasure of no record."""
    settings = where.settings
    numbers = [kept.delivery_number for kept in Archive(settings.raw).deliveries()]
    nothing: dict[str, tuple[str, ...]] = dict.fromkeys(
        ("customers", "keys", "evidence", "hints", "domains", "names"), ()
    )
    return Erasure(
        number=max((one.number for one in Erasures(settings.raw).all()), default=0) + 1,
        erased_at=now,
        asked_by=BY,
        after=max(numbers, default=0),
        records={},
        rows={},
        dropped=(),
        entered=(),
        decisions=(),
        voided=(),
        **nothing,
    )
