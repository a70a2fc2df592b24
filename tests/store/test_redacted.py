"""A delivery of which rows were erased is read as it was, without them."""

from pathlib import Path

import polars as pl
import pytest

from store.readers.reading import REJECT_SCHEMA, DeliveryRefused, Reading
from store.redacted import NAME, About, drop, read_redacted, write_redacted


def parts() -> list[Reading]:
    rejects = pl.DataFrame([(3, "ragged_row", "Ann;x")], schema=REJECT_SCHEMA, orient="row")
    none = pl.DataFrame(schema=REJECT_SCHEMA)
    first = pl.DataFrame({"row_number": [2, 4], "raw": ["Ann", None], "E-Mail": ["a@b.co", "c"]})
    second = pl.DataFrame({"row_number": [5], "raw": ["Tom"], "E-Mail": ["t@b.co"]})
    columns = ["raw", "E-Mail"]
    return [
        Reading(first, rejects, columns, 3, []),
        Reading(second, none, columns, 1, ["a note"]),
    ]


def test_the_rows_that_are_left_are_read_as_they_were_under_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "payload").write_text("Ann")

    path = write_redacted(tmp_path, parts(), About(["raw", "E-Mail"], ["a note"]), frozenset({2}))
    found = list(read_redacted(path))

    rows = pl.concat(part.rows for part in found)
    rejects = pl.concat(part.rejects for part in found)
    assert rows.rows() == [(4, None, "c"), (5, "Tom", "t@b.co")]
    assert rejects.rows() == [(2, "erased", None), (3, "ragged_row", "Ann;x")]
    assert rows.columns == ["row_number", "raw", "E-Mail"]
    assert [note for part in found for note in part.notes] == ["a note"]
    assert [one.name for one in tmp_path.iterdir()] == [NAME]


def test_a_row_that_could_not_be_read_is_erased_like_any_other(tmp_path: Path) -> None:
    path = write_redacted(tmp_path, parts(), About(["raw", "E-Mail"], []), frozenset({3, 4}))

    assert b"Ann;x" not in path.read_bytes()
    assert pl.concat(part.rejects for part in read_redacted(path)).rows() == [
        (3, "erased", None),
        (4, "erased", None),
    ]


def test_a_delivery_that_nobody_can_read_is_dropped_whole(tmp_path: Path) -> None:
    (tmp_path / "payload").write_bytes(b"\0Ann")

    drop(tmp_path)

    with pytest.raises(DeliveryRefused, match="was erased"):
        list(read_redacted(tmp_path / NAME))
    assert [one.name for one in tmp_path.iterdir()] == [NAME]
