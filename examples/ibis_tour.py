"""A tour of the golden tables with Ibis, whose expressions DuckDB works out where the data lies.

    python examples/ibis_tour.py data/published/current

It asks the views of golden.duckdb; the same expressions work on a copy in PostgreSQL.
"""

import sys
from pathlib import Path

import ibis
from ibis import _


def main(folder: Path) -> None:
    """Print one table for each question."""
    golden = ibis.duckdb.connect(folder / "golden.duckdb", read_only=True)

    print("How good each source is")
    quality = golden.table("source_quality")
    shares = ("completeness", "validity", "uniqueness", "consistency", "timeliness")
    print(quality.mutate(**{name: _[name].round(3) for name in shares}).to_polars())

    print("Which channel brings new customers")
    channels = golden.table("channel_effectiveness")
    told = channels.group_by("source", "campaign").agg(
        records=_.records.sum(), new_customers=_.new_customers.sum()
    )
    print(
        told.mutate(share=(_.new_customers / _.records).round(2))
        .order_by(_.share.desc(), _.source)
        .to_polars()
    )

    print("Who is known best: customers of several sources, by quality")
    known = golden.table("customer_360").filter(_.source_count > 1)
    print(
        known.group_by("source_count")
        .agg(customers=_.count(), quality=_.quality.mean().round(3))
        .order_by("source_count")
        .to_polars()
    )

    print("How good the links are, as far as people have judged them")
    bands = golden.table("match_bands").select("run_id", "band", "pairs", "judged", "share")
    print(bands.order_by(_.run_id.desc(), "band").limit(3).to_polars())


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "data/published/current"))
