"""Each night measures its sources and its links, and says no more than it knows."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest

from flows import figures as measuring
from flows.commands import evaluate
from tests.flows.builders import Company, draws, found, person, touchstone_here
from transforms.strata import sample_name_sql

MEASURES = ("completeness", "validity", "uniqueness", "consistency", "timeliness")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Thirty people in two sources, one of them written otherwise; chance has them judged."""
    company = found(tmp_path_factory.mktemp("figures") / "company")
    draws(company, each=40, share=1.0)
    people = [
        person(f"Name{n}", f"Family{n}", email=f"p{n}@moor{n}.org", phone=f"079111234{n:02}")
        for n in range(10, 40)
    ]
    company.drop("forms", people, name="1")
    changed = {"op": "upsert", "changed": "2026-01-01"}
    company.drop("partner", [{**one, **changed, "id": str(n)} for n, one in enumerate(people)])
    company.night(1)
    name = sample_name_sql("record_id_a", "record_id_b")
    pairs = company.ask(f"select {name}, record_id_a, record_id_b from pairs order by all").rows()
    for item_id, *records in pairs[:25]:
        company.decide("same", item_id=item_id, records=records)
    company.night(2)
    return company


@pytest.fixture(scope="module")
def anew(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The same deliveries and decisions in one pass."""
    anew = company.anew(tmp_path_factory.mktemp("anew") / "company")
    anew.rebuild(2)
    return anew


def figures(company: Company, source: str) -> dict[tuple[str, str | None], float]:
    rows = company.ask(
        f"select measure, field, value from metrics where source = '{source}' "
        "and run_id = (select max(run_id) from metrics where measure = 'uniqueness')"
    )
    return {(measure, field): value for measure, field, value in rows.iter_rows()}


def test_the_figures_of_a_night_are_those_of_the_view_over_its_tables(company: Company) -> None:
    view = {row["source"]: row for row in company.ask("from source_quality").to_dicts()}

    for source in ("forms", "partner"):
        told = figures(company, source)
        assert {name: told[name, None] for name in MEASURES} == pytest.approx(
            {name: view[source][name] for name in MEASURES}
        )
        assert told["consistency", "email"] == 1.0
        assert told["validity", "email"] == 1.0


def test_a_rebuild_measures_what_the_last_night_did(company: Company, anew: Company) -> None:
    for source in ("forms", "partner"):
        assert figures(anew, source) == pytest.approx(figures(company, source))
    last = (
        "select * exclude (run_id) from match_bands where run_id = (select max(run_id) from runs)"
    )
    assert sorted(anew.ask(last).rows()) == sorted(company.ask(last).rows())


def test_the_view_says_of_the_links_what_evaluate_says(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    told = json.loads(touchstone_here(company, capsys, "evaluate", "--json").stdout)
    view = company.ask("from match_quality order by run_id desc").row(0, named=True)

    assert view["judged"] == told["verdicts"] == 25
    assert view["links"] == 30
    assert (view["precision"], view["precision_low"]) == pytest.approx(
        (told["precision"]["value"], told["precision"]["low"])
    )
    assert view["recall"] is told["recall"]["value"]
    assert evaluate.ENOUGH < 25


def test_a_band_with_too_few_verdicts_has_no_share(company: Company) -> None:
    bands = company.ask("from match_bands").filter(pl.col("judged") < evaluate.ENOUGH)

    assert bands.filter("is_too_few").height == bands.height > 0
    assert bands.filter(pl.col("pairs") > 0)["share"].null_count() > 0


def test_a_night_in_which_nothing_changed_measures_nothing_again(anew: Company) -> None:
    anew.night(3)

    runs = anew.ask("select distinct run_id from metrics where measure = 'uniqueness'")

    assert runs.rows() == [("R0001",)]
    assert anew.ask("select count(*) from runs").item() == 2


def test_of_many_customers_some_are_measured(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "MANY", 0)
    monkeypatch.setattr(measuring, "EVERY", 2)
    some = company.anew(tmp_path / "some")
    some.rebuild(2)

    told = figures(some, "forms")

    assert {name for name, field in told if field is None} == set(MEASURES)
    assert told["consistency", "email"] == told["uniqueness", None] == 1.0
    assert some.ask("select records from source_quality").to_series().to_list() == [30, 30]


def test_a_night_that_brings_nothing_tells_what_its_records_and_customers_still_are(
    company: Company, tmp_path: Path
) -> None:
    quiet = company.anew(tmp_path / "quiet")
    quiet.rebuild(2)
    before = unchanging(quiet)

    quiet.night(3)
    still = unchanging(quiet)
    quiet.drop("forms", [person("Nora", "", email="one@more.org")], name="more")
    quiet.night(4)

    assert len(before) > 10
    assert still == before
    assert unchanging(quiet) == counted(quiet)
    assert unchanging(quiet) != before


def unchanging(company: Company) -> dict[tuple[str | None, str | None], float]:
    """By source and field, what the last run says of how many have it."""
    rows = company.ask(
        "select source, field, value from metrics where measure in ('completeness', 'filled') "
        "and run_id = (select max(run_id) from runs)"
    )
    return {(source, field): value for source, field, value in rows.iter_rows()}


def counted(company: Company) -> dict[tuple[str | None, str | None], float]:
    """The same of a rebuild, which counts."""
    with TemporaryDirectory(dir=company.folder) as folder:
        anew = company.anew(Path(folder) / "counted")
        anew.rebuild(4)
        return unchanging(anew)
