"""What a record says in a field goes after its days, and the record stays; in a rebuild too."""

from pathlib import Path

import pytest

from flows.audit import audit
from flows.erasing.erase import open_where
from flows.erasing.receipt import receipt_path
from flows.retaining import find_due, plan_due
from rules.retention import Retention
from store.erasures import Erasures
from store.rulebook import read_rulebook
from store.state.open import open_state
from tests.flows import laws
from tests.flows.builders import Company, differences, found, night_time, person, quiet
from tests.flows.searching import places_of

JANE = person("Jane", "Quill", email="jane@quill.net", born="1961-04-23", city="Truro")
BOB = person("Robert", "Miller", email="robert@millers.org", born="1972-11-05", city="Leeds")
TOM = person("Tom", "Baker", email="tom.baker@mail.org", born="1985-03-03", city="York")
KEPT = "[all_sources.fields]\nbirth_date = 30\naddress = 300\n"
BIRTH_DATES = "select last_name, birth_date from customers order by 1"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Jane changed her city once, Bob is sent by two, Tom stands in a form that has no key."""
    company = found(tmp_path_factory.mktemp("pristine"))
    members = [{"no": "1", **JANE, "city": "Bath"}, {"no": "2", **BOB}]
    company.drop("members", members, name="1")
    company.drop("partner", [{"op": "upsert", "id": "P2", **BOB}], name="1")
    company.drop("forms", [TOM], name="1")
    company.night(1)
    company.drop("members", [{"no": "1", **JANE}, {"no": "2", **BOB}], name="2")
    company.night(2)
    return company


@pytest.fixture
def company(pristine: Company, tmp_path: Path) -> Company:
    return pristine.twin(tmp_path / "company")


def audited(company: Company, night: int, rules: str = KEPT, *, remove: bool = True) -> int:
    (company.settings.rules / "retention.toml").write_text(rules, "utf-8")
    told = audit(company.settings, night_time(night), quiet, remove=remove)
    count: int = told["removed" if remove else "due"].get("values", 0)
    return count


def born(company: Company) -> dict[str, str | None]:
    rows = company.ask(BIRTH_DATES).rows()
    return {name: None if date is None else str(date) for name, date in rows}


def test_a_value_past_its_days_is_in_no_file_any_more_and_a_rebuild_is_the_same(
    company: Company, tmp_path: Path
) -> None:
    assert audited(company, 20) == 0

    assert audited(company, 40) == 3

    places = places_of(company.settings.data, ["1961-04-23", "1972-11-05"])
    assert places == {"1961-04-23": [], "1972-11-05": []}
    assert born(company) == {"Baker": "1985-03-03", "Miller": None, "Quill": None}
    anew = company.anew(tmp_path / "anew")
    anew.rebuild(40)
    assert differences(company.tables(), anew.tables()) == {}
    laws.values_have_sources(company)


def test_the_record_and_all_else_that_it_says_stay(company: Company) -> None:
    before = company.ask("select * from crosswalk order by record_id")
    customers = "select customer_id, last_name, email, city from customers order by 1"
    told = company.ask(customers)

    audited(company, 40)

    assert company.ask("select * from crosswalk order by record_id").equals(before)
    assert company.ask(customers).equals(told)
    assert company.ask("select count(*) from quarantine").item() == 0
    cities = company.ask("select value from history where field = 'city' order by 1")
    assert cities["value"].to_list() == ["Bath", "Leeds", "Truro", "York"]


def test_an_audit_again_finds_nothing_and_looking_removes_nothing(company: Company) -> None:
    assert audited(company, 40, remove=False) == 3
    assert Erasures(company.settings.raw).all() == []

    audited(company, 40)

    assert audited(company, 41) == 0
    (done,) = Erasures(company.settings.raw).all()
    assert done.removed["cells"] == 5
    assert done.removed["rows"] == 0
    assert "5  cells of kept deliveries" in receipt_path(company.settings, 1).with_suffix(
        ".txt"
    ).read_text("utf-8")


def test_an_address_goes_with_all_its_parts_in_every_version(company: Company) -> None:
    audited(company, 40, "[sources.members.fields]\naddress = 30\n")

    places = places_of(company.settings.data, ["Truro", "Bath"])
    assert places == {"Truro": [], "Bath": []}
    cities = company.ask("select last_name, city from customers order by 1").rows()
    assert cities == [("Baker", "York"), ("Miller", "Leeds"), ("Quill", None)]


def test_a_source_that_says_it_again_is_kept_from_then_on(company: Company, tmp_path: Path) -> None:
    audited(company, 40)
    members = [{"no": "1", **JANE}, {"no": "2", **BOB}, {"no": "3", **TOM}]
    company.drop("members", members, name="3")

    company.night(41)

    assert born(company)["Quill"] == "1961-04-23"
    assert audited(company, 60) == 0
    anew = company.anew(tmp_path / "anew")
    anew.rebuild(60)
    assert differences(company.tables(), anew.tables()) == {}
    assert audited(company, 80) == 3


def test_the_next_run_finishes_what_an_audit_that_was_killed_began(company: Company) -> None:
    settings, rulebook = company.settings, read_rulebook(company.settings.rules)
    rules = Retention.model_validate({"all_sources": {"fields": {"birth_date": 30}}})
    with open_where(settings, rulebook) as where:
        planned = plan_due(where, find_due(where, rules, night_time(40)), night_time(40))
    Erasures(settings.raw).write(planned)

    company.night(40)

    assert places_of(settings.data, ["1961-04-23"]) == {"1961-04-23": []}
    assert [one.state for one in Erasures(settings.raw).all()] == ["done"]


def test_a_value_that_a_person_chose_goes_with_the_records_it_was_chosen_for(
    company: Company,
) -> None:
    records = ["members:1"]
    company.decide("value", records=records, field="birth_date", value="1961-04-24")
    company.decide("value", records=records, field="city", value="Exeter")
    company.night(3)
    assert born(company)["Quill"] == "1961-04-24"

    audited(company, 40)

    assert born(company)["Quill"] is None
    assert places_of(company.settings.data, ["1961-04-24"]) == {"1961-04-24": []}
    assert company.ask("select city from customers where last_name = 'Quill'").item() == "Exeter"
    with open_state(company.settings) as state:
        assert state.decisions.read().height == 2


def test_a_row_in_quarantine_of_such_a_record_goes_too(company: Company) -> None:
    odd = {"op": "upsert", "id": "P2", **BOB, "last": "see https://spam.example/x"}
    company.drop("partner", [odd], name="2")
    company.night(3)
    assert company.ask("select count(*) from quarantine where raw is not null").item() == 1

    audited(company, 40)

    assert company.ask("select reasons from quarantine").to_series().to_list() == [["erased"]]
    assert places_of(company.settings.data, ["1972-11-05"]) == {"1972-11-05": []}


def test_a_source_has_its_own_days_for_a_field_beside_those_of_all() -> None:
    rules = Retention.model_validate(
        {
            "all_sources": {"silent": 9, "fields": {"birth_date": 30, "address": 60}},
            "sources": {"forms": {"fields": {"address": 10}}},
        }
    )

    assert rules.of("forms").fields == {"birth_date": 30, "address": 10}
    assert rules.of("forms").silent == 9


def test_a_name_or_a_contact_point_cannot_go_before_its_record() -> None:
    with pytest.raises(ValueError, match="email"):
        Retention.model_validate({"all_sources": {"fields": {"email": 30}}})
