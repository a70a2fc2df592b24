"""A tour of the golden tables with pandas.

    python examples/pandas_tour.py data/published/current

It reads the Parquet files alone, so it runs wherever a copy of them lies.
"""

import sys
from pathlib import Path

import pandas as pd


def main(folder: Path) -> None:
    """Print one table for each question."""
    customers = pd.read_parquet(folder / "customers.parquet")
    crosswalk = pd.read_parquet(folder / "crosswalk.parquet")
    points = pd.read_parquet(folder / "contact_points.parquet")
    history = pd.read_parquet(folder / "history.parquet")

    print("Customers by country, and how many may be written to")
    by_country = customers.assign(country=customers["country"].fillna("not known"))
    said_yes = by_country["consent_email"].eq(True)
    print(
        by_country.assign(may_be_mailed=said_yes)
        .groupby("country")
        .agg(customers=("customer_id", "size"), may_be_mailed=("may_be_mailed", "sum"))
        .sort_values("customers", ascending=False)
        .head(8)
    )

    print("\nWhich sources know the same customers")
    known = crosswalk[["customer_id", "source"]].drop_duplicates()
    both = known.merge(known, on="customer_id", suffixes=("", "_too"))
    print(both.pivot_table(index="source", columns="source_too", aggfunc="size", fill_value=0))

    print("\nContact points by kind and what is known of them")
    print(pd.crosstab(points["kind"], points["verification"]))

    print("\nValues that changed, by field")
    ended = history[history["valid_to"].notna()]
    print(ended.groupby("field").size().sort_values(ascending=False).head(8))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "data/published/current"))
