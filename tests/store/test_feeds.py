"""The sample that is kept with a feed is small, whatever the delivery."""

import json
from pathlib import Path

import pytest

from store.errors import TouchstoneError
from store.feeds import SAMPLE_BYTES, SAMPLE_LINES, cut_sample

RECORD = {"id": "1", "name": "x" * SAMPLE_LINES}


def delivery(folder: Path, document: object) -> Path:
    path = folder / "sample.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_a_json_document_is_cut_to_its_first_records(tmp_path: Path) -> None:
    document = {"partner": "beta", "data": {"records": [RECORD] * 10_000}}

    cut = cut_sample(delivery(tmp_path, document), has_lines=False, records="data.records")

    assert len(cut) <= SAMPLE_BYTES
    document["data"] = {"records": [RECORD] * SAMPLE_LINES}
    assert json.loads(cut) == document


def test_a_document_that_cannot_be_cut_is_refused(tmp_path: Path) -> None:
    path = delivery(tmp_path, {"records": "x" * SAMPLE_BYTES})

    with pytest.raises(TouchstoneError, match="give a delivery of a few rows"):
        cut_sample(path, has_lines=False, records="records")
