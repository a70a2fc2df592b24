"""Reading CSV: every physical row is a row or a reject, and no value changes place."""

from pathlib import Path

import pytest

from rules.feed import ReadRule
from rules.limits import Limits
from store.readers import DeliveryRefused, Reading, read_delivery


def read(folder: Path, data: bytes, **rule: object) -> Reading:
    expected = rule.pop("expected", ())
    limits = Limits(**rule.pop("limits", {}))
    path = folder / "delivery"
    path.write_bytes(data)
    return read_delivery(path, ReadRule(format="csv", path="*", **rule), limits, expected)


def reasons(reading: Reading) -> list[tuple[int, str]]:
    return reading.rejects.select("row_number", "reason").rows()


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b"id;n\n01;Ann\n2;\n", [(2, "01", "Ann"), (3, "2", None)]),
        (b"id\tn\n1\tAnn", [(2, "1", "Ann")]),
        (b"id|n\r\n1|Ann\r\n", [(2, "1", "Ann")]),
        (b"id,n\r1,Ann\r2,Bo\r", [(2, "1", "Ann"), (3, "2", "Bo")]),
        (b"id,n\n1,Ann\r2,Bo\r\n3,Cy\n", [(2, "1", "Ann"), (3, "2", "Bo"), (4, "3", "Cy")]),
        (b'id,n\n1,"a ""b"", c"\n2, d \n', [(2, "1", 'a "b", c'), (3, "2", " d ")]),
        (b'id,n\n1,"two\r\nlines"\n2,x\n', [(2, "1", "two\r\nlines"), (3, "2", "x")]),
        (b'id,n\n1,5" pipe\n2,The "Bull" Inn\n', [(2, "1", '5" pipe'), (3, "2", 'The "Bull" Inn')]),
        (b'id, n\n1, "a, b"\n', [(2, "1", "a, b")]),
        (b"sep=;\nid;n\n1;Ann\n", [(3, "1", "Ann")]),
        (b'id,n\n1,""\n', [(2, "1", None)]),
        (b"id,n,\n1,Ann,\n2,Bo,\n", [(2, "1", "Ann"), (3, "2", "Bo")]),
        (b"id,n\n1,Ann,\n2,Bo,\n", [(2, "1", "Ann"), (3, "2", "Bo")]),
        (b"id,n\n1,a\xc2\x85b\xe2\x80\xa8c\x0cd\n", [(2, "1", "a\x85b\u2028c\x0cd")]),
    ],
)
def test_sound_rows_are_read_as_they_came(tmp_path, data, rows):
    reading = read(tmp_path, data)

    assert reading.rows.rows() == rows
    assert reading.row_count == len(rows)


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8-sig", None),
        ("utf-16", None),
        ("utf-32", None),
        ("utf-16-le", None),
        ("utf-16-be", None),
        ("cp1252", "cp1252"),
        ("cp1250", "cp1250"),
        ("iso8859-15", "latin9"),
        ("cp1252", None),
        ("utf-8", None),
        ("utf-8", "cp1252"),
    ],
)
def test_the_text_is_the_same_in_every_encoding(tmp_path, encoding, declared):
    data = "id,name\n1,Müller\n2,Weiß\n".encode(encoding)

    reading = read(tmp_path, data, encoding=declared)

    assert reading.rows["name"].to_list() == ["Müller", "Weiß"]


def test_a_line_of_another_encoding_is_read_and_said(tmp_path):
    data = "id,n\n1,Müller\n".encode() + "2,Jäger\n".encode("cp1252")

    reading = read(tmp_path, data)

    assert reading.rows["n"].to_list() == ["Müller", "Jäger"]
    assert "1 lines are not UTF-8 and were read as cp1252" in reading.notes


