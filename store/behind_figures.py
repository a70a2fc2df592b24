"""Find the rows behind a figure of the scorecard, no further than the reader's scope."""

from datetime import date
from typing import NamedTuple

from store.marts import AGREEING, COUNTED, TIMELY_DAYS
from store.opened import Row
from store.scoped import Scoped
from store.scorecard import OLDEST, Ask, is_for, whole_sources

PAGE = 100
"""Rows of one page."""
CONTACTS = ("email", "phone")
PARTS = ("", "active", "new", "duplicates")
_NOW = "(select max(now) from runs)"
_YEARS = f"greatest(date_diff('year', r.updated_at, {_NOW}), 0)"


class Asked(NamedTuple):
    """A figure: a measure of a source or of one of its fields, a channel, or an age."""

    figure: str
    source: str
    field: str = ""
    campaign: str = ""
    week: date | None = None
    part: str = ""
    years: int | None = None
    page: int = 1


def is_figure(ask: Ask, asked: Asked, scope: Scoped) -> bool:
    """Whether there is such a figure for this reader."""
    if asked.figure in {"channel", "age"}:
        return asked.part in PARTS
    fields = {"completeness": COUNTED, "consistency": AGREEING, "validity": CONTACTS}
    is_known = asked.figure in {*fields, "uniqueness", "timeliness"}
    has_field = not asked.field or asked.field in fields.get(asked.figure, ())
    is_mine = is_for(scope, asked.figure, asked.field)
    return is_known and has_field and is_mine and asked.source in whole_sources(ask, scope)


def rows_behind(ask: Ask, asked: Asked, scope: Scoped, fields: list[str]) -> list[Row]:
    """The rows, and one more where there is a next page: records, or rows in quarantine.

    A record has record_id, customer_id, campaign, updated_at; `field`, `said` and `beside` where
    the figure is about a value.
    """
    if asked.figure == "validity" and not asked.field:
        return _in_quarantine(ask, asked)
    select, where, values = _of_figure(asked, scope, [name for name in COUNTED if name in fields])
    return ask(
        f"""
        select record_id, customer_id, campaign, updated_at, field, said, beside
        from ({select} where r.source = $source and {scope.sql}) r where {where}
        order by founder, record_number, field limit {PAGE + 1} offset $skip""",
        scope.values | values | {"source": asked.source, "skip": PAGE * (asked.page - 1)},
    )


def _in_quarantine(ask: Ask, asked: Asked) -> list[Row]:
    return ask(
        f"""
        select d.delivery_number, q.row_number, q.reasons
        from quarantine q join deliveries d using (delivery_id)
        where q.source = $source and d.state = 'taken_in'
        order by d.delivery_number desc, q.row_number limit {PAGE + 1} offset $skip""",
        {"source": asked.source, "skip": PAGE * (asked.page - 1)},
    )


def _of_figure(asked: Asked, scope: Scoped, fields: list[str]) -> tuple[str, str, Row]:
    """What is read of each record, which of them are behind the figure, and the values of that."""
    if asked.figure == "channel":
        return _of_channel(asked, scope)
    if asked.figure == "age":
        limit = ">=" if asked.years == OLDEST else "="
        return _records(f"{_YEARS} as years"), f"years {limit} $years", {"years": asked.years or 0}
    return *_of_measure(asked, fields), {}


def _of_measure(asked: Asked, fields: list[str]) -> tuple[str, str]:
    """The same for a measure of a source or of one of its fields."""
    names = [asked.field] if asked.field else fields
    several = "count(*) over (partition by r.founder) as several"
    found = {
        "uniqueness": (_records(several), "several > 1"),
        "timeliness": (_records(), f"updated_at < {_NOW} - interval {TIMELY_DAYS} days"),
        "validity": (_of_contacts(names[0]), "verification = 'invalid'"),
        "consistency": (
            _beside_golden([name for name in names if name in AGREEING], several=True),
            "said <> beside",
        ),
        "completeness": (_beside_golden(names), "said is null and beside is not null"),
    }
    if asked.figure == "completeness" and asked.field:
        return _records(f"r.{asked.field} is null as is_blank"), "is_blank"
    return found[asked.figure]


def _records(more: str = "true") -> str:
    return f"""
        select r.*, null as field, null as said, null as beside, {more} from records r"""


def _of_contacts(kind: str) -> str:
    return f"""
        select r.*, '{kind}' as field, r.{kind} as said, p.reason as beside, p.verification
        from records r join contact_values p
            on p.founder = r.founder and p.kind = '{kind}' and p.value = r.{kind}"""


def _beside_golden(names: list[str], *, several: bool = False) -> str:
    """A row for each record and field, with what its customer has there."""
    told = ", ".join(
        f"{{'field': '{name}', 'said': r.{name}::varchar, 'beside': g.{name}::varchar}}"
        for name in names
    )
    limit = "and g.record_count > 1" if several else ""
    return f"""
        select r.* exclude (told), told.field, told.said, told.beside
        from (select r.*, unnest([{told}]) as told
            from records r join golden_values g on g.founder = r.founder {limit}) r"""


def _of_channel(asked: Asked, scope: Scoped) -> tuple[str, str, Row]:
    """Who is new is told as `store.marts.channel_effectiveness` tells it."""
    own = scope.sql.replace("r.", "o.")
    earliest = f"select min(o.record_number) from crosswalk o where o.founder = r.founder and {own}"
    first = "r.founder" if scope.is_all else f"({earliest})"
    select = f"""
        select r.*, null as field, null as said, null as beside, {first} as first,
            date_trunc('week', d.received_at)::date as week
        from records r
        left join deliveries d on d.delivery_number = r.record_number // 1000000000"""
    where = "campaign is not distinct from nullif($campaign, '')"
    values: Row = {"campaign": asked.campaign}
    if asked.week is not None:
        where += " and week = $week"
        values["week"] = asked.week
    parts = {
        "active": "is_active",
        "new": "first = record_number",
        "duplicates": "first <> record_number",
    }
    return select, f"{where} and {parts.get(asked.part, 'true')}", values
