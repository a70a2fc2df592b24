"""Time ten questions of analysts on a snapshot, on its Parquet files and on a copy in PostgreSQL.

    .venv/bin/python bench/questions.py --data DIR [--rounds 5] [--threads 2] [--to postgresql://…]

Each question is asked once to warm up, then so many times; the median is printed, with the time of
the processor beside it, which another program's work does not lengthen as much. Questions of views
and macros are asked of the snapshot alone.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import duckdb

from store.settings import Settings
from store.snapshot import open_snapshot

QUESTIONS = {
    "customers by country": "select country, count(*) from customers group by country",
    "new customers by month": """
        select date_trunc('month', first_seen_at) as month, count(*) from customers
        group by month""",
    "known to one source alone": """
        select source, count(*) as customers, count(*) filter (where c.source_count = 1) as alone
        from (select distinct source, customer_id from crosswalk) as known
        join customers c using (customer_id) group by source""",
    "the same, of the view": "from source_reach",
    "on how many records": "select record_count, count(*) from customers group by record_count",
    "one customer by e-mail, with the source of each value": """
        select l.field, l.value, x.source from contact_points p
        join lineage l using (customer_id) left join crosswalk x using (record_id)
        where p.value = '{email}'""",
    "what the last run changed": """
        select change, count(*) from changes
        where run_id = (select max(run_id) from runs) group by change""",
    "what decided, by field": """
        select field, decided_by, count(*) from lineage group by field, decided_by""",
    "who may be mailed, by verification": """
        select verification, count(*) from contactable where channel = 'email'
        group by verification""",
    "the ten worst documented": """
        select customer_id, quality, completeness from customer_quality
        order by quality, customer_id limit 10""",
    "one customer from all sides": "select * from customer_360 where customer_id = '{one}'",
    "customers as of a day": """
        select count(*) from customers_as_of(timestamptz '2026-11-15 00:00Z')""",
    "households": "select kind, count(*) from relationships group by kind",
}
OF_VIEWS = ("source_reach", "contactable", "customer_quality", "customer_360", "customers_as_of")


def main() -> None:
    """Time all, and print the table of docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--to")
    arguments = parser.parse_args()
    settings = Settings(data=arguments.data, threads=arguments.threads)
    with open_snapshot(settings) as con, duckdb.connect() as files:
        one = con.sql("select max(customer_id) from customers").fetchall()[0][0]
        email = con.sql("select max(value) from contact_points where kind = 'email'").fetchall()[0][
            0
        ]
        files.execute(f"set threads = {arguments.threads}")
        folder = (settings.published / "current").resolve()
        for path in folder.glob("*.parquet"):
            files.execute(f"create view {path.stem} as from read_parquet('{path}')")
        server = copy(arguments.to) if arguments.to else None
        print("| question | snapshot | Parquet | PostgreSQL |\n|---|---|---|---|")
        for name, question in QUESTIONS.items():
            sql = question.format(one=one, email=email)
            plain = not any(view in sql for view in OF_VIEWS)
            cells = [timed(lambda sql=sql: con.execute(sql).fetchall(), arguments.rounds)]
            cells.append(
                timed(lambda sql=sql: files.execute(sql).fetchall(), arguments.rounds)
                if plain
                else "–"
            )
            cells.append(
                timed(lambda sql=sql: server(sql), arguments.rounds) if server and plain else "–"
            )
            print("|", " | ".join([name, *cells]), "|", flush=True)
    print(f"load {os.getloadavg()[0]:.1f}")


def timed(ask: Callable[[], object], rounds: int) -> str:
    """The median of the waits, and of the processor's time, in milliseconds."""
    ask()
    waits, spent = [], []
    for _ in range(rounds):
        began, cpu = time.perf_counter(), time.process_time()
        ask()
        waits.append(1000 * (time.perf_counter() - began))
        spent.append(1000 * (time.process_time() - cpu))
    return f"{statistics.median(waits):.0f} ({statistics.median(spent):.0f})"


def copy(address: str) -> Callable[[str], object]:
    """What asks the copy in PostgreSQL."""
    import sqlalchemy as sa

    connection = sa.create_engine(
        sa.make_url(address).set(drivername="postgresql+pg8000")
    ).connect()
    connection.exec_driver_sql("set search_path = touchstone")
    return lambda sql: connection.exec_driver_sql(sql.replace("%", "%%")).all()


if __name__ == "__main__":
    main()
