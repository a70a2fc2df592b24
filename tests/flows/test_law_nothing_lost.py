"""Laws 1, 2, 5 and 7 end to end: nothing is lost, overwritten blindly, doubled or guessed."""

from pathlib import Path

import pytest

from flows.stages import standardise, survive
from tests.flows import laws
from tests.flows.builders import HEADERS, Company, csv_of, differences, found, person

MARGARET = person("Margaret", "Miller", email="margaret@millers.org", phone="07911 123401")
TOM = person("Tom", "Baker", email="tom.baker@mail.org", phone="07911 123403", city="York")


def golden(company: Company) -> dict[str, dict[str, object]]:
    """Every customer by its last name."""
    rows = company.ask("from customers").iter_rows(named=True)
    return {str(row["last_name"]): row for row in rows}


def test_every_row_of_a_broken_delivery_is_accounted_for(tmp_path: Path) -> None:
    company = found(tmp_path)
    rows = [
        {"op": "upsert", "id": "1", **MARGARET},
        "upsert,2,half a row",
        {"op": "upsert", "id": "", **TOM},
        {"op": "upsert", "id": "3", "city": "York"},
        {"op": "upsert", "id": "1", **MARGARET},
        {"op": "delete", "id": "1"},
        {"op": "delete", "id": "9"},
        {"op": "upsert", "id": "4", **TOM},
    ]
    company.drop("partner", rows)

    company.night(1)

    laws.counts_add_up(company)
    counted = company.ask(
        "select row_count, new_count, unchanged_count, deleted_count, quarantined_count "
        "from deliveries"
    )
    assert counted.rows() == [(8, 3, 1, 1, 3)]
    reasons = company.ask("select row_number, reasons from quarantine order by row_number").rows()
    assert reasons == [
        (3, ["ragged_row"]),
        (4, ["row_has_a_source_key"]),
        (5, ["record_has_a_name_or_contact"]),
        (8, ["row_deletes_a_known_record"]),
    ]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A night with a delivery that has no good row, and one with many blank lines."""
    company = found(tmp_path_factory.mktemp("odd"))
    folder = company.settings.rules / "feeds" / "lines"
    folder.mkdir()
    (folder / "feed.toml").write_text(
        'source = "lines"\ntitle = "Lines"\nchannel = "bulk_list"\nowner = "o@example.org"\n'
        'trust = 50\noptional = ["email"]\n[read]\nformat = "ndjson"\npath = "lines/*"\n'
        '[columns]\nemail = "email"\n'
    )
    company.drop_file("lines/1.jsonl", '{"email": \n')
    text = csv_of(HEADERS["members"], [{"no": "1", **MARGARET}, {"no": "2", **TOM}])
    company.drop_file("members/1.csv", text + "\n" * 40)
    company.drop("forms", [TOM])
    company.night(1)
    return company


def test_a_delivery_without_one_good_row_and_without_columns_is_accounted_for(odd: Company) -> None:
    told = odd.ask(
        "select source, state, row_count, quarantined_count from deliveries "
        "where source <> 'members'"
    )

    assert sorted(told.rows()) == [("forms", "taken_in", 1, 0), ("lines", "taken_in", 1, 1)]


def test_blank_lines_hold_no_delivery_however_many_there_are(odd: Company) -> None:
    told = odd.ask(
        "select state, new_count, quarantined_count from deliveries where source = 'members'"
    )

    assert told.rows() == [("taken_in", 2, 40)]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Two nights: in each a partner sends a birth date of between them, members a bad row again."""
    company = found(tmp_path_factory.mktemp("chain"))
    nobody = {"no": "7", "city": "York"}
    told = {1: [nobody, nobody], 2: [{"no": "2", **TOM}, nobody]}
    for number, rows in told.items():
        company.drop("members", [{"no": "1", **MARGARET}, *rows], name=f"{number}")
        born = {"op": "upsert", "id": str(number), **TOM, "born": "2026-03-03"}
        company.drop("partner", [born])
        company.night(number)
    return company


