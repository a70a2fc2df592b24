"""Bring the queue up to date with a run: staged unseen, then shown by one small switch."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl
import sqlalchemy as sa

from store.state.accounts import assign_managers, is_any_managed
from store.state.engine import at_the_end, in_turns, reading, writing
from store.state.entries import ENTRY, forget_answered
from store.state.publications import PUBLICATION
from store.state.scope import BETWEEN, CLOSED, OPEN, SECOND, TOO_LARGE
from store.state.tables import (
    ACCOUNT_SETS,
    ASKS,
    CAMPAIGN_SETS,
    CLAIMS,
    ITEM_CUSTOMERS,
    ITEMS,
    LIVE,
)

ROWS_AT_A_TIME = 50
"""Items that are staged in one transaction: stewards wait for no longer than that takes."""

ORDERS = ("urgency", "opened_at", "due_at", "manager_until")
"""What may change about an item without anybody's answer or sight of it changing."""
ASKS_ANEW = ("fingerprint", "campaign_set", "account_set", "assigned_to")
"""What changes together with the snapshot that is shown: what is asked, and who may know of it."""
SEEN = (*ORDERS, *ASKS_ANEW)

MANY = 20
"""Once this part of a queue is new, the database is told how its items lie."""

NOT_STAGED = (PUBLICATION, ENTRY)
"""Kinds of items that no run asks: they stay, whatever a run publishes."""


def publish_queue(engine: sa.Engine, items: pl.DataFrame, run_number: int, now: str) -> None:
    """Show the items of a run and no others.

    items: item_id, kind, urgency, opened_at, due_at and manager_until (text), fingerprint,
    campaigns (list of text, '' for a record of none), accounts and customers (lists of text),
    assigned_to (`TOO_LARGE` or none). An item whose evidence changed after it was decided is asked
    again; one that is asked no more is closed.
    """
    items = items.with_columns(
        campaign_set=_set_of(pl.col("campaigns")), account_set=_set_of(pl.col("accounts"))
    )
    known = _known(engine)
    both = items.join(known, on="item_id", suffix="_old").with_columns(_assigned())
    asks_anew = _differs(ASKS_ANEW) | (pl.col("state") == CLOSED)
    fresh = items.join(known, on="item_id", how="anti")
    _prepare(engine, items, fresh, both.filter(~asks_anew & _differs(ORDERS)), run_number)
    gone = known.filter(pl.col("state").is_in([OPEN, SECOND])).join(items, on="item_id", how="anti")
    with _switching(engine, run_number, now) as connection, at_the_end(connection):
        _update(connection, both.filter(asks_anew))
        _close(connection, gone["item_id"])
    if (fresh.height + gone.height) * MANY >= known.height:
        with writing(engine) as connection:  # or the next item is found by sorting them all
            connection.exec_driver_sql("ANALYZE items")


def carry_over(engine: sa.Engine, run_number: int, now: str) -> None:
    """Show as the items of this run those that are shown; they must be the same."""
    with _switching(engine, run_number, now):
        pass


def shown_whole(engine: sa.Engine) -> int | None:
    """The number of the run whose queue is shown; none where another's is staged beside it."""
    return None if _is_staged(engine) else live_run(engine)


def live_run(engine: sa.Engine) -> int | None:
    """The number of the run whose queue is shown."""
    with reading(engine) as connection:
        number: int | None = connection.scalar(sa.select(LIVE.c.run_number))
        return number


def _prepare(
    engine: sa.Engine, items: pl.DataFrame, fresh: pl.DataFrame, moved: pl.DataFrame, number: int
) -> None:
    """Write what nobody sees before the switch, and what changes nobody's sight or answer."""
    _name_sets(engine, CAMPAIGN_SETS, items, "campaigns")
    _name_sets(engine, ACCOUNT_SETS, items, "accounts")
    _name_customers(engine, items)
    for part in fresh.iter_slices(ROWS_AT_A_TIME):
        with in_turns(engine) as connection, at_the_end(connection):
            _stage(connection, part, number)
    for part in moved.iter_slices(ROWS_AT_A_TIME):
        with in_turns(engine) as connection, at_the_end(connection):
            _update(connection, part)


