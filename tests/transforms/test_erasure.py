"""By what a person is known again, and what is struck out of decisions."""

import polars as pl

from transforms.erasure import contact_hints, known_by, known_by_email, strike_out
from transforms.identify import named_as, with_heirs

KEYS = ("first_root", "last_key", "email_key", "email_2_key", "phone_key", "phone_2_key")


def record(number: int, **keys: str) -> pl.DataFrame:
    cells = {"number": number} | {name: keys.get(name) for name in KEYS}
    return pl.DataFrame([cells], schema={"number": pl.Int64} | dict.fromkeys(KEYS, pl.String))


JANE = record(1, first_root="jane", last_key="lee", email_key="j@lee.org", phone_key="911123401")


def is_known(other: pl.DataFrame) -> bool:
    mine = set(known_by(JANE, widely=True)["text"])
    return bool(mine & set(known_by(other, widely=False)["text"]))


def test_a_person_is_known_by_a_contact_value_with_the_name_or_its_initial() -> None:
    assert is_known(record(2, first_root="jane", last_key="lee", phone_2_key="911123401"))
    assert is_known(record(2, first_root="j", last_key="lee", email_key="j@lee.org"))
    assert is_known(record(2, last_key="lee", email_key="j@lee.org"))


def test_another_name_or_another_contact_value_is_somebody_else() -> None:
    assert not is_known(record(2, first_root="john", last_key="lee", phone_key="911123401"))
    assert not is_known(record(2, first_root="jane", last_key="lee", phone_key="911123402"))
    assert not is_known(record(2, last_key="lee", phone_key="911123401"))
    assert not is_known(record(2, first_root="jane", email_key="j@lee.org"))


def test_a_person_is_known_by_their_number_with_the_name_whatever_kind_it_is_said_to_be() -> None:
    numbered = JANE.with_columns(person_number=pl.lit("tax:12345678"))
    named = record(2, first_root="jane", last_key="lee")
    other = record(2, first_root="john", last_key="lee")
    mine = set(known_by(numbered, widely=True)["text"])

    def is_hers(row: pl.DataFrame) -> bool:
        said = row.with_columns(person_number=pl.lit("12345678"))
        return bool(mine & set(known_by(said, widely=False)["text"]))

    assert is_hers(named)
    assert not is_hers(other)


def test_only_an_address_of_nobody_else_is_enough_alone() -> None:
    own, shared = pl.Series(["j@lee.org"]), pl.Series([], dtype=pl.String)

    assert known_by_email(JANE, own).height == 1
    assert known_by_email(JANE, shared).is_empty()


def test_a_hint_is_the_same_however_a_contact_value_is_written() -> None:
    rows = pl.DataFrame(
        {
            "row_number": [1, 2, 3],
            "email": [" J@Lee.org", "Jane <j@lee.org>", None],
            "phone": ["07911 123401", "+44 7911 123401 ext 5", "447911123401.0"],
            "person_number": ["078-05-1121", "us_ssn:078051121", None],
        }
    )

    hints = contact_hints(rows)

    assert hints.filter(pl.col("hint").str.starts_with("email"))["hint"].n_unique() == 1
    assert hints.filter(pl.col("hint").str.starts_with("phone"))["hint"].n_unique() == 1
    assert hints.filter(hint="number\x1f078051121").height == 2
    assert hints.height == 7


def token(name: str) -> str | None:
    return "~erased:1" if name == "a:1" else None


def test_an_erased_record_is_struck_out_and_the_others_stay() -> None:
    struck = strike_out({"records": ["a:1", "b:2"]}, token, is_void=False)

    assert struck == {"records": ["b:2", "~erased:1"]}
    assert strike_out(struck, token, is_void=False) == struck


def test_a_value_of_the_person_is_void_and_is_nobody_s_any_more() -> None:
    subject = {"records": ["a:1", "b:2"], "field": "city", "value": "Truro", "record_id": "b:2"}

    struck = strike_out(subject, token, is_void=True)

    assert struck == {
        "records": ["~erased:1", "~erased:void"],
        "field": "city",
        "value": "erased",
        "record_id": "~erased:void",
    }


def test_the_heir_of_an_erased_founder_carries_on_the_oldest_name() -> None:
    members = pl.DataFrame({"record_number": [7, 8, 9, 12], "founder": [7, 7, 9, 12]})
    heirs = pl.DataFrame({"record_number": [8, 9], "founder": [3, 5]})

    named = with_heirs(members, heirs)

    assert named["founder"].to_list() == [3, 3, 5, 12]
    assert members.select(named_as(pl.col("record_number"), heirs)).to_series().to_list() == [
        7, 3, 5, 12,
    ]  # fmt: skip
