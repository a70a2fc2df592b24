"""The simulated year, the short version: `make year` has the long one."""

from pathlib import Path

from tests.flows.builders import found
from tests.year.living import Plan, Year, grown, lost_names


def test_nights_with_decisions_erasures_audits_and_a_restore_neither_drift_nor_grow(
    tmp_path: Path,
) -> None:
    company = found(tmp_path / "company")
    year = Year(company, Plan(nights=4, month=4, audits=2, erasures=3, restores=3))

    year.live()

    assert [month.night for month in year.months] == [4]
    assert grown(year.months[0], company.settings.snapshots_kept) == []
    assert lost_names(company, year.ever) == set()
    assert list((company.settings.data / "receipts").glob("*.json"))
    assert list(company.settings.data.glob("replaced-*"))
    assert company.ask("select count(distinct run_id) from runs").item() > 4
