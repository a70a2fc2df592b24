"""A missing value in an update erases nothing, unless the feed says that its blanks do."""

import polars as pl
import pytest

from rules.feed import Feed
from transforms.carry import FIELDS, carry_forward

SCHEMA = {
    "arrival": pl.Int64,
    "record_number": pl.Int64,
    "source": pl.String,
    "is_test": pl.Boolean,
    "has_link": pl.Boolean,
} | dict.fromkeys(FIELDS, pl.String)


def feeds(*, erases: bool = False) -> dict[str, Feed]:
    feed = Feed.model_validate(
        {
            "source": "acme",
            "title": "Acme",
            "channel": "partner_feed",
            "mode": "delta",
            "owner": "acme@example.com",
            "trust": 50,
            "read": {"format": "csv", "path": "acme/*"},
            "columns": {"id": "source_key"},
            "parse": {"blank_means_erase": erases},
        }
    )
    return {"acme": feed}


def records(*rows: dict[str, object]) -> pl.DataFrame:
    plain = {"record_number": 1, "source": "acme", "is_test": False, "has_link": False}
    return pl.DataFrame([plain | row for row in rows], schema=SCHEMA)


def carried(*rows: dict[str, object], before: pl.DataFrame | None = None) -> pl.DataFrame:
    old = records() if before is None else before
    return carry_forward(records(*rows), old, feeds())


@pytest.mark.parametrize("name", ["email", "phone_2", "last_name", "birth_date", "consent_post"])
def test_a_blank_takes_the_value_of_the_version_before(name: str) -> None:
    found = carried({"arrival": 1, name: "x"}, {"arrival": 2}, {"arrival": 3, name: "y"})

    assert found[name].to_list() == ["x", "x", "y"]


def test_a_blank_takes_the_value_of_an_earlier_night() -> None:
    before = records({"arrival": 1, "email": "a@b.org"})

    found = carried({"arrival": 5, "phone": "+441"}, before=before)

    assert found.select("arrival", "email", "phone").rows() == [(5, "a@b.org", "+441")]


def test_two_nights_give_what_one_gives() -> None:
    rows = [
        {"arrival": 1, "email": "a@b.org", "city": "York"},
        {"arrival": 2, "postcode": "LS1"},
        {"arrival": 3, "phone": "+441", "is_test": True},
        {"arrival": 4, "first_name": "Ann"},
    ]
    at_once = carried(*rows)

    first = carried(*rows[:2])
    latest = first.sort("arrival").tail(1)
    second = carried(*rows[2:], before=latest)

    assert at_once.rows() == pl.concat([first, second]).rows()


def test_a_place_is_carried_whole_or_not_at_all() -> None:
    found = carried(
        {"arrival": 1, "address": "1 High St", "city": "York"},
        {"arrival": 2, "city": "Leeds"},
        {"arrival": 3},
    )

    assert found.select("address", "city").rows() == [
        ("1 High St", "York"),
        (None, "Leeds"),
        (None, "Leeds"),
    ]


@pytest.mark.parametrize("fault", ["is_test", "has_link"])
def test_what_will_be_quarantined_gives_nothing(fault: str) -> None:
    found = carried(
        {"arrival": 1, "email": "a@b.org"},
        {"arrival": 2, "email": "x@y.org", "city": "Nowhere", fault: True},
        {"arrival": 3},
    )

    assert found.select("email", "city").row(-1) == ("a@b.org", None)


def test_a_blank_erases_where_the_feed_says_so() -> None:
    both = records({"arrival": 1, "email": "a@b.org"}, {"arrival": 2})

    found = carry_forward(both, records(), feeds(erases=True))

    assert found["email"].to_list() == ["a@b.org", None]


def test_nothing_passes_from_one_record_to_another() -> None:
    found = carried(
        {"arrival": 1, "email": "a@b.org"},
        {"arrival": 2, "record_number": 2},
        {"arrival": 3, "record_number": 2, "phone": "+441"},
    )

    assert found["email"].to_list() == ["a@b.org", None, None]


FATHER = {"suffix": None, "email": "a@b.org", "phone": "+441"}
SON = {"suffix": "Jr", "phone": "+442"}


def test_a_key_that_is_given_to_the_son_takes_nothing_from_the_father() -> None:
    found = carried({"arrival": 1, **FATHER}, {"arrival": 2, **SON}, {"arrival": 3, "city": "York"})

    assert found.select("suffix", "email", "phone").rows() == [
        (None, "a@b.org", "+441"),
        ("Jr", None, "+442"),
        ("Jr", None, "+442"),
    ]


@pytest.mark.parametrize("later", [{"suffix": "Jr"}, {"suffix": "PhD", "phone": "+442"}])
def test_what_follows_a_name_is_news_of_the_same_person_where_nothing_else_differs(
    later: dict[str, object],
) -> None:
    found = carried({"arrival": 1, **FATHER}, {"arrival": 2, **later})

    assert found["email"].to_list() == ["a@b.org", "a@b.org"]


@pytest.mark.parametrize("cut", [1, 2, 3, 4])
def test_who_had_a_key_does_not_depend_on_the_nights(cut: int) -> None:
    rows = [
        {"arrival": 1, **FATHER},
        {"arrival": 2, "suffix": "Jr", "email": "c@d.org"},
        {"arrival": 3, "suffix": "Sr", "phone": "+441"},
        {"arrival": 4, **SON},
        {"arrival": 5, "suffix": "Jr", "email": "e@f.org"},
    ]

    first = carried(*rows[:cut])
    second = carried(*rows[cut:], before=first.sort("arrival").tail(1))

    assert carried(*rows).rows() == pl.concat([first, second]).rows()
