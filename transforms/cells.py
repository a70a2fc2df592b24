"""Tell of what kinds the cells of a delivery are, and where that is not as it was before."""

from collections.abc import Iterator, Mapping

import polars as pl

from rules.feed import Expect, Feed

EMPTY = "empty"
KINDS = {
    EMPTY: "are empty",
    "email": "are e-mail addresses",
    "exponent": "are numbers such as 4.4E+11, which have lost their digits",
    "date_year_first": "are dates that begin with the year",
    "date_year_last": "are dates that end with the year",
    "number": "are numbers",
    "words": "are words",
    "mixed": "have letters and digits",
    "other": "are signs alone",
}
"""What a cell can be, and how that is said of many."""

CELLS = pl.Schema({"field": pl.String, "kind": pl.String, "cell_count": pl.Int64})

_ALL, _EACH = 10_000, 100
"""Of a large delivery all of so many rows are looked at, and of the others one in so many."""

_RARE = 0.1


def count_cells(rows: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    """Count the cells of conformed `rows` by field and kind; rows that delete are left out.

    Which rows are looked at hangs on their numbers alone. A field that is mapped and did not come
    is empty.
    """
    number = pl.col("row_number")
    sample = rows.filter((number <= _ALL) | (number % _EACH == 0))
    if "operation" in rows.columns:
        operation = pl.col("operation").str.strip_chars().str.to_lowercase()
        is_delete = operation.is_in(feed.parse.delete_values).fill_null(value=False)
        sample = sample.filter(~is_delete)
    fields = dict.fromkeys(feed.columns.values())
    missing = [pl.lit(None, pl.String).alias(name) for name in fields if name not in rows.columns]
    kinds = sample.with_columns(missing).select(_kind(name).alias(name) for name in fields)
    counted = kinds.unpivot(variable_name="field", value_name="kind").group_by("field", "kind")
    return sum_cells(counted.len("cell_count").cast(CELLS))


def sum_cells(cells: pl.DataFrame) -> pl.DataFrame:
    """Counts of several parts, or deliveries, as one."""
    summed = cells.group_by("field", "kind").agg(pl.col("cell_count").sum())
    return summed.sort("field", "kind")


def tell_changes(now: pl.DataFrame, past: pl.DataFrame, deliveries: int, feed: Feed) -> list[str]:
    """One sentence for each field whose cells are not of the kinds that they were."""
    told = []
    for field, theirs in _names(feed).items():
        changes = list(_changes(_counts(now, field), _counts(past, field), feed.expect))
        if changes:
            before = "the delivery" if deliveries == 1 else f"the {deliveries} deliveries"
            says = " and ".join(
                f"{_percent(is_now)} {KINDS[kind]} (in {before} before {_percent(was)})"
                for kind, is_now, was in changes
            )
            told.append(f"drift: of {field} ({theirs}) {says}")
    return told


def _kind(name: str) -> pl.Expr:
    text = pl.col(name).str.strip_chars()
    has_digit, has_letter = text.str.contains(r"\d"), text.str.contains(r"\pL")
    return (
        pl.when(text.is_null() | (text == ""))
        .then(pl.lit(EMPTY))
        .when(text.str.contains("@", literal=True))
        .then(pl.lit("email"))
        .when(has_letter & text.str.contains(r"^[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d+$"))
        .then(pl.lit("exponent"))
        .when(has_digit & text.str.contains(r"^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:$|[T ])"))
        .then(pl.lit("date_year_first"))
        .when(has_digit & text.str.contains(r"^\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}(?:$|[T ,])"))
        .then(pl.lit("date_year_last"))
        .when(has_letter & has_digit)
        .then(pl.lit("mixed"))
        .when(has_letter)
        .then(pl.lit("words"))
        .when(has_digit)
        .then(pl.lit("number"))
        .otherwise(pl.lit("other"))
    )


def _names(feed: Feed) -> dict[str, str]:
    """Each of our fields with the columns of theirs that it comes from."""
    names: dict[str, list[str]] = {}
    for theirs, ours in feed.columns.items():
        names.setdefault(ours, []).append(repr(theirs))
    return {ours: ", ".join(theirs) for ours, theirs in names.items()}


def _counts(cells: pl.DataFrame, field: str) -> dict[str, int]:
    found = cells.filter(pl.col("field") == field)
    return dict(found.select("kind", "cell_count").iter_rows())


def _changes(
    now: Mapping[str, int], past: Mapping[str, int], expect: Expect
) -> Iterator[tuple[str, float, float]]:
    """Kinds with their share now and before, where these are too far apart."""
    if min(sum(now.values()), sum(past.values())) < expect.drift_rows:
        return
    empty, was_empty = (one.get(EMPTY, 0) / sum(one.values()) for one in (now, past))
    if _differs(empty, was_empty, expect):
        yield EMPTY, empty, was_empty
    filled, were_filled = (sum(one.values()) - one.get(EMPTY, 0) for one in (now, past))
    if min(filled, were_filled) < expect.drift_rows:
        return
    for kind in KINDS:
        share, was = now.get(kind, 0) / filled, past.get(kind, 0) / were_filled
        if kind != EMPTY and share > was and _differs(share, was, expect):
            yield kind, share, was


def _differs(share: float, was: float, expect: Expect) -> bool:
    is_far = abs(share - was) >= expect.drift_share
    is_new = share >= expect.drift_new_share and was <= expect.drift_new_share * _RARE
    return is_far or is_new


def _percent(share: float) -> str:
    return f"{share:.0%}" if share in {0, 1} or 0.01 <= share <= 0.99 else f"{share:.1%}"
