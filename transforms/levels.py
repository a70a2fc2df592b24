"""Put records side by side, pair by pair, for the question which levels they reach.

The levels are SQL, as Splink keeps them. Whether two values are the same is asked of 63-bit codes
that lie record by record, so that a pair costs two look-ups and not forty; text is fetched only
for the columns of which SQL asks more. Codes live as long as one call and are never stored.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

_COLUMN = re.compile(r"\b(\w+)_[lr]\b")
_EQUAL = re.compile(
    r"(^|\(|, |\band |\bor |\bnot |\bwhen )(\w+)_([lr]) (=|<>) (\w+)_([lr])"
    r"(?=$|\)|, | and\b| or\b| is\b| then\b)"
)
"""Two columns told apart and no more, where they are not a part of some longer sum."""
_DISTANCE = re.compile(r"\b(jaro_winkler_similarity|levenshtein|hamming)\((\w+), (\w+)\)")
_UNMEASURED = re.compile(_DISTANCE.pattern + r"(?= is null| is not null)")
"""There is no distance where one of the two values is missing."""
_MISSING = re.compile(r"\b(\w+_[lr])(?= is null| is not null)")
_SLIP = re.compile(r"\bdamerau_levenshtein\((\w+), (\w+)\) = 1\b")
_GUARDED = r"(case when levenshtein(\1, \2) <= 2 then damerau_levenshtein(\1, \2) else 2 end = 1)"
"""One slip is two edits at most, and counting edits is six times as quick as finding swaps."""
_WHEN_EQUAL = {"jaro_winkler_similarity": "1.0", "levenshtein": "0", "hamming": "0"}
_CODED = (pl.String(), pl.Date(), pl.Int64(), pl.Int32())
_ROWS = 8_192
"""Pairs whose codes are compared at a time: they stay in the processor's cache."""
_NARROW = 4
"""A row is fetched whole where no fewer of its columns are asked for than every such one."""
_COLUMNS = 6
"""Columns that are coded at once; it bounds the memory."""


OPEN = 99
"""The level of a pair of which codes alone do not tell it."""


class Side(NamedTuple):
    """A column of the left or of the right record."""

    column: str
    side: str


class Plan(NamedTuple):
    """How the levels of a model are read off pairs of records."""

    sql: str
    """Over a table `pairs`, one `level_…` per comparison: 0 the best, -1 a value is missing."""
    equal: dict[tuple[Side, Side], str]
    """The sides that are asked for equality, and what the answer is called."""
    coded: tuple[str, ...]
    texts: tuple[str, ...]


class Records(NamedTuple):
    """What is asked of records, in the order of their numbers."""

    codes: NDArray[np.uint64]
    """One row per record, one column per coded column; 0 is a missing value."""
    coded: tuple[str, ...]
    texts: pl.DataFrame


def plan_levels(comparisons: list[dict[str, Any]], schema: pl.Schema) -> Plan:
    """Plan for comparisons in Splink's own shape, hence Any, over columns of this schema."""
    equal: dict[tuple[Side, Side], str] = {}
    distances: dict[str, str] = {}
    measured = []
    for comparison in comparisons:
        for found in _DISTANCE.finditer(comparison["comparison_levels"][0]["sql_condition"]):
            if found[0] not in distances:
                distances[found[0]] = name = f"distance_{len(distances)}"
                measured.append(f"{_shortened(found, equal, schema)} as {name}")
    levels = ", ".join(_level_sql(c, distances, equal, schema) for c in comparisons)
    sql = f"select {levels} from (select {', '.join(['*', *measured])} from pairs)"
    texts = sorted({name for name in _COLUMN.findall(sql) if name in schema})
    return Plan(sql, equal, _coded_columns(equal), tuple(texts))


def plan_told(comparisons: list[dict[str, Any]], schema: pl.Schema) -> tuple[Plan, list[int]]:
    """Plan for what codes alone tell, and how many levels of each comparison they can tell.

    These are the first levels: behind one that looks at the texts nothing is certain but by it.
    """
    equal: dict[tuple[Side, Side], str] = {}
    levels, told = [], []
    for comparison in comparisons:
        asked: dict[tuple[Side, Side], str] = dict(equal)
        cases = []
        for case in _cases(comparison, {}, asked, schema):
            if _COLUMN.search(case):
                break
            equal.update(asked)
            cases.append(case)
        told.append(len(cases) - 1)
        is_open = len(cases) < len(comparison["comparison_levels"])
        levels.append(_level(comparison, [*cases, f"else {OPEN}"] if is_open else cases))
    sql = f"select {', '.join(levels)} from pairs"
    return Plan(sql, equal, _coded_columns(equal), ()), told


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


def _shortened(
    distance: re.Match[str], equal: dict[tuple[Side, Side], str], schema: pl.Schema
) -> str:
    """A distance that is not measured where the two values are the same."""
    same = _coded(f"{distance[2]} = {distance[3]}", equal, schema)
    return f"case when {same} then {_WHEN_EQUAL[distance[1]]} else {distance[0]} end"


def _level_sql(
    comparison: dict[str, Any],
    distances: dict[str, str],
    equal: dict[tuple[Side, Side], str],
    schema: pl.Schema,
) -> str:
    return _level(comparison, _cases(comparison, distances, equal, schema))


def _level(comparison: dict[str, Any], cases: Iterable[str]) -> str:
    return f"(case {' '.join(cases)} end)::tinyint as level_{comparison['output_column_name']}"


def _cases(
    comparison: dict[str, Any],
    distances: dict[str, str],
    equal: dict[tuple[Side, Side], str],
    schema: pl.Schema,
) -> Iterator[str]:
    for level, described in enumerate(comparison["comparison_levels"], -1):
        sql = described["sql_condition"]
        if sql == "ELSE":
            yield f"else {level}"
            continue
        sql = _MISSING.sub(r"(\1 = \1)", _UNMEASURED.sub(r"(\2 = \3)", sql))
        for call, name in distances.items():
            sql = sql.replace(call, name)
        yield f"when {_coded(_SLIP.sub(_GUARDED, sql), equal, schema)} then {level}"


def _coded_columns(equal: dict[tuple[Side, Side], str]) -> tuple[str, ...]:
    return tuple(sorted({side.column for both in equal for side in both}))


def _coded(sql: str, equal: dict[tuple[Side, Side], str], schema: pl.Schema) -> str:
    """The SQL with each question of equality between two columns replaced by its answer's name."""

    def named(found: re.Match[str]) -> str:
        one, other = Side(found[2], found[3]), Side(found[5], found[6])
        types = [schema.get(one.column), schema.get(other.column)]
        if types[0] != types[1] or types[0] not in _CODED:
            return found[0]
        name = equal.setdefault((min(one, other), max(one, other)), f"equal_{len(equal)}")
        return found[1] + (name if found[4] == "=" else f"(not {name})")

    return _EQUAL.sub(named, sql)
