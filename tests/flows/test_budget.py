"""A night whose blocking rules would compare too much stops, and goes on when they are mended."""

from pathlib import Path

import pytest

from store.errors import TouchstoneError
from tests.flows.builders import Company, found, person

ANN = person("Ann", "Ashworth", email="ann@example.com", born="1979-06-14", city="Leeds")


def set_rule(company: Company, before: str, after: str) -> None:
    path = company.settings.rules / "matching.toml"
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Company:
    company = found(tmp_path_factory.mktemp("pristine"))
    company.drop("members", [{"no": "1", **ANN}])
    company.night(1)
    company.drop("partner", [{"op": "upsert", "id": "p1", **ANN}])
    set_rule(company, "max_compared   = 200 ", "max_compared   = 1e-9")
    return company


@pytest.fixture
def company(pristine: Company, tmp_path: Path) -> Company:
    return pristine.twin(tmp_path)


def test_a_night_that_would_compare_too_much_stops_with_the_rule_s_name(company: Company) -> None:
    with pytest.raises(TouchstoneError, match="the rule email alone finds"):
        company.night(2)

    assert company.ask("from crosswalk").height == 1


def test_a_larger_budget_lets_the_night_go_on_where_it_was(company: Company) -> None:
    with pytest.raises(TouchstoneError):
        company.night(2)
    set_rule(company, "max_compared   = 1e-9", "max_compared   = 1")

    night = company.night(2)

    assert (night.run.run_id, night.resumed, night.run.is_rebuild) == ("R0002", True, False)
    assert company.ask("select distinct customer_id from crosswalk").height == 1


def test_other_blocking_rules_make_the_night_that_was_stopped_a_rebuild(company: Company) -> None:
    with pytest.raises(TouchstoneError):
        company.night(2)
    set_rule(company, "max_compared   = 1e-9", "max_compared   = 1")
    set_rule(company, 'keys = [["last_key", "birth_date"]]', 'keys = [["last_key"]]')

    night = company.night(2)

    assert (night.run.run_id, night.run.is_rebuild) == ("R0002", True)
    assert company.ask("select distinct customer_id from crosswalk").height == 1
    assert company.ask("from deliveries where state = 'taken_in'").height == 2
