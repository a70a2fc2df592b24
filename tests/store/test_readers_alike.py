"""NDJSON lines that are alike are read at once, and come out as the careful way reads them."""

import json
from pathlib import Path
from unittest.mock import patch

import pytest

from rules.feed import ReadRule
from rules.limits import Limits
from store.readers import Reading, json_alike, read_delivery

GOOD = {"id": 7, "name": "Ann", "at": {"city": "Leeds", "zip": "01234"}, "tags": ["a", "b"]}
ODD = [
    '{"id": 1.10, "name": "Ann"}',
    '{"id": 123456789012345678901234567890, "name": null}',
    '{"id": 1, "id": 2}',
    '{"id": 01, "name": "Ann"}',
    '{"id": -0.5e3, "name": ""}',
    '{"id": true, "name": "a, \\"b\\": 1"}',
    '{"id": 1, "name": "tab\there"}',
    '{"id": null, "name": null}',
    '{"a.b": "1", "a": {"b": "2"}}',
    '{"tags": [1, null, "x"]}',
    '{"tags": [], "id": "5"}',
    '{"tags": [{"a": 1}], "id": "5"}',
    '{"id": "1"} trailing',
    '{"id": "1",}',
    '["id"]',
    "",
    '{"name": "x: 5, true, null"}',
    '{"na me 1": "2", "3": 4}',
]


def read(folder: Path, lines: list[str]) -> Reading:
    path = folder / "a.jsonl"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return read_delivery(path, ReadRule(format="ndjson", path="*"), Limits())


@pytest.mark.parametrize("odd", ODD)
def test_alike_lines_are_read_as_the_careful_way_reads_them(tmp_path: Path, odd: str) -> None:
    lines = [json.dumps(GOOD | {"id": number}) for number in range(9)] + [odd] * 9

    with patch.object(json_alike, "_FEW", 3):
        quick = read(tmp_path, lines)
    careful = read(tmp_path, lines)

    columns = sorted(careful.columns)
    assert sorted(quick.columns) == columns
    assert quick.rows.select(columns).rows() == careful.rows.select(columns).rows()
    assert quick.rejects.rows() == careful.rejects.rows()
