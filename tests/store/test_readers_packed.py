"""Opening deliveries that are packed: within limits, whole or not at all."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from rules.feed import ReadRule
from rules.limits import Limits
from store.readers import DeliveryRefused, Reading, read_delivery

ROWS = b"id,n\n1,Ann\n"


def read(folder: Path, data: bytes, name: str = "delivery", **limits: int) -> Reading:
    path = folder / name
    path.write_bytes(data)
    return read_delivery(path, ReadRule(format="csv", path="*"), Limits(**limits))


def packed(data: bytes) -> bytes:
    """As gzip, without the time: the tests are called the same in every process."""
    return gzip.compress(data, mtime=0)


def zipped(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        ROWS,
        packed(ROWS),
        packed(b"id,n\n") + packed(b"1,Ann\n"),
        zipped({"leads.dat": ROWS}),
        zipped({"leads.csv": ROWS, "read me.pdf": b"x", "__MACOSX/leads.csv": b"x", "a/": b""}),
        zipped({"leads.csv.gz": packed(ROWS)}),
        zipped({"../../../evil.csv": ROWS}),
    ],
)
def test_one_file_is_found_in_whatever_it_is_packed(tmp_path, data):
    reading = read(tmp_path, data)

    assert reading.rows.rows() == [(2, "1", "Ann")]
    assert [path.name for path in tmp_path.iterdir()] == ["delivery"]


@pytest.mark.parametrize("name", ["a.xlsx", "-rf.csv", "$(touch x).csv", "{a,b}*.csv", "\n.csv"])
def test_the_name_of_a_file_decides_nothing(tmp_path, name):
    assert read(tmp_path, ROWS, name).rows.rows() == [(2, "1", "Ann")]


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (packed(ROWS * 50)[:-12], "cut off"),
        (packed(ROWS)[:-6] + b"\0" * 6, "gzip file is damaged"),
        (packed(b""), "empty once unpacked"),
        (packed(b"\n" * 5_000), "limit of 1,000 bytes"),
        (zipped({"leads.csv": b"x" * 5_000}), "limit of 1,000 bytes"),
        (zipped({"a.csv": ROWS, "b.csv": ROWS}), "2 files"),
        (zipped({}), "0 files"),
        (zipped({"leads.csv": ROWS})[:-10], "damaged or cut off"),
    ],
)
def test_what_is_cut_off_damaged_or_too_large_is_refused_whole(tmp_path, data, part):
    with pytest.raises(DeliveryRefused) as refused:
        read(tmp_path, data, max_expanded_bytes=1000)

    assert part in refused.value.reason


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_that_cannot_be_unpacked_in_pieces_is_refused(tmp_path, method):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        archive.writestr("a.csv", ROWS)

    with pytest.raises(DeliveryRefused, match="pack it anew"):
        read(tmp_path, data.getvalue())
