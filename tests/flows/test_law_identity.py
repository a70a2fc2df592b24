"""Law 4: identity is stable. A merge keeps the older name, a split gives a name back."""

import shutil
from pathlib import Path

import pytest

from tests.flows.builders import Company, differences, found, person

BY_MAIL = person("Margaret", "Miller", email="margaret@millers.org", born="1980-02-01")
BY_PHONE = person("Margaret", "", phone="07911 123401", postcode="LS1 4AP", city="Leeds")
BRIDGE = BY_PHONE | BY_MAIL
STRANGER = person("Tom", "Baker", email="tom.baker@mail.org")


def customers(company: Company) -> dict[str, str]:
    """Which customer each record belongs to."""
    return dict(company.ask("select record_id, customer_id from crosswalk").iter_rows())


def redirects(company: Company) -> list[tuple[str, str, str]]:
    return company.ask("select old_customer_id, customer_id, run_id from redirects").rows()


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Two customers on the first night, one record that is both of them on the second."""
    company = found(tmp_path_factory.mktemp("company"))
    company.drop("partner", [{"op": "upsert", "id": "1", **BY_MAIL}], name="1")
    company.drop("partner", [{"op": "upsert", "id": "2", **BY_PHONE}], name="2")
    company.night(1)
    company.drop("partner", [{"op": "upsert", "id": "3", **BRIDGE}], name="3")
    company.night(2)
    return company


def test_a_merge_keeps_the_older_name_and_the_younger_leads_to_it(merged: Company) -> None:
    assert customers(merged) == {"partner:1": "C1-2", "partner:2": "C1-2", "partner:3": "C1-2"}
    assert redirects(merged) == [("C2-2", "C1-2", "R0002")]
    changes = merged.ask("select customer_id, change, other_customer_id from changes")
    assert ("C2-2", "merged", "C1-2") in changes.rows()


def test_a_split_gives_the_leaving_part_the_name_that_it_had(
    merged: Company, tmp_path: Path
) -> None:
    shutil.copytree(merged.settings.data, tmp_path / "data", symlinks=True)
    settings = merged.settings.model_copy(update={"data": tmp_path / "data"})
    company = Company(tmp_path, settings)
    company.decide("different", groups=[["partner:1", "partner:3"], ["partner:2"]])

    company.night(3)

    assert customers(company) == {"partner:1": "C1-2", "partner:2": "C2-2", "partner:3": "C1-2"}
    assert redirects(company) == []
    last = company.ask("select change, customer_id from changes where run_id = 'R0003'")
    assert ("split", "C2-2") in last.rows()


def test_who_fitted_two_customers_leads_on_when_a_third_record_settles_it(tmp_path: Path) -> None:
    company = found(tmp_path)
    mail = {"email": "tom.baker@mail.org"}
    known = person("Tom", "Baker", **mail, born="1985-03-03")
    company.drop("partner", [{"op": "upsert", "id": "1", **person("Tom", "Baker")}], name="1")
    company.drop("partner", [{"op": "upsert", "id": "9", **person("Clara", "Stone")}], name="9")
    company.night(1)
    company.decide("same", records=["partner:1", "partner:9"])
    company.drop("partner", [{"op": "upsert", "id": "2", **person("", "", **mail)}], name="2")
    away = known | {"city": "Edinburgh", "postcode": "EH1 1YZ"}
    company.drop("partner", [{"op": "upsert", "id": "3", **away}], name="3")
    company.night(2)
    before = customers(company)
    assert len(set(before.values())) == 3

    full = known | {"phone": "0113 496 0000", "city": "York"}
    company.drop("partner", [{"op": "upsert", "id": "4", **full}], name="4")
    company.night(3)

    now = customers(company)
    assert now["partner:2"] == now["partner:3"] == before["partner:2"]
    assert (before["partner:3"], now["partner:3"], "R0003") in redirects(company)


def test_a_steward_s_merge_leaves_a_redirect_too(tmp_path: Path) -> None:
    company = found(tmp_path)
    company.drop("partner", [{"op": "upsert", "id": "1", **BY_MAIL}], name="1")
    company.drop("forms", [STRANGER])
    company.night(1)
    stranger = next(name for name in customers(company) if name.startswith("forms:"))
    younger = customers(company)["partner:1"]
    company.decide("same", records=[stranger, "partner:1"])

    company.night(2)

    assert set(customers(company).values()) == {"C1-2"}
    assert redirects(company) == [(younger, "C1-2", "R0002")]


def test_a_customer_keeps_its_name_when_its_founder_is_withdrawn(tmp_path: Path) -> None:
    company = found(tmp_path)
    company.drop("partner", [{"op": "upsert", "id": "1", **BY_MAIL}], name="1")
    company.drop("partner", [{"op": "upsert", "id": "2", **BRIDGE}], name="2")
    company.night(1)
    company.drop("partner", [{"op": "delete", "id": "1"}], name="3")

    company.night(2)

    assert customers(company) == {"partner:2": "C1-2"}


def test_two_who_were_never_published_apart_leave_no_redirect(tmp_path: Path) -> None:
    company = found(tmp_path)
    company.drop("partner", [{"op": "upsert", "id": "1", **BY_MAIL}], name="1")
    company.drop("partner", [{"op": "upsert", "id": "2", **BRIDGE}], name="2")

    company.night(1)

    assert set(customers(company).values()) == {"C1-2"}
    assert redirects(company) == []


def test_who_was_kept_apart_for_a_while_leads_on_when_that_is_taken_back(tmp_path: Path) -> None:
    company = found(tmp_path / "chain")
    company.drop("partner", [{"op": "upsert", "id": "1", **BY_MAIL}], name="1")
    company.drop("partner", [{"op": "upsert", "id": "2", **BRIDGE}], name="2")
    company.night(1)
    company.decide("different", records=["partner:1", "partner:2"])
    company.night(2)
    apart = customers(company)
    company.decide("undo", decision_id=1)

    company.night(3)

    assert apart == {"partner:1": "C1-2", "partner:2": "C2-2"}
    assert set(customers(company).values()) == {"C1-2"}
    assert redirects(company) == [("C2-2", "C1-2", "R0003")]
    anew = company.anew(tmp_path / "anew")
    anew.rebuild(3)
    assert differences(company.tables(), anew.tables()) == {}
