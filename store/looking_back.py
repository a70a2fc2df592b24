"""Read a snapshot as of a moment that is past: what was known by then, by the snapshot's history.

Tables that have no past are refused by name, so that none is taken for what it was then. What a
table showed on that day is another question: the snapshot of that day answers it, where it is kept.
"""

import re
from datetime import UTC, date, datetime, time

import duckdb

from store.errors import TouchstoneError
from store.snapshot import TABLES

_BY_RUN = (
    "select * from {table} where run_id not in (select run_id from {runs} where now > {moment})"
)
"""A run that is known no more was before all that are."""
PAST = {
    "customers": "select * from customers_as_of({moment})",
    "history": "select * replace (case when valid_to <= {moment} then valid_to end as valid_to)"
    " from {table} where valid_from <= {moment}",
    "redirects": _BY_RUN,
    "changes": _BY_RUN,
    "metrics": _BY_RUN,
    "runs": "select * from {table} where now <= {moment}",
    "deliveries": "select * from {table} where received_at <= {moment}",
}
"""How each table that has a past is read as of a moment."""
_REFUSED = (
    "select known.* from (select error({why}) as why) as refused"
    " left join {table} as known on refused.why is null"
)
"""Has the columns of the table, so that a question is understood, and fails though it be empty."""
_AS_THEY_ARE = {"contract", "golden_values"}
"""Views that are no answer by themselves; what tells of the past is made of the second."""
_RUN = re.compile(r"R[0-9]{4,}")


def is_run(text: str) -> bool:
    """Whether a text names a run and no moment."""
    return _RUN.fullmatch(text) is not None


def read_moment(text: str) -> datetime:
    """A moment in ISO 8601, in UTC unless it says otherwise; of a date, the end of that day."""
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return datetime.combine(date.fromisoformat(text), time.max, UTC)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise TouchstoneError(
            f"{text} is neither a run, such as R0002, nor a date, such as 2026-01-31."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def look_back(con: duckdb.DuckDBPyConnection, moment: datetime) -> None:
    """From now on, the tables of this open snapshot are those of the moment."""
    run_id, first = con.sql("select min_by(run_id, now), min(now) from runs").fetchall()[0]
    if first is None or moment < first:
        raise TouchstoneError(_before_all(moment, run_id, first))
    (database,) = con.sql("select current_database()").fetchall()[0]
    quoted = f'"{database}".main.'
    then = f"'{moment.isoformat()}'::timestamptz"
    for table in _names(con):
        sql = PAST.get(table, _REFUSED)
        said = sql.format(table=quoted + table, runs=quoted + "runs", moment=then, why=_why(table))
        con.execute(f'create temp view "{table}" as {said}')


def _names(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Every published table and view."""
    found = con.sql(
        "select table_name from information_schema.tables where table_schema = 'main' and"
        " table_catalog = current_database() and (table_type = 'VIEW' or table_name in $tables)"
        " order by table_name",
        params={"tables": list(TABLES)},
    ).fetchall()
    return [name for (name,) in found if name not in _AS_THEY_ARE]


def _why(table: str) -> str:
    """Why a table is refused, as SQL writes a text."""
    says = (
        f"{table} has no past. As of a date there are {', '.join(PAST)}; a snapshot that is kept "
        "has all tables, with --as-of and the name of its run"
    )
    return f"'{says}'"


def _before_all(moment: datetime, run_id: str | None, first: datetime | None) -> str:
    if run_id is None or first is None:
        return "No run is known; run `touchstone nightly` first."
    return (
        f"Nothing is known of {_spelt(moment)}: the first night that is known, {run_id}, was at "
        f"{_spelt(first)}. Ask for a later date."
    )


def _spelt(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
