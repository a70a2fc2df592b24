"""Reading Parquet and XLSX: typed cells become the text that a person would expect."""

import io
import zipfile
from datetime import UTC, date, datetime, time
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from rules.feed import ReadRule
from rules.limits import Limits
from store.readers import DeliveryRefused, Reading, columnar, read_delivery


def read(folder: Path, data: bytes, **rule: object) -> Reading:
    expected = rule.pop("expected", ())
    limits = Limits(**rule.pop("limits", {}))
    path = folder / "delivery"
    path.write_bytes(data)
    return read_delivery(path, ReadRule(path="*", **rule), limits, expected)


def parquet(columns: dict[str, object]) -> bytes:
    data = io.BytesIO()
    pl.DataFrame(columns).write_parquet(data)
    return data.getvalue()


def workbook(rows: list[list[object]], name: str = "Contacts") -> bytes:
    data = io.BytesIO()
    with xlsxwriter.Workbook(data) as book:
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        sheet = book.add_worksheet(name)
        for row, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if isinstance(cell, date):
                    sheet.write_datetime(row, column, cell, day)
                elif cell is not None:
                    sheet.write(row, column, cell)
        if rows:
            book.add_worksheet("Notes").write(0, 0, "not this one")
    return data.getvalue()


def with_part(data: bytes, name: str, change: tuple[bytes, bytes]) -> bytes:
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(changed, "w") as new:
        for part in old.namelist():
            content = old.read(part)
            new.writestr(part, content.replace(*change) if part == name else content)
    return changed.getvalue()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("007", "007"),
        ("", None),
        (True, "true"),
        (date(1980, 2, 3), "1980-02-03"),
        (datetime(2024, 5, 1, 8, 30, tzinfo=UTC), "2024-05-01T08:30:00Z"),
        (datetime(2024, 5, 1, 8, 30), "2024-05-01T08:30:00"),
        (time(8, 30), "08:30:00"),
        (447911123456.0, "447911123456"),
        (1.5, "1.5"),
        (float("nan"), None),
        (12345678901234567, "12345678901234567"),
        (["a", "b"], "a; b"),
        ([{"a": 1}], '[{"a":1}]'),
        (b"M\xc3\xbcller", "Müller"),
        (b"\xff", "ff"),
    ],
)
def test_a_parquet_value_becomes_text(tmp_path, value, text):
    reading = read(tmp_path, parquet({"id": ["1"], "v": [value]}), format="parquet")

    assert reading.rows.rows() == [(1, "1", text)]


def test_a_parquet_struct_becomes_dotted_columns(tmp_path):
    data = parquet({"id": ["1"], "c": [{"email": "a@x.org", "at": date(2024, 1, 2)}]})

    reading = read(tmp_path, data, format="parquet")

    assert reading.rows.row(0) == (1, "1", "a@x.org", "2024-01-02")
    assert reading.columns == ["id", "c.email", "c.at"]


def test_parquet_rows_that_no_format_should_hold_are_rejected(tmp_path):
    data = parquet({"a": ["x", None, "y\0", "z" * 11], "b": ["1", None, "2", "3"]})

    reading = read(tmp_path, data, format="parquet", limits={"max_field_chars": 10})

    assert reading.rejects.select("row_number", "reason").rows() == [
        (2, "blank_row"),
        (3, "nul_byte"),
        (4, "field_too_long"),
    ]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("x" * 1_000, pl.Categorical),
        ({"inner": "x" * 1_000}, pl.Struct({"inner": pl.Categorical})),
        (b"x" * 1_000, pl.Binary),
        (["x" * 1_000], pl.List(pl.String)),
        ([["x" * 1_000]], pl.List(pl.List(pl.String))),
        ([{"inner": b"x" * 1_000}], pl.List(pl.Struct({"inner": pl.Binary}))),
    ],
)
def test_a_value_that_many_rows_share_is_counted_for_each_before_it_is_unpacked(
    tmp_path, monkeypatch, value, kind
):
    data = parquet({"id": range(500), "note": pl.Series([value] * 500, dtype=kind)})
    monkeypatch.setattr(columnar, "_texts", None)  # nothing is made text
    limits = {"free_expansion_bytes": 100_000, "max_expansion": 1}

    with pytest.raises(DeliveryRefused, match="unpacked, it is more than the limit of 100,000"):
        read(tmp_path, data, format="parquet", limits=limits)


