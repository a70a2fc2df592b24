"""Plan how the levels of a model are read off pairs of records.

The levels are SQL, as Splink keeps them. Whether two values are the same is asked of codes, not of
the values: only where SQL asks more of a column is its text fetched.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import polars as pl

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
_AND = " and "
OPEN = 100
"""From here on: codes alone do not tell the level, and this much further on stands the one that
weighs most of those that the pair may have."""


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


def plan_told(
    comparisons: list[dict[str, Any]], schema: pl.Schema, most: Mapping[str, Sequence[float]]
) -> tuple[Plan, frozenset[str]]:
    """Plan for what codes alone tell, and the comparisons that they leave open for some pairs.

    They tell the first levels: behind one that looks at the texts nothing is certain but by it. Of
    the others they tell which the pair cannot have. `most` is what each level may weigh.
    """
    equal: dict[tuple[Side, Side], str] = {}
    levels, left_open = [], []
    for comparison in comparisons:
        cases: list[str] = []
        for case in _cases(comparison, {}, asked := dict(equal), schema):
            if _COLUMN.search(case):
                name = comparison["output_column_name"]
                left_open.append(name)
                cases += _possible(comparison, len(cases) - 1, most[name], equal, schema)
                break
            equal.update(asked)
            cases.append(case)
        levels.append(_level(comparison, cases))
    sql = f"select {', '.join(levels)} from pairs"
    return Plan(sql, equal, _coded_columns(equal), ()), frozenset(left_open)


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


def _possible(
    comparison: dict[str, Any],
    first: int,
    most: Sequence[float],
    equal: dict[tuple[Side, Side], str],
    schema: pl.Schema,
) -> Iterator[str]:
    """Of the levels from this one on, which may be the pair's and weighs most."""
    levels = comparison["comparison_levels"][1:]
    for level in sorted(range(first, len(levels)), key=lambda number: -most[number]):
        needs = _needs(levels[level]["sql_condition"], equal, schema)
        if not needs:
            yield f"else {OPEN + level}"
            return
        yield f"when {' and '.join(needs)} then {OPEN + level}"


def _needs(sql: str, equal: dict[tuple[Side, Side], str], schema: pl.Schema) -> list[str]:
    """What must hold where the SQL does, as far as codes tell it."""
    needs = []
    for part in _all_of(sql):
        coded = _coded(part, asked := dict(equal), schema)
        if not _COLUMN.search(coded):
            equal.update(asked)
            needs.append(coded)
    return needs


def _all_of(sql: str) -> list[str]:
    """The parts that all hold where the SQL does; none where it cannot be taken apart."""
    if sql == "ELSE" or "case " in sql or " between " in sql:
        return []
    outer, depth, is_quoted = "", 0, False
    for letter in sql:
        is_quoted ^= letter == "'"
        depth += 0 if is_quoted else (letter == "(") - (letter == ")")
        outer += letter if depth == 0 and not is_quoted else "_"
    if " or " in outer:
        return []
    ends = [-len(_AND), *(found.start() for found in re.finditer(_AND, outer)), len(sql)]
    return [sql[start + len(_AND) : end] for start, end in pairwise(ends)]


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
