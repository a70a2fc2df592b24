"""Reading JSON and NDJSON: one object is one row, its numbers digit by digit."""

import json
from pathlib import Path

import pytest

from rules.feed import ReadRule
from rules.limits import Limits
from store.readers import DeliveryRefused, Reading, read_delivery


def read(folder: Path, data: bytes, **rule: object) -> Reading:
    path = folder / "delivery"
    path.write_bytes(data)
    limits = Limits(max_columns=20, max_nesting=4, max_field_chars=100)
    return read_delivery(path, ReadRule(path="*", **rule), limits)


def row(folder: Path, record: str, **rule: object) -> dict[str, object]:
    reading = read(folder, record.encode() + b"\n", format="ndjson", **rule)
    return reading.rows.drop("row_number").row(0, named=True)


@pytest.mark.parametrize(
    ("record", "columns"),
    [
        ('{"a":"x","b":null,"c":true,"d":""}', {"a": "x", "c": "true", "d": None}),
        ('{"n":12345678901234567890}', {"n": "12345678901234567890"}),
        ('{"f":1.10,"e":1E5}', {"f": "1.10", "e": "1E5"}),
        ('{"c":{"email":"a","tel":{"no":"1"}}}', {"c.email": "a", "c.tel.no": "1"}),
        ('{"tags":["a",2,null,false],"none":[],"bare":{}}', {"tags": "a; 2; false"}),
        ('{"list":[{"no":1.50,"t":"é"}]}', {"list": '[{"no":1.50,"t":"é"}]'}),
    ],
)
def test_an_object_becomes_columns_of_text(tmp_path, record, columns):
    assert row(tmp_path, record) == columns


def test_name_value_lists_become_columns(tmp_path):
    record = '{"answers":[{"name":"E-Mail","value":"a@x.org"},{"name":"Tel","value":["1",2]}]}'

    columns = row(tmp_path, record, name_value_lists={"answers": ("name", "value")})

    assert columns == {"answers.E-Mail": "a@x.org", "answers.Tel": "1; 2"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "blank_row"),
        (b"{}", "blank_row"),
        (b'{"a":', "malformed_json"),
        (b'{"a":1} {"b":2}', "malformed_json"),
        (b"<html>", "malformed_json"),
        (b"[1]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b'{"a":1,"a":2}', "duplicate_keys"),
        (b'{"a":{"b":1},"a.b":2}', "duplicate_keys"),
        (b'{"a":"\\ud800x"}', "lone_surrogate"),
        (b'{"a":"\\u0000"}', "nul_byte"),
        (b'{"a":"\xff"}', "undecodable_bytes"),
        (b'{"a":{"b":{"c":{"d":{"e":1}}}}}', "nested_too_deep"),
        (b"[" * 100_000, "nested_too_deep"),
        (b'{"a":"%s"}' % (b"x" * 101), "field_too_long"),
        (json.dumps({f"k{n}": 1 for n in range(21)}).encode(), "too_many_columns"),
    ],
)
def test_a_broken_line_is_rejected_by_name_and_costs_no_other(tmp_path, line, reason):
    data = b'{"a":"1"}\n' + line + b'\n{"a":"3"}'

    reading = read(tmp_path, data, format="ndjson")

    assert reading.rejects.select("row_number", "reason").rows() == [(2, reason)]
    assert reading.rows.rows() == [(1, "1"), (3, "3")]


def test_an_array_that_calls_itself_lines_is_read_as_what_it_is(tmp_path):
    data = json.dumps([{"a": "1"}, {"a": "2"}], indent=2).encode()

    reading = read(tmp_path, data, format="ndjson")

    assert reading.rows["a"].to_list() == ["1", "2"]


def test_a_document_is_read_at_the_path_of_its_records(tmp_path):
    data = b'{"n":2,"page":{"rows":[{"a":"1"},{"a":"2","a":"3"},7,{"b":"4"}]},"end":[1]}'

    reading = read(tmp_path, data, format="json", records="page.rows")

    assert reading.rows.rows() == [(1, "1", None), (4, None, "4")]
    assert reading.rejects.rows() == [
        (2, "duplicate_keys", '{"a":"2","a":"3"}'),
        (3, "not_an_object", "7"),
    ]


@pytest.mark.parametrize(
    ("data", "records", "part"),
    [
        (b'{"rows":[{"a":1},{"a"', "rows", "cut off"),
        (b'[{"a":1}', None, "cut off"),
        (b'[{"a":1},]', None, "broken at character 10, in line 1"),
        (b'[{"a":1}] x', None, "broken"),
        (b'{"rows":{"a":1}}', "rows", "no array of records"),
        (b'{"other":[]}', "rows", "no array at 'rows'"),
        (b'{"a":1}', None, "no array of records"),
        (b'[{"a":"\xff"}]', None, "not UTF-8 at byte 8"),
    ],
)
def test_a_broken_document_is_refused_whole(tmp_path, data, records, part):
    with pytest.raises(DeliveryRefused) as refused:
        read(tmp_path, data, format="json", records=records)

    assert part in refused.value.reason


def test_a_key_that_has_our_own_name_is_kept_under_another(tmp_path):
    assert row(tmp_path, '{"row_number":"7"}') == {"row_number (delivered)": "7"}


def test_a_document_of_more_records_than_the_limit_is_refused(tmp_path):
    path = tmp_path / "delivery"
    path.write_bytes(b"[" + b'{"a":1},' * 9 + b'{"a":1}]')

    with pytest.raises(DeliveryRefused, match="more than 5 records"):
        read_delivery(path, ReadRule(format="json", path="*"), Limits(max_document_rows=5))


def test_lines_that_end_with_a_return_alone_are_lines(tmp_path):
    path = tmp_path / "delivery"
    path.write_bytes(b'{"a": "1"}\r{"a": "2"}\r')

    reading = read_delivery(path, ReadRule(format="ndjson", path="*"), Limits())

    assert reading.rows.rows() == [(1, "1"), (2, "2")]
