"""Sniffing proposes a reading under which the delivery is read."""

import json
from pathlib import Path

import pytest

from rules.limits import Limits
from store.readers import DeliveryRefused, read_delivery
from store.readers.sniff import sniff


def sniffed(folder: Path, data: bytes, name: str = "leads_20240501.csv") -> dict[str, object]:
    path = folder / name
    path.write_bytes(data)
    rule = sniff(path)
    read_delivery(path, rule, Limits())
    return rule.model_dump(exclude_defaults=True)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a;b\n1;2,5\n", {"format": "csv", "delimiter": ";"}),
        (b"a\tb\n1\t2\n", {"format": "csv", "delimiter": "\t"}),
        ("a,b\nö,1\nü,2\n".encode("cp1252"), {"delimiter": ",", "encoding": "cp1252"}),
        ("a,b\nö,1\n".encode() + "ü,2\n".encode("cp1252"), {"format": "csv", "delimiter": ","}),
        (b"Report\n\na,b,c\n1,2,3\n4,5,6\n", {"delimiter": ",", "header_row": 3}),
        (b"a,b\nx,1\nGrand total,1\n", {"delimiter": ",", "trailer": r"Grand total\b"}),
        (b'{"a":1}\n{"a":2}\n', {"format": "ndjson"}),
        (b'not json\n{"a":1}\n{"a":2}\n', {"format": "ndjson"}),
        (b'{"n":1,\n"page":{"rows":[\n{"a":1}]}}', {"format": "json", "records": "page.rows"}),
        (json.dumps([{"a": 1}, {"a": 2}], indent=1).encode(), {"format": "json"}),
        (
            b'{"answers":[{"name":"E-Mail","value":"x"}]}\n{"answers":[]}\n',
            {"format": "ndjson", "name_value_lists": {"answers": ("name", "value")}},
        ),
    ],
)
def test_a_first_delivery_says_how_it_is_written(tmp_path, data, said):
    rule = sniffed(tmp_path, data)

    assert {"format": "csv", "path": "leads_*.csv"} | said == rule


def test_what_cannot_be_opened_is_refused_by_sniffing_too(tmp_path):
    with pytest.raises(DeliveryRefused) as refused:
        sniffed(tmp_path, b"\x1f\x8bjunk")

    assert "gzip" in refused.value.reason