@pytest.mark.parametrize("declared", ["utf-8", "ascii", "cp1252", None])
def test_bytes_of_no_encoding_cost_one_row(tmp_path, declared):
    reading = read(tmp_path, b"id,n\n1,Ann\n2,\x81\xff\n3,Cy\n", encoding=declared)

    assert reasons(reading) == [(3, "undecodable_bytes")]
    assert reading.rows["row_number"].to_list() == [2, 4]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "blank_row"),
        (b",,", "blank_row"),
        (b' ,"",', "blank_row"),
        (b"-----,-----,-----", "separator_row"),
        (b"===========", "separator_row"),
        (b"id,n,m", "repeated_header"),
        (b" id,n ,m", "repeated_header"),
        (b"9,x", "ragged_row"),
        (b"9,x,y,z", "ragged_row"),
        (b"9,x,y,", "ragged_row"),
        (b'9,"x,y', "unclosed_quote"),
        (b'9,"x"y,z', "misplaced_quote"),
        (b"9,x\0,y", "nul_byte"),
        (b"9,%s,y" % (b"x" * 51), "field_too_long"),
    ],
)
def test_a_row_that_cannot_be_read_is_rejected_by_name_and_costs_no_other(tmp_path, line, reason):
    data = b'id,n,m\n1,"Ann",a\n' + line + b'\n2,"Bo",b\n3,"C, y",c\n'

    reading = read(tmp_path, data, limits={"max_field_chars": 50})

    assert reasons(reading) == [(3, reason)]
    assert reading.rejects["raw"].to_list() == [line.decode()]
    assert reading.rows["n"].to_list() == ["Ann", "Bo", "C, y"]
    assert reading.rows["row_number"].to_list() == [2, 4, 5]


def test_an_open_quote_does_not_swallow_the_rows_up_to_the_next_quote(tmp_path):
    rows = [b"%d,n,m,x" % number for number in range(2, 14)]
    data = b'id,n,m,o\n1,n,m,"x\n' + b"\n".join(rows) + b'\n14,n,m,y"\n15,n,m,x\n'

    reading = read(tmp_path, data)

    assert reasons(reading) == [(2, "unclosed_quote")]
    assert reading.rows["id"].to_list() == [str(number) for number in range(2, 16)]


def test_a_value_over_several_lines_is_one_row_in_the_count(tmp_path):
    reading = read(tmp_path, b'id,n\n1,"a\n\nb"\n,\n3,"c\nd"\n4,e\n')

    assert reading.rows["row_number"].to_list() == [2, 4, 5]
    assert reasons(reading) == [(3, "blank_row")]


def test_a_header_is_found_below_a_preamble_by_the_names_of_the_feed(tmp_path):
    data = b"Expo list;;\nas of;2024-05-01;\n\nE-Mail;Name;Town\na@x.org;Ann;Bonn\n"

    reading = read(tmp_path, data, expected=("e-mail", "Name", "Town"))

    assert reading.columns == ["E-Mail", "Name", "Town"]
    assert reading.rows.row(0) == (5, "a@x.org", "Ann", "Bonn")
    assert reading.row_count == 1


def test_the_names_of_the_feed_decide_between_delimiters(tmp_path):
    data = b"last, first;street, town\nOrtega, Ana;Main 1, Bonn\n"

    reading = read(tmp_path, data, expected=("last, first", "street, town"))

    assert reading.rows.row(0) == (2, "Ortega, Ana", "Main 1, Bonn")


def test_a_declared_header_row_is_a_line_of_the_file(tmp_path):
    reading = read(tmp_path, b"a,b\nid,n\n1,Ann\n", header_row=2)

    assert reading.rows.rows() == [(3, "1", "Ann")]
    assert reading.columns == ["id", "n"]


def test_a_file_without_a_header_takes_the_names_of_the_feed(tmp_path):
    reading = read(tmp_path, b"1,Ann\n2,Bo\n", header=False, names=("id", "n"))

    assert reading.columns == ["id", "n"]
    assert reading.rows["row_number"].to_list() == [1, 2]


def test_a_trailer_is_told_from_a_line_like_it_that_records_follow(tmp_path):
    data = b"name,n\nTotal so far,1\nAnn,2\nTotal: 2 rows\n\n"

    reading = read(tmp_path, data, trailer=r"Total\b")

    assert sorted(reasons(reading)) == [
        (2, "trailer_before_the_end"),
        (4, "trailer_row"),
        (5, "blank_row"),
    ]
    assert reading.rows["name"].to_list() == ["Ann"]
    assert reading.row_count == 4


