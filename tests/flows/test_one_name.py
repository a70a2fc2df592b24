"""Records that share a name and nothing else: who is one customer follows from who has the name."""

from pathlib import Path

import pytest

from tests.flows.builders import Cells, Company, differences, found, person

FIRST = person("Judith", "Cooper", email="p.cooper71@mail.org")
SECOND = person("Judith", "Cooper", phone="020 7946 0101")
THIRD = person("Judith", "Cooper", born="1971-02-03")
"""Nothing but the name is the same."""


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return found(tmp_path / "chain")


def live_through(company: Company, *nights: dict[str, Cells]) -> list[list[int]]:
    """How many records each customer has after each night, in which these arrive or change."""
    homes = []
    for number, arriving in enumerate(nights, 1):
        rows = [{"op": "upsert", "id": key, **cells} for key, cells in arriving.items()]
        company.drop("partner", rows, name=str(number))
        company.night(number)
        counted = company.ask("select count(*) as n from crosswalk group by customer_id")
        homes.append(sorted(counted["n"].to_list()))
    return homes


def test_a_third_of_the_name_parts_two_and_what_says_more_than_a_name_joins_them(
    company: Company, tmp_path: Path
) -> None:
    known = {**SECOND, "email": FIRST["email"]}
    homes = live_through(company, {"a": FIRST, "b": SECOND}, {"c": THIRD}, {"b": known})

    assert homes == [[2], [1, 1, 1], [3]]
    anew = company.anew(tmp_path / "anew")
    anew.rebuild(3)
    assert differences(company.tables(), anew.tables()) == {}


def test_namesakes_who_were_not_put_together_are_a_question_for_each_two(company: Company) -> None:
    live_through(company, {"a": FIRST, "b": SECOND, "c": THIRD})

    asked = company.ask(
        "select why, len(customer_ids) as n from review_items where kind = 'cluster'"
    )
    assert asked.rows() == [("name_alone", 2)] * 3


FATHER = person("Mendo", "Pianessoli", email="mendo@mail.org", phone="020 7946 0101")
SON = person("Mendo", "Pianessoli Jr", phone="020 7946 0202", born="2007-11-06")


def test_a_key_that_a_partner_gives_to_the_son_leaves_the_father(
    company: Company, tmp_path: Path
) -> None:
    homes = live_through(company, {"a": FATHER, "b": FATHER}, {"b": SON}, {"c": SON})

    assert homes == [[2], [1, 1], [1, 2]]
    asked = company.ask(
        "select first_name, suffix, email from customers order by suffix nulls first"
    )
    assert asked.rows() == [("Mendo", None, "mendo@mail.org"), ("Mendo", "Jr", None)]
    anew = company.anew(tmp_path / "anew")
    anew.rebuild(3)
    assert differences(company.tables(), anew.tables()) == {}


def test_what_follows_a_name_later_parts_two_of_one_name_and_home(
    company: Company, tmp_path: Path
) -> None:
    home = {"city": "Leeds", "postcode": "LS1 4AP"}
    older = person("Mendo", "Pianessoli", phone="020 7946 0101", **home)
    younger = person("Mendo", "Pianessoli", email="m.p@mail.org", **home)
    told = {**younger, "last": "Pianessoli Jr"}

    homes = live_through(company, {"a": older, "b": younger}, {"b": told})

    assert homes == [[2], [1, 1]]
    asked = company.ask("select why from review_items where kind = 'cluster'")
    assert asked["why"].to_list() == ["another_generation"]
    anew = company.anew(tmp_path / "anew")
    anew.rebuild(2)
    assert differences(company.tables(), anew.tables()) == {}
