"""A customer of one record comes out as if its record had been chosen among several."""

from pathlib import Path

import pytest

from flows.stages import survive as module
from tests.flows.builders import Company, found, person
from tests.flows.nights import live_through, some_company


def tables_without_short_cut(
    company: Company, folder: Path, night: int, monkeypatch: pytest.MonkeyPatch
) -> dict[str, list[tuple[object, ...]]]:
    def find_nobody(golden: module.Golden, *_: object) -> None:
        golden.execute(
            "create temp table alone as select founder, founder as record_number, "
            "founder as arrival, now() as received_at from touched limit 0"
        )

    monkeypatch.setattr(module, "find_alone", find_nobody)
    anew = company.anew(folder)
    anew.rebuild(night)
    return {name: frame.rows() for name, frame in anew.tables().items()}


def test_the_short_cut_gives_what_the_long_way_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = found(tmp_path / "company")
    live_through(company, some_company(3)[:2])
    expected = {name: frame.rows() for name, frame in company.tables().items()}

    assert expected["customers"]
    assert tables_without_short_cut(company, tmp_path / "anew", 2, monkeypatch) == expected


def test_a_record_that_says_two_values_is_asked_about_though_it_is_alone(tmp_path: Path) -> None:
    company = found(tmp_path)
    file = company.settings.rules / "feeds" / "forms" / "feed.toml"
    text = file.read_text("utf-8").replace('"city"     = "city"', '"city"     = "email_2"')
    file.write_text(text, "utf-8")
    company.drop("forms", [person("Ann", "Miller", email="ann@a.org", city="ann@b.org")])

    company.night(1)

    items = company.ask("select kind, field, value, rival_value from review_items").rows()
    assert items == [("conflict", "email", "ann@a.org", "ann@b.org")]
    points = company.ask("select value, is_primary from contact_points order by value").rows()
    assert points == [("ann@a.org", True), ("ann@b.org", False)]
