"""Take apart cells that hold several contact points, as lists and people write them.

The first stays where it is; the second takes the second place, unless that is taken. A record has
two places of a kind; whatever a cell says beyond that stays in the delivery.
"""

from functools import cache

import polars as pl

_ADDRESS = r"""[^\s;,|<>()\[\]"/:]+@[^\s;,|<>()\[\]"/@]+\.[^\s;,|<>()\[\]"/@]+"""
_BETWEEN = r"\s*[;|\n\r]\s*|,\s+|\s+/\s+|\s+(?:or|and|oder|und|ou|et|o|y|e)\s+"
"""What stands between two numbers; a stroke without spaces, or a comma, may be part of one."""
_PLACES = {"email": "email", "email_2": "email", "phone": "phone", "phone_2": "phone"}
"""Where contact points stand, and of which kind."""
_MARK = "\x1f"
_FEWEST = 7
"""Fewer digits than this are no number, but an extension or the end of a range."""


def split_contacts(records: pl.DataFrame) -> pl.DataFrame:
    """Give the second contact point of a cell a place of its own: `email_2`, `phone_2`."""
    texts = {name for name, kind in records.schema.items() if kind == pl.String}
    maybe = [_maybe(column, kind).any() for column, kind in _PLACES.items() if column in texts]
    if not any(records.select(maybe).row(0) if maybe else ()):
        return records
    for column, kind in _PLACES.items():
        if records.schema.get(column) == pl.String:
            pieces = _addresses if kind == "email" else _numbers
            records = _split(records, column, kind, pieces(pl.col(column)))
    return records


@cache
def _maybe(column: str, kind: str) -> pl.Expr:
    """Whether a cell may hold several."""
    if kind == "email":
        several = pl.col(column).str.count_matches("@") >= 2
    else:
        several = pl.col(column).str.contains(_BETWEEN)
    return several.fill_null(value=False)


def _split(records: pl.DataFrame, column: str, kind: str, pieces: pl.Expr) -> pl.DataFrame:
    """The records with the pieces of a column's cells in both places, where there are several."""
    places = records.select(_maybe(column, kind)).to_series().arg_true()
    if places.is_empty():
        return records
    second = f"{kind}_2"
    if second not in records.columns:
        records = records.with_columns(pl.lit(None, pl.String).alias(second))
    some = records[places].with_columns(pieces.alias(_MARK))
    is_list = pl.col(_MARK).list.len() >= 2
    one, other = (pl.col(_MARK).list.get(place, null_on_oob=True) for place in (0, 1))
    given = pl.col(second) if column == kind else pl.lit(None, pl.String)
    split = some.select(
        pl.when(is_list).then(one).otherwise(column).alias(column),
        pl.when(is_list).then(pl.coalesce(given, other)).otherwise(second).alias("\0second"),
    )
    columns = {column: records[column].clone().scatter(places, split[column])}
    if column == kind:
        columns[second] = records[second].clone().scatter(places, split["\0second"])
    return records.with_columns(**columns)


def _addresses(cell: pl.Expr) -> pl.Expr:
    return cell.str.extract_all(_ADDRESS)


def _numbers(cell: pl.Expr) -> pl.Expr:
    """The numbers of a cell; none where a part of it is no number by itself."""
    parts = cell.str.replace_all(_BETWEEN, _MARK).str.split(_MARK)
    parts = parts.list.eval(pl.element().str.strip_chars()).list.filter(pl.element() != "")
    digits = pl.element().str.count_matches("[0-9]")
    is_whole = parts.list.eval(digits >= _FEWEST).list.all()
    return pl.when(is_whole).then(parts)
