"""A delivery that is read in parts gives the same tables as one that is read at once."""

from pathlib import Path

import pytest

from flows import reading
from store.readers import text
from tests.flows.builders import Company, differences, found, person


def nights(company: Company) -> Company:
    people = [
        person(f"Ann{number}", f"Miller{number}", email=f"ann{number}@millers.org", no=str(number))
        for number in range(30)
    ]
    company.drop("members", [*people, people[0] | {"city": "Leeds"}, "no;row;at all"], name="1")
    company.night(1)
    company.drop("members", [*reversed(people[4:]), person("Zoe", "New", no="99")], name="2")
    company.drop("forms", [person("Bo", "Kay", email="bo@kay.org")] * 30, name="1")
    company.night(2)
    return company


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return nights(found(tmp_path_factory.mktemp("whole")))


@pytest.mark.parametrize("kept_bytes", [0, 2_000, 1 << 28])
def test_parts_make_no_difference(
    whole: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept_bytes: int
) -> None:
    monkeypatch.setattr(text, "WINDOW", 300)
    monkeypatch.setattr(reading, "KEPT_BYTES", kept_bytes)
    parts = nights(found(tmp_path / "parts"))

    assert differences(whole.tables(), parts.tables()) == {}
    assert whole.ask("select sum(withdrawn_count) from deliveries").item() == 4
