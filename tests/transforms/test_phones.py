"""What is made of phone numbers."""

import tomllib
from pathlib import Path

import phonenumbers
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.standardise import numbering
from transforms.standardise.phones import (
    Verdict,
    ask_library,
    phone_metadata_version,
    verify_phones,
)

CASES = tomllib.loads((Path(__file__).parents[1] / "cases" / "phones.toml").read_text())["case"]
FACTS = {"expect": "value", "reason": "reason", "kind": "kind", "number_region": "number_region"}


def phones(*rows: tuple[str | None, str | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"raw": pl.String, "region": pl.String}, orient="row")


@pytest.fixture(params=[1, 1000], ids=["settled by the plans", "left to the library"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbering, "SMALLEST_PLAN", request.param)


@pytest.mark.usefixtures("way")
def test_every_case_comes_out_as_the_table_says() -> None:
    rows = phones(*((case["given"], case.get("region")) for case in CASES))

    verdicts = verify_phones(rows).to_dicts()

    for case, verdict in zip(CASES, verdicts, strict=True):
        told = {FACTS[key]: case[key] for key in FACTS if key in case}
        assert {key: verdict[key] for key in told} == told, case["why"]
        assert verdict["verification"] == ("valid" if "expect" in case else "invalid")
        assert (verdict["reason"] is None) == ("expect" in case)


@pytest.mark.usefixtures("way")
def test_an_invalid_number_has_a_reason_and_nothing_else() -> None:
    row = verify_phones(phones(("0000000000", "GB"))).row(0)

    assert row == ("0000000000", "GB", None, "invalid", "not_in_use", None, None, None)


@pytest.mark.usefixtures("way")
def test_rows_keep_their_order_and_their_doubles() -> None:
    rows = phones(
        ("ask Ann", "GB"),
        ("020 7946 0958", "GB"),
        ("+33 1 23 45 67 89", None),
        ("020 7946 0958", "GB"),
        ("020 7946 0958", None),
    )

    verdicts = verify_phones(rows)

    assert verdicts.select("raw", "region").equals(rows)
    assert verdicts["value"].to_list() == [
        None,
        "+442079460958",
        "+33123456789",
        "+442079460958",
        None,
    ]


@pytest.mark.usefixtures("way")
def test_a_missing_number_has_no_verdict() -> None:
    row = verify_phones(phones((None, "GB"), ("+442079460958", None))).row(0)

    assert row == (None, "GB", None, None, None, None, None, None)


@pytest.mark.usefixtures("way")
def test_time_zones_are_those_of_the_area_or_else_of_the_country() -> None:
    rows = phones(
        ("+1 212 555 2368", None),
        ("+1 808 555 2368", None),
        ("+44 7912 345678", None),
        ("+800 1234 5678", None),
    )

    zones = verify_phones(rows)["time_zone"].to_list()

    assert zones[:2] == ["America/New_York", "Pacific/Honolulu"]
    assert zones[2].split("&") == [
        "Europe/Guernsey",
        "Europe/Isle_of_Man",
        "Europe/Jersey",
        "Europe/London",
    ]
    assert zones[3] == ask_library("+80012345678", None).time_zone


def test_no_rows_give_no_rows_with_all_columns() -> None:
    verdicts = verify_phones(phones())

    assert verdicts.schema == dict.fromkeys(("raw", "region", *Verdict._fields), pl.String)


def test_the_version_is_that_of_the_metadata() -> None:
    assert phone_metadata_version() == phonenumbers.__version__


REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
EXAMPLES = [
    phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    for region in REGIONS
    if (example := phonenumbers.example_number(region))
]
NUMBERS = st.sampled_from(EXAMPLES) | st.builds(
    "+{}{}".format,
    st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)),
    st.text("0123456789", min_size=5, max_size=12),
)


@settings(deadline=None, max_examples=15, derandomize=True)
@given(st.lists(st.tuples(NUMBERS, st.sampled_from([None, "ZZ", *REGIONS])), min_size=10))
def test_verifying_a_verified_number_changes_nothing_in_any_region(
    rows: list[tuple[str, str | None]],
) -> None:
    once = verify_phones(phones(*rows))

    twice = verify_phones(once.select(pl.col("value").alias("raw"), pl.col("region").reverse()))

    unchanged = ["value", "verification", "kind", "time_zone", "number_region"]
    is_valid = pl.col("verification") == "valid"
    assert twice.filter(is_valid).select(unchanged).equals(once.filter(is_valid).select(unchanged))
