"""A contact point that the customer was reached by is published as confirmed, as the log says."""

from pathlib import Path

import polars as pl
import pytest

from tests.flows.builders import Company, found, person
from tests.shared import Shared

POINTS = """
    select value, verification, reason, confirmed_at is not null as is_confirmed
    from contact_points where kind = 'email' order by value"""


@pytest.fixture
def company(shared: Shared, tmp_path: Path) -> Company:
    return shared.company(one_mailbox_and_one_telephone, tmp_path)


def one_mailbox_and_one_telephone(folder: Path) -> Company:
    """Ann in two records that share a mailbox, and Bert who has Ann's telephone."""
    company = found(folder)
    company.drop(
        "partner",
        [
            person("Ann", "Miller", id="1", op="upsert", email="Ann@a.org", phone="020 7946 0999"),
            person("Bert", "Archer", id="2", op="upsert", email="bert@b.org", phone="02079460999"),
        ],
    )
    company.drop("members", [person("Ann", "Miller", no="M1", email="ann@a.org")])
    company.night(1)
    return company


def confirm(company: Company, record_id: str, field: str) -> int:
    said = company.ask(
        f"select record_id as record, * from records where record_id = '{record_id}'"
    )
    one = company.values_of(said).filter(field=field).row(0, named=True)
    return company.decide(
        "confirm", contact=one["contact"], digest=one["digest"], records=[record_id]
    )


def told(company: Company, record_id: str) -> dict[str, str]:
    rows = company.ask(
        "select value, verification from contact_points where customer_id = "
        f"(select customer_id from crosswalk where record_id = '{record_id}')"
    )
    return dict(rows.iter_rows())


def test_the_next_run_publishes_it_though_nothing_else_changed(company: Company) -> None:
    confirm(company, "partner:1", "email")
    company.night(2)

    row = company.ask(POINTS).row(0, named=True)
    tables = pl.read_parquet(company.settings.published / "R0002" / "contact_points.parquet")
    assert row == {"value": "ann@a.org", "verification": "confirmed", "reason": None,
                   "is_confirmed": True}  # fmt: skip
    assert tables.filter(value="ann@a.org")["verification"].to_list() == ["confirmed"]
    assert told(company, "partner:2")["bert@b.org"] == "unverified"


def test_it_is_of_that_customer_and_not_of_all_who_share_it(company: Company) -> None:
    confirm(company, "partner:1", "phone")
    company.night(2)

    assert told(company, "partner:1")["+442079460999"] == "confirmed"
    assert told(company, "partner:2")["+442079460999"] == "valid"


def test_taken_back_it_is_as_before(company: Company) -> None:
    number = confirm(company, "partner:1", "email")
    company.night(2)
    company.decide("undo", decision_id=number)
    company.night(3)

    assert told(company, "partner:1")["ann@a.org"] == "unverified"


def test_a_rebuild_gives_the_same(company: Company) -> None:
    confirm(company, "partner:1", "email")
    company.night(2)
    before = company.ask("from contact_points order by all")
    company.rebuild(3)

    assert company.ask("from contact_points order by all").equals(before)


def test_it_goes_where_its_record_goes(company: Company) -> None:
    confirm(company, "members:M1", "email")
    company.decide("different", records=["members:M1", "partner:1"])
    company.night(2)

    assert told(company, "members:M1")["ann@a.org"] == "confirmed"
    assert told(company, "partner:1")["ann@a.org"] == "unverified"


def test_it_lapses_with_the_value(company: Company) -> None:
    confirm(company, "partner:2", "email")
    company.night(2)
    moved = person("Bert", "Archer", id="2", op="upsert", email="bert@new.org",
                   changed="2026-03-03")  # fmt: skip
    company.drop("partner", [moved])
    company.night(3)

    assert told(company, "partner:2").get("bert@b.org", "gone") == "gone"
    assert told(company, "partner:2")["bert@new.org"] == "unverified"


def test_a_confirmation_can_come_before_its_record(company: Company) -> None:
    said = pl.DataFrame({"record": ["x"], "email": ["cleo@c.org"]})
    one = company.values_of(said).row(0, named=True)
    company.decide("confirm", contact="email", digest=one["digest"], records=["partner:3"])
    company.night(2)
    cleo = person("Cleo", "Carver", id="3", op="upsert", email="cleo@c.org")
    company.drop("partner", [cleo])
    company.night(3)

    assert told(company, "partner:3")["cleo@c.org"] == "confirmed"
