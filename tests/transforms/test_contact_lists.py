"""A cell with two contact points gives both, and one that only looks like a list stays whole."""

import polars as pl
import pytest

from transforms.standardise.contact_lists import split_contacts


def both(column: str, cell: str | None, second: str | None = None) -> tuple[str, str]:
    other = f"{column}_2"
    frame = pl.DataFrame({column: [cell], other: [second]}, schema_overrides={other: pl.String})
    split = split_contacts(frame)
    return split[column].item(), split[other].item()


@pytest.mark.parametrize(
    "cell",
    [
        "ann@mail.org; lee@post.org",
        "ann@mail.org,lee@post.org",
        "ann@mail.org / lee@post.org",
        "Ann Lee <ann@mail.org>, <lee@post.org>",
        "mailto:ann@mail.org lee@post.org",
        "ann@mail.org | lee@post.org | third@post.org",
    ],
)
def test_the_second_address_of_a_cell_has_a_place_of_its_own(cell: str) -> None:
    assert both("email", cell) == ("ann@mail.org", "lee@post.org")


@pytest.mark.parametrize("cell", ['"a@b"@mail.org', "a@b@mail.org", "ann@mail.org", "@@", "; @ ;"])
def test_an_address_that_is_no_list_stays_as_it_is(cell: str) -> None:
    assert both("email", cell) == (cell, None)


@pytest.mark.parametrize(
    "cell",
    [
        "020 7946 0001; 07911 123456",
        "020 7946 0001 / 07911 123456",
        "020 7946 0001 or 07911 123456",
        "020 7946 0001, 07911 123456",
        "020 7946 0001\n07911 123456",
    ],
)
def test_the_second_number_of_a_cell_has_a_place_of_its_own(cell: str) -> None:
    assert both("phone", cell) == ("020 7946 0001", "07911 123456")


@pytest.mark.parametrize(
    "cell",
    [
        "030/1234567",
        "030 / 1234567",
        "020 7946 0001, ext 12",
        "020 7946 0001/2",
        "020 7946 0001; ask for Ann",
        "+44 (0)20 7946-0001",
    ],
)
def test_a_number_that_is_no_list_stays_as_it_is(cell: str) -> None:
    assert both("phone", cell) == (cell, None)


def test_what_is_given_in_the_second_place_stays_there() -> None:
    assert both("email", "ann@mail.org; lee@post.org", "x@y.org") == ("ann@mail.org", "x@y.org")


def test_of_a_list_in_the_second_place_the_first_is_kept() -> None:
    assert both("phone", "020 7946 0001", "07911 123456; 07911 123457") == (
        "020 7946 0001",
        "07911 123456",
    )


def test_a_frame_without_a_second_place_gets_one_only_when_it_is_needed() -> None:
    plain = pl.DataFrame({"email": ["ann@mail.org"]})
    listed = pl.DataFrame({"email": ["ann@mail.org", "a@b.org; c@d.org", None]})

    assert split_contacts(plain).columns == ["email"]
    assert split_contacts(listed).to_dict(as_series=False) == {
        "email": ["ann@mail.org", "a@b.org", None],
        "email_2": [None, "c@d.org", None],
    }


def test_splitting_twice_is_splitting_once() -> None:
    once = split_contacts(pl.DataFrame({"email": ["a@b.org; c@d.org"]}))

    assert split_contacts(once).equals(once)
