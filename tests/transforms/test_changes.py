"""What became of each customer in a run, for those who are fed by it."""

import polars as pl

from transforms.changes import describe_changes

VALUES = {"founder": pl.Int64, "email": pl.String, "city": pl.String}
MOVES = {"record_number": pl.Int64, "old_founder": pl.Int64, "founder": pl.Int64}


def changes(before: list[tuple], after: list[tuple], moves: list[tuple] = ()) -> list[tuple]:
    found = describe_changes(
        pl.DataFrame(before, schema=VALUES, orient="row"),
        pl.DataFrame(after, schema=VALUES, orient="row"),
        pl.DataFrame(list(moves), schema=MOVES, orient="row"),
        ["email", "city"],
    )
    return found.rows()


def test_who_was_not_there_is_created() -> None:
    assert changes([], [(1, "a", None)], [(1, None, 1)]) == [(1, "created", [], None)]


def test_a_change_names_the_fields_that_differ_and_nothing_else_is_told() -> None:
    before = [(1, "a", None), (2, "b", "York")]

    assert changes(before, [(1, "a", "Bath"), (2, "b", "York")]) == [(1, "changed", ["city"], None)]


def test_a_merge_says_into_whom() -> None:
    before = [(1, "a", None), (2, "b", None)]

    assert changes(before, [(1, "a", None)], [(2, 2, 1)]) == [(2, "merged", [], 1)]


def test_a_split_says_out_of_whom() -> None:
    after = [(1, "a", None), (2, "b", None)]

    assert changes([(1, "a", None)], after, [(2, 1, 2)]) == [(2, "split", [], 1)]


def test_who_has_no_record_left_is_withdrawn() -> None:
    assert changes([(1, "a", None)], []) == [(1, "withdrawn", [], None)]
