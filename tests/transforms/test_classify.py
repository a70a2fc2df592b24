"""Each delivered row is told apart from the version before it."""

from datetime import UTC, datetime

import polars as pl
import pytest

from transforms.classify import WITHDRAWN_ROWS, classify_rows, keys_in, lost_deletes, withdrawn

NOW = datetime(2026, 3, 2, tzinfo=UTC)
KNOWN = {
    "source_key": pl.String,
    "record_number": pl.Int64,
    "content_hash": pl.UInt64,
    "is_withdrawn": pl.Boolean,
}


def classified(rows: list[tuple[str, int, bool]], known: list[tuple[str, int, int, bool]]) -> list:
    frame = pl.DataFrame(
        [(number, *row) for number, row in enumerate(rows, 2)],
        schema={
            "row_number": pl.Int64,
            "source_key": pl.String,
            "content_hash": pl.UInt64,
            "is_delete": pl.Boolean,
        },
        orient="row",
    )
    before = pl.DataFrame(known, schema=KNOWN, orient="row")
    found = classify_rows(frame, before, 7, NOW)
    return found.select("arrival", "record_number", "kind").rows()


@pytest.mark.parametrize(
    ("row", "known", "kind"),
    [
        (("a", 1, False), [], "new"),
        (("a", 1, True), [], "unchanged"),
        (("a", 1, False), [("a", 3_000_000_002, 1, False)], "unchanged"),
        (("a", 2, False), [("a", 3_000_000_002, 1, False)], "changed"),
        (("a", 2, True), [("a", 3_000_000_002, 1, False)], "deleted"),
        (("a", 2, True), [("a", 3_000_000_002, 1, True)], "unchanged"),
        (("a", 1, False), [("a", 3_000_000_002, 1, True)], "changed"),
    ],
)
def test_a_row_is_what_it_does_to_its_record(row: tuple, known: list, kind: str) -> None:
    number = 3_000_000_002 if known else 7_000_000_002

    found = classified([row], known)

    assert found == [(7_000_000_002, number, kind)]


def test_a_row_is_compared_with_the_one_above_it_of_the_same_key() -> None:
    rows = [("a", 1, False), ("a", 1, False), ("b", 5, False), ("a", 1, True), ("a", 1, False)]

    found = classified(rows, [])

    assert [kind for _, _, kind in found] == ["new", "unchanged", "new", "deleted", "changed"]
    assert {number for arrival, number, _ in found if arrival != 7_000_000_004} == {7_000_000_002}


def test_a_row_that_deletes_what_was_never_sent_is_lost() -> None:
    rows = pl.DataFrame(
        [
            (2, "a", True),
            (3, "a", False),
            (4, "a", True),
            (5, "b", True),
            (6, "c", True),
            (7, "d", False),
        ],
        schema={"row_number": pl.Int64, "source_key": pl.String, "is_delete": pl.Boolean},
        orient="row",
    )
    known = pl.DataFrame([("c", 3_000_000_002, 1, True)], schema=KNOWN, orient="row")

    assert lost_deletes(rows, known).to_list() == [2, 5]


def test_what_a_full_dump_lacks_is_numbered_after_its_rows_in_the_order_of_arrival() -> None:
    columns = ("record_number", "source_key", "content_hash")
    absent = pl.DataFrame(
        [(14, "d", 1), (12, "b", 1)], schema={name: KNOWN[name] for name in columns}, orient="row"
    )

    gone = withdrawn(absent, 7)

    first = 7_000_000_000 + WITHDRAWN_ROWS
    assert gone.select("arrival", "source_key").rows() == [(first, "b"), (first + 1, "d")]


def test_every_word_of_a_row_that_could_not_be_read_may_be_its_key() -> None:
    found = keys_in(pl.Series(['d-4;"half a row', None, "d-4;Größe"]))

    assert set(found) == {"d-4", "half", "a", "row", "Größe"}
