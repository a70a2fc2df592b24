"""A tour of the golden tables with polars.

    python examples/tour.py data/published/current

It reads the Parquet files alone, so it runs wherever a copy of them lies.
"""

import sys
from pathlib import Path

import polars as pl


def main(folder: Path) -> None:
    """Print one table for each question."""
    customers = pl.scan_parquet(folder / "customers.parquet")
    crosswalk = pl.scan_parquet(folder / "crosswalk.parquet")
    lineage = pl.scan_parquet(folder / "lineage.parquet")

    print("Customers by the number of their records")
    print(customers.group_by("record_count").len().sort("record_count").collect())

    print("What each source knows, and what it alone knows")
    known = crosswalk.join(customers.select("customer_id", "source_count"), on="customer_id")
    print(
        known.group_by("source")
        .agg(
            customers=pl.col("customer_id").n_unique(),
            alone=pl.col("customer_id").filter(pl.col("source_count") == 1).n_unique(),
        )
        .sort("source")
        .collect()
    )

    print("What decided for the values, by field")
    decided = lineage.group_by("field", "decided_by").len().collect()
    print(decided.pivot("decided_by", index="field", values="len").sort("field"))

    print("Where the values of one customer come from")
    one = customers.filter(pl.col("record_count") == pl.col("record_count").max()).head(1)
    values = lineage.join(one.select("customer_id"), on="customer_id", how="semi")
    named = values.join(crosswalk.select("record_id", "source"), on="record_id", how="left")
    print(named.group_by("source").agg("field").sort("source").collect())


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "data/published/current"))
