"""A number without a country is read by what its record says besides, if that leaves no doubt."""

from pathlib import Path

import polars as pl
import pytest

from store.rulebook import read_lookups
from transforms.standardise.phones import verify_phones
from transforms.standardise.regions import with_regions

LOOKUPS = read_lookups(Path(__file__).parents[2] / "rules" / "lookups")
FIELDS = ("phone", "phone_2", "email", "postcode", "country")


def read(region: str | None = None, **record: str) -> tuple[str | None, str | None]:
    """The hint for a record, and its first number as verified by it."""
    rows = pl.DataFrame([record], schema=dict.fromkeys(FIELDS, pl.String))
    found = with_regions(rows, region, LOOKUPS)
    number = verify_phones(found.select(raw="phone", region="region_hint"))["value"].item()
    return found["region_hint"].item(), number


@pytest.mark.parametrize(
    ("record", "hint", "number"),
    [
        ({"phone": "07912 345678", "postcode": "LS1 4AB"}, "GB", "+447912345678"),
        ({"phone": "07912 345678", "email": "ann@post.co.uk"}, "GB", "+447912345678"),
        ({"phone": "0171 2345678", "email": "Ann@Web.DE "}, "DE", "+491712345678"),
        ({"phone": "(760) 785-0871"}, "US", "+17607850871"),
        ({"phone": "760-785-0871"}, "US", "+17607850871"),
        ({"phone": "4915221165394"}, None, "+4915221165394"),
        ({"phone": "4915221165394", "email": "ann@web.de"}, "DE", "+4915221165394"),
        ({"phone": "91 94923 28393"}, None, "+919492328393"),
        ({"phone": "07912 345678"}, None, None),
        ({"phone": "07912 345678", "email": "ann@start.io"}, None, None),
        ({"phone": "07912 345678", "email": "ann@post.com", "postcode": "12345"}, None, None),
        ({"phone": "13012345678"}, None, None),
        ({"phone": "760 785 0871"}, None, None),
    ],
)
def test_what_a_record_says_besides_tells_its_country(
    record: dict[str, str], hint: str | None, number: str | None
) -> None:
    assert read(**record) == (hint, number)


def test_the_record_s_country_comes_before_all_and_the_feed_s_before_every_guess() -> None:
    told = {"phone": "0171 2345678", "email": "ann@web.de", "postcode": "LS1 4AB"}

    assert read(**told, country="AT")[0] == "AT"
    assert read("FR", **told)[0] == "FR"


@pytest.mark.parametrize(
    ("phone", "country", "number"),
    [
        ("4915221165394", "DE", "+4915221165394"),  # the library alone: +49 4915…
        ("447912345678", "GB", "+447912345678"),
        ("03012345678", "DE", "+493012345678"),
        ("493012345678", "DE", "+493012345678"),
        ("11987654321", "BR", "+5511987654321"),
    ],
)
def test_a_mobile_that_begins_with_its_country_s_calling_code_has_lost_its_plus(
    phone: str, country: str, number: str
) -> None:
    assert read(phone=phone, country=country) == (country, number)


def test_records_without_any_number_have_no_hint_but_their_country() -> None:
    rows = pl.DataFrame({"email": ["ann@web.de"]})

    assert with_regions(rows, None, LOOKUPS)["region_hint"].to_list() == [None]
