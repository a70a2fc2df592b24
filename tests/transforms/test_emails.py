"""What is made of e-mail addresses."""

import tomllib
from pathlib import Path

import email_validator
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.standardise.emails import Verdict, email_library_version, verify_emails

CASES = tomllib.loads((Path(__file__).parents[1] / "cases" / "emails.toml").read_text())["case"]


def emails(*raw: str | None) -> pl.DataFrame:
    return pl.DataFrame({"raw": raw}, schema={"raw": pl.String})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_every_case_comes_out_as_the_table_says(case: dict[str, str]) -> None:
    verdict = verify_emails(emails(case["given"])).row(0, named=True)

    assert verdict["value"] == case.get("expect")
    assert verdict["reason"] == case.get("reason")
    assert verdict["verification"] == ("valid" if "expect" in case else "invalid")


def test_a_valid_address_has_its_domain_and_an_invalid_one_has_none() -> None:
    rows = emails("Ann@Mail.Example.com", "ann@bad_domain.com", "ä@xn--mnchen-3ya.de")

    verdicts = verify_emails(rows)

    assert verdicts["domain"].to_list() == ["mail.example.com", None, "münchen.de"]


def test_an_address_may_have_254_bytes_and_no_more() -> None:
    longest = "a" * (254 - len("@example.com")) + "@example.com"
    rows = emails(longest, "a" + longest, longest.replace("aa", "ä", 1), "ä" + longest[1:])

    reasons = verify_emails(rows)["reason"].to_list()

    assert reasons == [None, "too_long", None, "too_long"]


def test_rows_keep_their_order_and_their_doubles() -> None:
    rows = emails("no address", "b@example.com", None, "ä@example.com", "b@example.com")

    verdicts = verify_emails(rows)

    assert verdicts["raw"].equals(rows["raw"])
    assert verdicts["value"].to_list() == [
        None,
        "b@example.com",
        None,
        "ä@example.com",
        "b@example.com",
    ]


def test_a_missing_address_has_no_verdict() -> None:
    assert verify_emails(emails(None, "ann@example.com")).row(0) == (None,) * 5


def test_no_rows_give_no_rows_with_all_columns() -> None:
    assert verify_emails(emails()).schema == dict.fromkeys(("raw", *Verdict._fields), pl.String)


def test_the_version_is_that_of_the_library() -> None:
    assert email_library_version() == email_validator.__version__


LOCAL_PARTS = st.text(min_size=1, max_size=30) | st.text("aÄİßΣ.+'", min_size=1, max_size=12)
DOMAINS = st.sampled_from(["example.com", "Mail.EXAMPLE.org", "xn--mnchen-3ya.de", "Müller.de"])


@settings(deadline=None, max_examples=20, derandomize=True)
@given(st.lists(st.tuples(LOCAL_PARTS, DOMAINS).map("@".join), min_size=10, max_size=20))
def test_verifying_a_verified_address_changes_nothing(addresses: list[str]) -> None:
    once = verify_emails(emails(*addresses))

    twice = verify_emails(once.select(raw="value"))

    assert twice["value"].equals(once["value"])
