"""The golden tables can be lost, or asked for other fields, and nothing of them is."""

from pathlib import Path

from tests.flows.builders import Company, found, person

TWICE = person("Margaret", "Miller", email="margaret@millers.org", born="1980-02-01")


def two_nights(folder: Path) -> Company:
    company = found(folder)
    company.drop("partner", [{"op": "upsert", "id": "1", **TWICE}], name="1")
    company.night(1)
    company.drop("members", [{"no": "7", **TWICE}], name="2")
    company.night(2)
    return company


def test_golden_tables_that_are_lost_are_made_anew_by_the_next_night(tmp_path: Path) -> None:
    company = two_nights(tmp_path)
    before = company.tables()

    company.settings.golden.unlink()
    company.night(3)

    assert before["pairs"].height == 1
    assert {name: frame.rows() for name, frame in company.tables().items()} == {
        name: frame.rows() for name, frame in before.items()
    }


def test_other_golden_fields_make_the_tables_anew_and_keep_the_log_of_runs(tmp_path: Path) -> None:
    company = two_nights(tmp_path)
    pairs = company.tables()["pairs"].rows()
    file = company.settings.rules / "survivorship.toml"
    text = file.read_text(encoding="utf-8")
    start = text.index("[fields.gender]")
    file.write_text(text[:start] + text[text.index("[fields", start + 1) :], encoding="utf-8")

    company.night(3)

    assert company.ask("select run_id from runs order by run_id").rows() == [
        ("R0001",),
        ("R0002",),
        ("R0003",),
    ]
    assert company.ask("select count(*) from changes where run_id < 'R0003'").rows() == [(1,)]
    assert "gender" not in company.ask("select * from customers").columns
    assert company.tables()["pairs"].rows() == pairs