@pytest.fixture(scope="module")
def anew(chain: Company, tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The same, rebuilt."""
    company = chain.anew(tmp_path_factory.mktemp("anew"))
    company.rebuild(2)
    return company


def test_a_row_that_repeats_a_bad_one_is_in_quarantine_too_and_asked_about_once(
    chain: Company, anew: Company
) -> None:
    laws.counts_add_up(chain)
    told = chain.ask(
        "select run_id, row_number, reasons from quarantine "
        "join deliveries using (delivery_id) order by all"
    )
    why = ["record_has_a_name_or_contact"]
    assert told.rows() == [("R0001", 3, why), ("R0001", 4, why), ("R0002", 4, why)]
    asked = chain.ask("select row_number from review_items where kind = 'quarantine'")
    assert asked["row_number"].to_list() == [3]
    assert differences(chain.tables(), anew.tables()) == {}


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Tom from a partner and Margaret from the members, after one night."""
    company = found(tmp_path_factory.mktemp("two"))
    company.drop("partner", [{"op": "upsert", "id": "1", **TOM}])
    company.drop("members", [{"no": "1", **MARGARET}])
    company.night(1)
    return company


def test_a_blank_erases_nothing_and_every_value_stays_in_history(
    two: Company, tmp_path: Path
) -> None:
    company = two.twin(tmp_path)
    company.drop("partner", [{"op": "upsert", "id": "1", "last": "Baker", "city": "Bath"}])
    company.drop("members", [{"no": "1", **MARGARET, "phone": ""}])

    company.night(2)

    now = golden(company)
    assert now["Baker"]["email"] == "tom.baker@mail.org"
    assert now["Baker"]["first_name"] == "Tom"
    assert now["Miller"]["phone"] is None  # of this feed a blank means that it is gone
    told = company.ask("select field, value, valid_to is null as holds from history").rows()
    assert {("city", "York", False), ("city", "Bath", True)} <= set(told)
    assert ("phone", "+447911123401", False) in told
    changed = company.ask("select customer_id, fields from changes where run_id = 'R0002'")
    assert dict(changed.iter_rows()) == {
        now["Baker"]["customer_id"]: ["city"],
        now["Miller"]["customer_id"]: ["phone"],
    }


def test_what_comes_twice_changes_nothing_and_then_there_is_nothing_to_do(
    two: Company, tmp_path: Path
) -> None:
    company = two.twin(tmp_path)
    before = company.tables()
    first = csv_of(HEADERS["partner"], [{"op": "upsert", "id": "1", **TOM}])
    company.drop_file("partner/again.csv", first)

    night = company.night(2)

    assert night.inbox.repeated == ["partner/again.csv"]
    after = company.tables()
    assert differences(before, after) == {}
    row = company.ask(
        "select deliveries, rows, values_parsed, pairs_scored, golden_rows_written "
        "from runs where run_id = 'R0002'"
    )
    assert row.rows() == [(0, 0, 0, 0, 0)]
    assert company.ask("from changes where run_id = 'R0002'").is_empty()


def test_decisions_are_obeyed_and_contradictions_asked(tmp_path: Path) -> None:
    company = found(tmp_path)
    for key, cells in {"1": MARGARET, "2": MARGARET | {"city": "Leeds"}, "3": TOM}.items():
        company.drop("partner", [{"op": "upsert", "id": key, **cells}], name=key)
    company.night(1)
    one, two, three = "partner:1", "partner:2", "partner:3"
    company.decide("different", records=[one, two])
    company.decide("same", records=[one, three])
    company.decide("same", records=[two, three])
    company.decide("value", records=[one], field="city", value="Bristol")

    company.night(2)

    home = dict(company.ask("select record_id, customer_id from crosswalk").iter_rows())
    assert home[one] != home[two]
    asked = company.ask("select record_ids from review_items where kind = 'cluster'")
    assert any(three in ids for ids in asked["record_ids"])
    city = f"select city from customers where customer_id = '{home[one]}'"
    assert company.ask(city).item() == "Bristol"
    assert company.ask(city.replace("select city", "select count(*)")).item() == 1


def test_nothing_depends_on_how_many_are_worked_out_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = found(tmp_path / "few")
    rows = [{"op": "upsert", "id": str(n), **(TOM if n % 3 else MARGARET)} for n in range(4)]
    with monkeypatch.context() as patched:
        patched.setattr(survive, "BATCH", 1)
        patched.setattr(standardise, "BATCH", 2)
        company.drop("partner", rows, name="1")
        company.drop("partner", [{"op": "upsert", "id": "2", "city": "Bath"}], name="2")
        company.night(1)
        company.drop("forms", [TOM | {"email": MARGARET["email"]}], name="1")
        company.night(2)
    many = company.anew(tmp_path / "many")

    many.rebuild(2)

    assert differences(company.tables(), many.tables()) == {}


def test_a_date_is_read_as_of_the_day_it_came_however_late_it_is_read_again(
    chain: Company, anew: Company
) -> None:
    told = "select source_key, birth_date is null from records where source = 'partner' order by 1"

    assert anew.ask(told).rows() == [("1", True), ("2", False)]
    assert differences(chain.tables(), anew.tables()) == {}
