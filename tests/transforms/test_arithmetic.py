"""A database that is asked often answers as one that is asked once."""

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from transforms.arithmetic import FEW, Often, arithmetic

SQL = "select upper(name) as name, length(name) + 1 as letters from people"
PEOPLE = pl.DataFrame({"name": ["anna", None, "bo"], "unread": [1, 2, 3]})


@pytest.mark.parametrize("size", [FEW, FEW + 1])
@pytest.mark.parametrize("rows", [PEOPLE, PEOPLE.head(1), PEOPLE.clear(), PEOPLE.reverse()])
def test_each_question_is_asked_of_the_rows_given_with_it(rows: pl.DataFrame, size: int) -> None:
    often = Often()
    often.ask("people", SQL, PEOPLE)
    with arithmetic(size) as once:
        wanted = once.ask("people", SQL, rows)
    found = often.ask("people", SQL, rows)
    often.close()

    assert wanted["name"].to_list() == [name and name.upper() for name in rows["name"]]
    assert_frame_equal(found, wanted)


def test_rows_of_other_columns_and_another_question_are_planned_anew() -> None:
    often = Often()
    often.ask("people", SQL, PEOPLE)
    others = PEOPLE.select("name", age=pl.Series([30, 40, 50], dtype=pl.Int16))

    assert often.ask("people", SQL, others)["letters"].to_list() == [5, None, 3]
    assert often.ask("people", "select age from people", others)["age"].to_list() == [30, 40, 50]
    often.close()


def test_a_database_that_stays_keeps_nothing_that_it_was_asked_of() -> None:
    with arithmetic(PEOPLE.height) as first:
        first.ask("people", SQL, PEOPLE)
    with arithmetic(0) as second:
        assert (
            second.ask("others", "select (select count(*) from people) as n", PEOPLE)["n"][0] == 0
        )


def test_no_file_is_read() -> None:
    often = Often()
    with pytest.raises(duckdb.PermissionException):
        often.ask("people", "select * from people, read_csv('/etc/hostname')", PEOPLE)
    often.close()
