"""Laws of reading CSV: what was written comes back, and no row is lost whatever the damage."""

import csv
import io
import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.feed import ReadRule
from rules.limits import Limits
from store.readers import DeliveryRefused, Reading, read_delivery

CELL = st.text(
    st.one_of(
        st.sampled_from(list("ab1 ,;\t|\"'\r\n-=")),
        st.characters(blacklist_categories=["Cs", "Cc"]),
    ),
    max_size=8,
)
HEADER = ["first", "second", "third"]
TABLE = st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=12)
ENDS_AND_QUOTING = [  # a writer leaves bare what ends lines for others: then it must quote all
    ("\n", csv.QUOTE_ALL),
    ("\r", csv.QUOTE_ALL),
    ("\r\n", csv.QUOTE_ALL),
    ("\r\n", csv.QUOTE_MINIMAL),
    ("\r\n", csv.QUOTE_NONNUMERIC),
]
DIALECT = st.builds(
    lambda delimiter, quote, end: {
        "delimiter": delimiter,
        "quotechar": quote,
        "lineterminator": end[0],
        "quoting": end[1],
    },
    st.sampled_from([",", ";", "\t", "|", "§"]),
    st.sampled_from(['"', "'"]),
    st.sampled_from(ENDS_AND_QUOTING),
)
DAMAGE = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.sampled_from([b'"', b"\n", b"\r", b",", b"\0", b"\xff", b"", b'"""', b"\n\n", b'","']),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=4,
)


def read(data: bytes, rule: ReadRule) -> Reading:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "delivery"
        path.write_bytes(data)
        return read_delivery(path, rule, Limits())


def written(table: list[list[str]], dialect: dict[str, object]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, **dialect).writerows([HEADER, *table])
    return text.getvalue().encode()


def rule_for(dialect: dict[str, object]) -> ReadRule:
    return ReadRule(
        format="csv",
        path="*",
        delimiter=str(dialect["delimiter"]),
        quote=str(dialect["quotechar"]),
        encoding="utf-8",
        header_row=1,
    )


def is_row_of_values(cells: list[str]) -> bool:
    """What the reader does not reject by intent: blank rows, drawn lines, repeated headers."""
    filled = [cell for cell in cells if cell.strip()]
    drawn = [cell for cell in filled if re.fullmatch(r"\s*([-=_*+#~])\1\1[-=_*+#~.|:\s]*", cell)]
    return len(drawn) < len(filled)


@settings(max_examples=300, deadline=None)
@given(TABLE, DIALECT)
def test_what_a_csv_writer_wrote_is_read_back_cell_by_cell(table, dialect):
    reading = read(written(table, dialect), rule_for(dialect))

    expected = [[cell or None for cell in cells] for cells in table if is_row_of_values(cells)]
    assert [list(row) for row in reading.rows.drop("row_number").rows()] == expected
    assert reading.row_count == len(table)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=15, max_size=40), DIALECT)
def test_a_file_reads_the_same_in_small_windows_as_in_one(table, dialect):
    data = written(table, dialect)

    with patch("store.readers.text.WINDOW", 300):
        in_windows = read(data, rule_for(dialect))

    whole = read(data, rule_for(dialect))
    assert in_windows.rows.equals(whole.rows)
    assert in_windows.rejects.equals(whole.rejects)


@settings(max_examples=300, deadline=None)
@given(TABLE, DIALECT, DAMAGE)
def test_no_damage_loses_a_row_or_raises_more_than_a_refusal(table, dialect, damage):
    data = bytearray(written(table, dialect))
    for at, junk, removed in damage:
        start = at % (len(data) + 1)
        data[start : start + removed] = junk
    rule = rule_for(dialect).model_copy(update={"header_row": None, "encoding": None})

    try:
        reading = read(bytes(data), rule)
    except DeliveryRefused:
        return
    numbers = [*reading.rows["row_number"], *reading.rejects["row_number"]]
    assert reading.row_count == reading.rows.height + reading.rejects.height == len(set(numbers))
    assert reading.rejects["reason"].null_count() == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | CELL,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(CELL, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.dictionaries(CELL, JSON, max_size=4), JSON), max_size=8), DAMAGE)
def test_each_line_of_ndjson_is_a_row_or_a_reject(records, damage):
    data = bytearray("".join(json.dumps(record) + "\n" for record in records).encode())
    for at, junk, removed in damage:
        start = at % (len(data) + 1)
        data[start : start + removed] = junk

    try:
        reading = read(bytes(data), ReadRule(format="ndjson", path="*"))
    except DeliveryRefused:
        return
    assert reading.row_count == reading.rows.height + reading.rejects.height
    assert all(dtype == pl.String for dtype in reading.rows.drop("row_number").dtypes)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["csv", "json", "ndjson", "parquet", "xlsx"]), st.binary(max_size=200))
def test_junk_is_read_or_refused_and_never_crashes(kind, junk):
    for prefix in (b"", b"PK\x03\x04", b"\x1f\x8b", b"PAR1", b"[", b"\xff\xfe"):
        try:
            reading = read(prefix + junk, ReadRule(format=kind, path="*"))
        except DeliveryRefused:
            continue
        assert reading.row_count == reading.rows.height + reading.rejects.height


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text("a,;-=|: \t\x1c\u00a0\0", max_size=8),
            st.sampled_from(["a,b,c", "1,2,3", "---,---,---", "---|---", "\ufeff", "a,b", " , , "]),
        ),
        max_size=20,
    ),
    st.sampled_from(["", "x"]),
)
def test_lines_that_are_no_rows_are_told_in_bulk_as_one_by_one(some, trailer):
    data = ("id,n,m\n" + "".join(line + "\n" for line in some)).encode()
    rule = ReadRule(format="csv", path="*", delimiter=",", trailer=trailer or None)

    with patch("store.readers.bulk._FEW", 0):
        in_bulk = read(data, rule)
    one_by_one = read(data, rule)

    assert in_bulk.rows.equals(one_by_one.rows)
    assert in_bulk.rejects.equals(one_by_one.rejects)
    assert in_bulk.notes == one_by_one.notes
