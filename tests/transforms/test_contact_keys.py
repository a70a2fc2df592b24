"""Contact points are compared by keys that do not depend on how they were written."""

import polars as pl

from transforms.standardise.contact_keys import email_keys, email_parts, phone_keys


def phone_key(raw: str, value: str | None, reason: str | None) -> str | None:
    frame = pl.DataFrame(
        {"raw": [raw], "value": [value], "reason": [reason]}, schema_overrides={"value": pl.String}
    )
    return frame.select(phone_keys()).item()


def test_a_number_with_and_without_its_country_has_one_key() -> None:
    assert phone_key("+44 7911 123456", "+447911123456", None) == "911123456"
    assert phone_key("0044 7911 123456 x12", None, "not_in_use") == "911123456"


def test_a_number_that_nobody_answers_still_has_a_key() -> None:
    assert phone_key("(206) 555-0142", None, "not_in_use") == "065550142"


def test_what_is_no_number_has_no_key() -> None:
    assert phone_key("call me", None, "not_a_number") is None
    assert phone_key("12345", None, "too_short") is None
    assert phone_key("00000000", None, "not_in_use") is None


def test_one_mailbox_has_one_key() -> None:
    emails = pl.Series(["ann.lee+shop@googlemail.com", "annlee@gmail.com", "ann.lee@mail.com"])

    keys = email_keys(emails)

    assert keys.to_list() == ["annlee@gmail.com", "annlee@gmail.com", "ann.lee@mail.com"]


def test_a_tag_with_nothing_before_it_stays() -> None:
    assert email_keys(pl.Series(["+x@mail.com"])).item() == "+x@mail.com"


def test_an_address_is_what_stands_before_its_last_at_without_a_tag_and_what_stands_after() -> None:
    emails = pl.Series(
        ["ann.lee+shop@mail.com", "+x@mail.com", '"a@b"@mail.com', "@mail.com", None]
    )

    local, domain = email_parts(emails)

    assert local.to_list() == ["ann.lee", "+x", '"a@b"', None, None]
    assert domain.to_list() == ["mail.com"] * 4 + [None]
