"""Put records side by side, pair by pair, for the question which levels they reach.

Whether two values are the same is asked of 63-bit codes that lie record by record, so that a pair
costs two look-ups and not forty. Codes live as long as one call and are never stored.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from transforms.plans import Plan

_ROWS = 8_192
"""Pairs whose codes are compared at a time: they stay in the processor's cache."""
_NARROW = 4
"""A row is fetched whole where no fewer of its columns are asked for than every such one."""
_COLUMNS = 6
"""Columns that are coded at once; it bounds the memory."""


class Records(NamedTuple):
    """What is asked of records, in the order of their numbers."""

    codes: NDArray[np.uint64]
    """One row per record, one column per coded column; 0 is a missing value."""
    coded: tuple[str, ...]
    texts: pl.DataFrame


def lay_out(nodes: pl.DataFrame, order: pl.Series, *plans: Plan) -> Records:
    """The records, in this order, as the plans want them."""
    rows = order.to_numpy()
    texts = nodes.select(sorted({name for plan in plans for name in plan.texts}))
    if not order.is_sorted():
        texts = texts.select(pl.all().gather(order))
    coded = tuple(sorted({name for plan in plans for name in plan.coded}))
    codes = np.empty((nodes.height, len(coded)), dtype=np.uint64)
    for first in range(0, len(coded), _COLUMNS):
        some = coded[first : first + _COLUMNS]
        hashed = [code.to_numpy() for code in nodes.select(map(_code, some)).get_columns()]
        for start in range(0, nodes.height, _ROWS):
            here = slice(start, start + _ROWS)
            for number, code in enumerate(hashed, first):
                codes[here, number] = code[rows[here]]
    return Records(codes, coded, texts)


@cache
def _code(column: str) -> pl.Expr:
    value = pl.col(column)
    code = pl.when(value.is_not_null()).then(value.hash() | 1).otherwise(0)
    return code.cast(pl.UInt64).alias(column)


def side_by_side(records: Records, plan: Plan, a: pl.Series, b: pl.Series) -> pa.Table:
    """The table `pairs` of the plan: the records at places `a` beside those at places `b`."""
    same, unknown = _compare(records, plan, a.to_numpy(), b.to_numpy())
    columns = {
        name: pa.array(same[number], mask=unknown[number])
        for number, name in enumerate(plan.equal.values())
    }
    for side, places in (("l", a), ("r", b)):
        texts = records.texts.select(pl.col(plan.texts).gather(places))
        for name in plan.texts:
            text = texts[name].to_arrow(compat_level=pl.CompatLevel.newest())
            columns[f"{name}_{side}"] = text
    return pa.table(columns)


def _compare(
    records: Records, plan: Plan, a: NDArray[np.uint32], b: NDArray[np.uint32]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """For each question of equality and pair: whether it holds, and whether a value is missing."""
    is_narrow = len(plan.coded) * _NARROW < len(records.coded)
    read = np.array([records.coded.index(column) for column in plan.coded], dtype=np.intp)
    number = {name: at for at, name in enumerate(plan.coded if is_narrow else records.coded)}
    codes = records.codes
    asked = [
        (one.side, number[one.column], other.side, number[other.column])
        for one, other in plan.equal
    ]
    same = np.empty((len(asked), a.size), dtype=np.bool_)
    unknown = np.empty((len(asked), a.size), dtype=np.bool_)
    for start in range(0, a.size, _ROWS):
        here = slice(start, start + _ROWS)
        if is_narrow:
            values = {"l": codes[a[here, None], read], "r": codes[b[here, None], read]}
        else:
            values = {"l": codes[a[here]], "r": codes[b[here]]}
        missing = {side: value == 0 for side, value in values.items()}
        for row, (left, i, right, j) in enumerate(asked):
            np.equal(values[left][:, i], values[right][:, j], out=same[row, here])
            np.logical_or(missing[left][:, i], missing[right][:, j], out=unknown[row, here])
    return same, unknown