@pytest.mark.parametrize(
    ("data", "rule", "part"),
    [
        (b"", {}, "the file is empty"),
        (b" \n\t\n", {}, "nothing but white space"),
        (b"id,email,Email\n1,a,b\n", {}, "'email' and 'Email'"),
        (b"\x89PNG\r\n\x1a\n" + bytes(300), {}, "a PNG picture"),
        (bytes(range(1, 9)) * 40, {}, "not text"),
        (b"<!DOCTYPE html><html>", {}, "web page"),
        (b"id,n,m\n1,Ann,x\n", {"delimiter": ";"}, "looks as if cut at ','"),
        (b"id,n\n1,Ann\n", {"delimiter": "||"}, "2 characters"),
        (b"id,n\n1,Ann\n", {"encoding": "klingon"}, "unknown encoding"),
        (b"id,n\n1,Ann\n", {"trailer": "("}, "is no pattern"),
        (b"id,n\n1,Ann\n", {"header_row": 3}, "ends before its header"),
        (b"\xff\xfei\x00d\x00\xd8", {}, "not utf-16-le near byte"),
        (b"a,b,c\n", {"limits": {"max_columns": 2}}, "3 columns"),
        (b"a,b\n1,2\n3,4\n", {"limits": {"max_rows": 2}}, "more lines"),
        (b"a,b\n1,2\n", {"limits": {"max_bytes": 4}}, "8 bytes"),
    ],
)
def test_a_delivery_that_makes_no_sense_is_refused_with_a_reason(tmp_path, data, rule, part):
    with pytest.raises(DeliveryRefused) as refused:
        read(tmp_path, data, **rule)

    assert part in refused.value.reason


def test_a_column_that_has_our_own_name_is_kept_under_another(tmp_path):
    reading = read(tmp_path, b"row_number,n\n7,Ann\n")

    assert reading.rows.row(0, named=True) == {
        "row_number": 2,
        "row_number (delivered)": "7",
        "n": "Ann",
    }


def test_a_wide_quoted_file_is_read_though_no_pattern_counts_its_columns(tmp_path):
    cells = ",".join(f'"c{number}"' for number in range(300)).encode()

    reading = read(tmp_path, cells + b"\n" + cells.replace(b"c", b"v") + b"\n")

    assert reading.rows["c299"].to_list() == ["v299"]


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("cp1250", "Božena Němcová"),
        ("iso8859_2", "Jiří Růžička"),
        ("cp1250", "Łucja Wiśniewska"),
        ("iso8859_2", "Łucja Wiśniewska"),
        ("cp1254", "Şükrü Yıldırım"),
        ("cp1251", "Анна Каренина"),
        ("koi8_r", "Анна Каренина"),
        ("gb18030", "王小明，北京市朝阳区"),
        ("big5", "陳美玲，臺北市信義區"),
        ("shift_jis", "山田太郎、東京都"),
        ("euc_kr", "김민수 서울특별시"),
        ("cp1252", "Zoé Lefèvre"),
        ("cp1252", "Jürgen Weiß"),
        ("cp1252", "Þór Guðmundsson"),
    ],
)
def test_the_encoding_of_names_is_found_out_among_columns_of_ascii(tmp_path, encoding, name):
    rows = "".join(f"{number},{name},ann.{number}@example.com\n" for number in range(20))

    reading = read(tmp_path, f"id,name,email\n{rows}".encode(encoding))

    assert set(reading.rows["name"]) == {name}
    assert f"20 lines are not UTF-8 and were read as {encoding}" in reading.notes


@pytest.mark.parametrize("again", ["ID, Name", "\ufeffid,name"])
def test_a_header_is_known_again_whatever_its_capitals(tmp_path, again):
    reading = read(tmp_path, f"id,name\n1,Ann\n{again}\n2,Bo\n".encode())

    assert reading.rows["id"].to_list() == ["1", "2"]
    assert reasons(reading) == [(3, "repeated_header")]


def test_a_file_of_nothing_but_damage_is_refused_before_it_is_read_to_its_end(tmp_path):
    damaged = b"id,n\n" + b'"1,Ann\n' * 30

    with pytest.raises(DeliveryRefused, match="more than 20 rows of it cannot be read"):
        read(tmp_path, damaged, limits={"max_rejects": 20})


def test_rows_of_another_width_count_for_the_limit_too(tmp_path):
    data = b"id,n\n" + b"1,2,3\n" * 30 + b"1,Ann\n"

    with pytest.raises(DeliveryRefused, match="more than 29 rows of it cannot be read"):
        read(tmp_path, data, expected=("id", "n"), limits={"max_rejects": 29})
    reading = read(tmp_path, data, expected=("id", "n"), limits={"max_rejects": 30})

    assert reading.rows.rows() == [(32, "1", "Ann")]


def test_five_times_as_many_rows_may_be_empty(tmp_path):
    data = b"id,n\n" + b"\n" * 50 + b"1,Ann\n"

    with pytest.raises(DeliveryRefused, match="more than 45 rows of it are empty"):
        read(tmp_path, data, expected=("id", "n"), limits={"max_rejects": 9})
    reading = read(tmp_path, data, expected=("id", "n"), limits={"max_rejects": 10})

    assert reading.rows.rows() == [(52, "1", "Ann")]
