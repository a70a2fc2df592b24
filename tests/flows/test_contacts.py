"""Contact points are judged by who shares them; people who share much are told to be related."""

from pathlib import Path

import pytest

from tests.flows.builders import Cells, Company, found, person

FAMILY = [
    person("Ann", "Miller", phone="020 7946 0999", email="ann@a.org", born="1970-05-01"),
    person("Bert", "Miller", phone="020 7946 0999", email="bert@b.org", born="1999-12-24"),
]
OFFICE = [
    person("Cleo", "Archer", email="info@firm.org", born="1981-02-03"),
    person("Dan", "Brewer", email="info@firm.org", born="1957-08-09"),
    person("Eve", "Carter", email="info@firm.org", born="1990-11-30"),
]


def usage(company: Company) -> dict[str, str]:
    return dict(company.ask("select value, usage from contact_points order by value").rows())


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return after_a_night(tmp_path_factory.mktemp("family"), FAMILY)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return after_a_night(tmp_path_factory.mktemp("office"), OFFICE)


def after_a_night(folder: Path, rows: list[Cells]) -> Company:
    company = found(folder)
    company.drop("forms", rows)
    company.night(1)
    return company


def test_what_a_family_shares_is_a_household_s_and_the_rest_is_personal(family: Company) -> None:
    assert usage(family) == {
        "+442079460999": "household",
        "ann@a.org": "personal",
        "bert@b.org": "personal",
    }


def test_the_mailbox_of_a_role_is_an_organisation_s_even_when_one_person_has_it(
    tmp_path: Path,
) -> None:
    company = after_a_night(tmp_path, OFFICE[:1])

    assert usage(company) == {"info@firm.org": "organisational"}


def test_a_judgement_follows_who_comes_and_who_goes(tmp_path: Path) -> None:
    company = found(tmp_path)
    ann, bert = (
        {"id": str(number), **row, "op": "upsert", "changed": "2026-01-01"}
        for number, row in enumerate(FAMILY)
    )
    company.drop("partner", [ann])
    company.night(1)
    alone = usage(company)["+442079460999"]

    company.drop("partner", [bert])
    company.night(2)
    together = usage(company)["+442079460999"]
    company.drop("partner", [{**bert, "op": "delete"}])
    company.night(3)

    assert (alone, together) == ("personal", "household")
    assert usage(company)["+442079460999"] == "personal"


@pytest.mark.parametrize(
    ("of", "rows", "kind"),
    [("family", FAMILY, "household"), ("office", OFFICE, "same_organisation")],
)
def test_people_who_share_much_and_are_not_one_are_related(
    of: str, rows: list[Cells], kind: str, request: pytest.FixtureRequest
) -> None:
    company = request.getfixturevalue(of)

    related = company.ask("select * from relationships order by customer_id_a, customer_id_b")

    assert related.height == len(rows) * (len(rows) - 1) // 2
    assert set(related["kind"]) == {kind}
    assert set(related["evidence"].explode()) <= {"last_name", "phone", "email"}
