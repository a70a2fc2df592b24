"""Chance has pairs of every band judged, and only what is said of those speaks for the others."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.flows.builders import Company, differences, draws, found, person, touchstone_here
from transforms.judge import ENOUGH
from transforms.strata import sample_name_sql

NAME = sample_name_sql("record_id_a", "record_id_b")
DRAWN = "select * from review_items where why = 'sample' order by item_id"
ALL = "from pairs order by all"


def measured(company: Company, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(touchstone_here(company, capsys, "evaluate", "--json").stdout)
    return told


def people(count: int) -> list[dict[str, str]]:
    return [
        person(f"Name{n}", f"Family{n}", email=f"p{n}@moor{n}.org", phone=f"079111234{n:02}")
        for n in range(10, 10 + count)
    ]


def delivered(company: Company, count: int) -> Company:
    """So many people, each in two sources: so many pairs, all linked with ease."""
    company.drop("forms", people(count), name="1")
    changed = {"op": "upsert", "changed": "2026-01-01"}
    rows = [{**one, **changed, "id": str(n)} for n, one in enumerate(people(count))]
    company.drop("partner", rows)
    return company


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Company:
    folder = tmp_path_factory.mktemp("samples") / "company"
    company = draws(delivered(found(folder), 30), each=25, share=1.0)
    company.night(1)
    return company


@pytest.fixture
def company(first: Company, tmp_path: Path) -> Company:
    """A company of one's own after its first night."""
    return first.twin(tmp_path / "company")


def test_a_linked_pair_is_asked_about_and_not_told_to_be_linked(company: Company) -> None:
    item = company.ask(DRAWN).row(0, named=True)

    assert item["kind"] == "match"
    assert len(item["record_ids"]) == 2
    assert len(item["customer_ids"]) == 1  # they are one customer already
    assert item["question"] == "Are these two records the same customer?"
    names = company.ask(f"select {NAME} from pairs").to_series().to_list()
    assert item["item_id"] in names


def test_what_is_drawn_is_asked_in_its_turn_until_enough_are_judged(company: Company) -> None:
    asked = []
    for night in range(2, 4):
        item = company.ask(DRAWN).row(0, named=True)
        company.decide("same", item_id=item["item_id"], records=item["record_ids"])
        asked.append(item["item_id"])
        company.night(night)

    assert len(set(asked)) == 2
    assert not set(asked) & set(company.ask(DRAWN)["item_id"])


def test_a_rebuild_asks_about_the_same_pairs(company: Company, tmp_path: Path) -> None:
    item = company.ask(DRAWN).row(0, named=True)
    company.decide("different", item_id=item["item_id"], records=item["record_ids"])
    company.night(2)
    anew = company.anew(tmp_path / "anew")

    anew.rebuild(2)

    assert differences(company.tables(), anew.tables()) == {}
    assert company.ask(DRAWN).height > 0


def test_a_sample_that_is_said_to_be_two_people_is_obeyed(company: Company) -> None:
    item = company.ask(DRAWN).row(0, named=True)
    before = company.ask("select count(*) from customers").item()

    company.decide("different", item_id=item["item_id"], records=item["record_ids"])
    company.night(2)

    assert company.ask("select count(*) from customers").item() == before + 1


def test_only_what_chance_had_asked_speaks_for_other_pairs(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = company.ask(f"select {NAME} as name, record_id_a, record_id_b {ALL}").rows()
    for _, *records in pairs[:4]:
        company.decide("different", records=records)
    otherwise = measured(company, capsys)

    for name, *records in pairs[4:]:
        company.decide("same", item_id=name, records=records)
    enough = measured(company, capsys)

    assert (otherwise["verdicts"], otherwise["decided_otherwise"]) == (0, 4)
    assert otherwise["precision"]["value"] is None
    assert enough["verdicts"] == 25 >= ENOUGH  # of 26 that were said; one was not drawn
    assert enough["precision"]["value"] == pytest.approx(26 / 30)
    assert enough["precision"]["high"] == pytest.approx(26 / 30)
    assert enough["precision"]["low"] > 22 / 30


def test_of_few_pairs_none_is_drawn(tmp_path: Path) -> None:
    company = delivered(found(tmp_path / "company"), 15)

    company.night(1)

    assert company.ask(DRAWN).is_empty()
