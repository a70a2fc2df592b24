"""A delivery whose columns are not its feed's is told in words, with what each may be."""

from rules.feed import Feed
from transforms.column_drift import tell_drift
from transforms.conform import Drift

FEED = Feed.model_validate(
    {
        "source": "acme",
        "title": "Acme",
        "channel": "bulk_list",
        "owner": "who@example.com",
        "trust": 50,
        "read": {"format": "csv", "path": "*"},
        "columns": {"E-Mail": "email", "Surname": "last_name"},
    }
)
WORDS = {"email": ["e-mail adresse", "mail"], "last_name": ["nachname"]}


def test_a_renamed_column_is_said_to_look_like_the_one_that_is_missing() -> None:
    told = tell_drift(Drift(["E-Mail Adresse"], ["E-Mail"]), FEED, WORDS)

    assert "'E-Mail Adresse' (looks like 'E-Mail', our email)" in told
    assert "missing column 'E-Mail'" in told


def test_a_new_column_is_said_to_look_like_a_field_of_ours() -> None:
    told = tell_drift(Drift(["Nachname"], []), FEED, WORDS)

    assert told.startswith("unknown column 'Nachname' (looks like last_name)")


def test_a_column_like_none_is_named_alone() -> None:
    told = tell_drift(Drift(["Shoe size"], []), FEED, WORDS)

    assert told.startswith("unknown column 'Shoe size': map it or ignore it")


def test_a_long_name_is_cut_and_many_are_counted() -> None:
    told = tell_drift(Drift([f"{number}" + "x" * 500 for number in range(20)], []), FEED, WORDS)

    assert "and 12 more" in told
    assert len(told) < 1000
