"""Deliveries made to hurt are read or refused with a reason, and never lose a row in silence."""

from pathlib import Path

import pytest

from rules.feed import ReadRule
from rules.limits import Limits
from store.readers import DeliveryRefused, read_delivery
from tests.hostile import COLUMNS, Kind, kinds

KINDS = kinds(0.02)
TABLES = ("csv", "xlsx", "parquet")


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_a_hostile_delivery_is_read_or_refused_as_it_should(tmp_path: Path, kind: Kind) -> None:
    path = tmp_path / kind.file
    path.write_bytes(kind.content())
    rule = ReadRule(format=kind.format, path="*", **kind.read)
    expected = COLUMNS if kind.format in TABLES else ()

    try:
        reading = read_delivery(path, rule, Limits(), expected)
    except DeliveryRefused as refusal:
        outcome, said = None, refusal.reason
    else:
        outcome = reading.rows.height, reading.rejects.height
        said = "; ".join(reading.notes)
        numbers = [*reading.rows["row_number"], *reading.rejects["row_number"]]
        assert len(set(numbers)) == len(numbers) == reading.row_count

    assert outcome in kind.allowed
    assert kind.says in said
    assert "PWNED" not in "".join(path.name for path in tmp_path.iterdir())