def _assigned() -> pl.Expr:
    """Whom an item is handed to: what people handed on stays so, its size is told anew."""
    by_people = pl.col("assigned_to_old").is_not_null() & (pl.col("assigned_to_old") != TOO_LARGE)
    return pl.when(by_people).then("assigned_to_old").otherwise("assigned_to").alias("assigned_to")


def _differs(names: Iterable[str]) -> pl.Expr:
    return pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_old")) for name in names)


def _known(engine: sa.Engine) -> pl.DataFrame:
    """The items that are shown; what a run that died had staged is forgotten."""
    if _is_staged(engine):
        with writing(engine) as connection:
            connection.execute(sa.delete(ITEMS).where(_STAGED))
    columns = [ITEMS.c[name] for name in ("item_id", "state", *SEEN)]
    with reading(engine) as connection:
        query = sa.select(*columns).where(ITEMS.c.kind.not_in(NOT_STAGED))
        rows = [tuple(row) for row in connection.execute(query)]
    schema: dict[str, Any] = {
        column.name: pl.Float64 if column.name == "urgency" else pl.String for column in columns
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


_STAGED = ITEMS.c.first_run > sa.func.coalesce(sa.select(LIVE.c.run_number).scalar_subquery(), 0)
"""Items of a run that is not shown yet."""


def _is_staged(engine: sa.Engine) -> bool:
    with reading(engine) as connection:
        return connection.execute(sa.select(ITEMS.c.item_id).where(_STAGED)).first() is not None


@contextmanager
def _switching(engine: sa.Engine, run_number: int, now: str) -> Iterator[sa.Connection]:
    """Hold the one transaction that shows a run; stewards wait for it, so it does little else."""
    with reading(engine) as connection:
        was_any = is_any_managed(connection)
    with writing(engine) as connection:
        yield connection
        assign_managers(connection, was_any=was_any)
        with at_the_end(connection):
            forget_answered(connection)
            connection.execute(sa.delete(LIVE))
            live = sa.insert(LIVE).values(only=1, run_number=run_number, switched_at=now)
            connection.execute(live)


def _stage(connection: sa.Connection, items: pl.DataFrame, run_number: int) -> None:
    rows = items.select("item_id", "kind", *SEEN).with_columns(
        state=pl.lit(OPEN), version=pl.lit(1), first_run=pl.lit(run_number)
    )
    connection.execute(sa.insert(ITEMS), rows.to_dicts())


def _set_of(values: pl.Expr) -> pl.Expr:
    """The name of a set of campaigns or accounts."""
    told = values.list.eval(pl.element().fill_null("")).list.unique().list.sort()
    return told.list.join(BETWEEN).fill_null("")


def _name_sets(engine: sa.Engine, table: sa.Table, items: pl.DataFrame, of: str) -> None:
    """Say what is in each set of campaigns or accounts, of those that are not known yet."""
    name, value = (column.name for column in table.c)
    named = items.select(name, pl.col(of).alias(value)).unique(name)
    told = named.explode(value).with_columns(pl.col(value).fill_null("")).unique()
    with reading(engine) as connection:
        known = set(connection.scalars(sa.select(table.c[name]).distinct()))
    rows = told.filter(~pl.col(name).is_in(sorted(known))).to_dicts()
    if rows:
        with writing(engine) as connection:
            connection.execute(sa.insert(table), rows)


def _name_customers(engine: sa.Engine, items: pl.DataFrame) -> None:
    """Say which customers each item is about; what is as before is left alone."""
    told = items.select("item_id", pl.col("customers").alias("customer_id"))
    told = told.explode("customer_id").drop_nulls().unique()
    with reading(engine) as connection:
        others = sa.select(ITEMS.c.item_id).where(ITEMS.c.kind.in_(NOT_STAGED))
        staged = sa.select(ITEM_CUSTOMERS).where(ITEM_CUSTOMERS.c.item_id.not_in(others))
        rows = [tuple(row) for row in connection.execute(staged)]
    schema = {"customer_id": pl.String, "item_id": pl.String}
    known = pl.DataFrame(rows, schema=schema, orient="row")
    pair = ["item_id", "customer_id"]
    for part in told.join(known, on=pair, how="anti").iter_slices(ROWS_AT_A_TIME):
        with in_turns(engine) as connection, at_the_end(connection):
            connection.execute(sa.insert(ITEM_CUSTOMERS), part.to_dicts())
    gone = (ITEM_CUSTOMERS.c.item_id == sa.bindparam("item")) & (
        ITEM_CUSTOMERS.c.customer_id == sa.bindparam("customer")
    )
    for part in known.join(told, on=pair, how="anti").iter_slices(ROWS_AT_A_TIME):
        with in_turns(engine) as connection, at_the_end(connection):
            rows_gone = part.select(item="item_id", customer="customer_id").to_dicts()
            connection.execute(sa.delete(ITEM_CUSTOMERS).where(gone), rows_gone)


def _update(connection: sa.Connection, changed: pl.DataFrame) -> None:
    """Bring items up to date; new evidence is another version, and asks again.

    What is not asked again stays as it is by now: people answer while a run stages its queue.
    """
    if changed.is_empty():
        return
    is_new = pl.col("fingerprint") != pl.col("fingerprint_old")
    asks_again = is_new | (pl.col("state") == CLOSED)
    rows = changed.select(
        pl.col("item_id").alias("named"),
        *(pl.col(name).alias(f"new_{name}") for name in SEEN),
        steps=asks_again.cast(pl.Int64),
    )
    by_people = ITEMS.c.assigned_to.is_not(None) & (ITEMS.c.assigned_to != TOO_LARGE)
    assigned = sa.bindparam("new_assigned_to", type_=sa.Text)
    statement = (
        sa.update(ITEMS)
        .where(ITEMS.c.item_id == sa.bindparam("named"))
        .values(
            state=sa.case((sa.bindparam("steps") == 1, OPEN), else_=ITEMS.c.state),
            version=ITEMS.c.version + sa.bindparam("steps"),
            escalated_to=sa.case((sa.bindparam("steps") == 1, None), else_=ITEMS.c.escalated_to),
            **{name: sa.bindparam(f"new_{name}") for name in SEEN if name != "assigned_to"},
            assigned_to=sa.case((by_people, ITEMS.c.assigned_to), else_=assigned),
        )
    )
    connection.execute(statement, rows.to_dicts())
    again = [{"named": item_id} for item_id in changed.filter(asks_again)["item_id"]]
    _forget(connection, again)


def _forget(connection: sa.Connection, rows: list[dict[str, str]]) -> None:
    """What is asked anew, or no more, waits for no answer of a customer."""
    if rows:
        named = sa.bindparam("named", type_=sa.Text)
        connection.execute(sa.delete(ASKS).where(ASKS.c.item_id == named), rows)


def _close(connection: sa.Connection, gone: Iterable[str]) -> None:
    rows = [{"named": item_id} for item_id in gone]
    if rows:
        named = sa.bindparam("named", type_=sa.Text)
        waits = (ITEMS.c.state == OPEN) | (ITEMS.c.state == SECOND)  # not what was decided since
        closed = sa.update(ITEMS).where((ITEMS.c.item_id == named) & waits).values(state=CLOSED)
        connection.execute(closed, rows)
        connection.execute(sa.delete(CLAIMS).where(CLAIMS.c.item_id == named), rows)
        _forget(connection, rows)