def test_a_parquet_file_without_rows_is_a_delivery_of_none(tmp_path):
    data = parquet({"a": pl.Series([], dtype=pl.String)})

    reading = read(tmp_path, data, format="parquet")

    assert reading.row_count == 0
    assert reading.columns == ["a"]


def test_a_sheet_is_read_as_a_person_sees_it(tmp_path):
    data = workbook(
        [
            ["Webinar", None, None],
            ["Phone", "Born", "Email"],
            [447911123456.0, date(1980, 2, 3), "x@example.org"],
            [None, None, None],
            ["007", "n/a", None],
            ["Total", 2, None],
        ]
    )

    reading = read(
        tmp_path, data, format="xlsx", trailer="Total", expected=("Phone", "Born", "Email")
    )

    assert reading.rows.rows() == [
        (3, "447911123456", "1980-02-03", "x@example.org"),
        (5, "007", "n/a", None),
    ]
    assert sorted(row[:2] for row in reading.rejects.rows()) == [
        (4, "blank_row"),
        (6, "trailer_row"),
    ]


def test_a_sheet_is_chosen_by_its_name(tmp_path):
    data = workbook([["a", "b"], ["1", "2"]])

    with pytest.raises(DeliveryRefused) as refused:
        read(tmp_path, data, format="xlsx", sheet="Leads")

    assert "'Leads', only Contacts, Notes" in refused.value.reason


def test_an_error_in_a_cell_is_no_value_and_a_formula_is_its_result(tmp_path):
    data = io.BytesIO()
    with xlsxwriter.Workbook(data) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["a", "b", "c"])
        sheet.write_formula(1, 0, "=1/0", None, "#DIV/0!")
        sheet.write_formula(1, 1, '="x@"&"y.org"', None, "x@y.org")
        sheet.write(1, 2, True)

    reading = read(tmp_path, data.getvalue(), format="xlsx")

    assert reading.rows.rows() == [(2, None, "x@y.org", "true")]


def test_a_text_that_every_cell_points_to_is_counted_for_each_of_them(tmp_path):
    data = workbook([["a", "b"], *[["x" * 5_000, "x" * 5_000]] * 20])

    with pytest.raises(DeliveryRefused) as refused:
        read(tmp_path, data, format="xlsx", limits={"max_document_bytes": 50_000})

    assert "texts are more than the limit" in refused.value.reason
    prefixed = data
    for old, new in ((b"<si>", b"<x:si>"), (b"</si>", b"</x:si>")):
        prefixed = with_part(prefixed, "xl/sharedStrings.xml", (old, new))
    with pytest.raises(DeliveryRefused, match="texts are more"):
        read(tmp_path, prefixed, format="xlsx", limits={"max_document_bytes": 50_000})
    more = {"max_document_bytes": 150_000}
    assert read(tmp_path, data, format="xlsx", limits=more).rows.height == 20


@pytest.mark.parametrize(
    ("data", "kind", "part"),
    [
        (parquet({"a": ["x"]})[:-20], "parquet", "damaged or cut off"),
        (b"id,n\n1,Ann\n", "parquet", "not a Parquet file"),
        (b"id,n\n1,Ann\n", "xlsx", "not an XLSX workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "xlsx", "password-protected"),
        (workbook([["a"]]), "csv", "an Excel workbook"),
        (parquet({"a": ["x"]}), "csv", "a Parquet file"),
        (workbook([["a"]])[:-40], "xlsx", "damaged or cut off"),
        (workbook([]), "xlsx", "empty"),
        (
            with_part(
                workbook([["a"]]),
                "xl/worksheets/sheet1.xml",
                (
                    b"<worksheet",
                    b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><worksheet',
                ),
            ),
            "xlsx",
            "XML entities",
        ),
        (
            with_part(workbook([["a"]]), "xl/worksheets/sheet1.xml", (b'"A1"', b'"XFD1048576"')),
            "xlsx",
            "spans 1048576 rows and 16384 columns",
        ),
    ],
)
def test_a_file_that_is_not_what_its_feed_says_is_refused(tmp_path, data, kind, part):
    with pytest.raises(DeliveryRefused) as refused:
        read(tmp_path, data, format=kind)

    assert part in refused.value.reason
