"""A night after nights that were missed takes each day's deliveries in their turn."""

import os
from pathlib import Path

from tests.flows.builders import Company, found, night_time, person

ANN, BEN, CAT = (
    person(first, last, email=f"{first.lower()}@{last.lower()}.net")
    for first, last in (("Ann", "Ash"), ("Ben", "Birch"), ("Cat", "Cedar"))
)
DAYS = {
    "wed": [{"no": "1", **ANN, "city": "York"}, {"no": "2", **BEN, "city": "Bath"}],
    "thu": [{"no": "1", **ANN, "city": "Leeds"}, {"no": "2", **BEN, "city": "Bath"}],
    "fri": [{"no": "1", **ANN, "city": "Truro"}, {"no": "2", **BEN, "city": "Wells"},
            {"no": "3", **CAT, "city": "Ely"}],
}  # fmt: skip
"""A full dump each day, under names that sort the other way round."""


def drop(company: Company, day: int, name: str) -> None:
    path = company.drop("members", DAYS[name], name=name)
    at = night_time(day).timestamp() - 3_600
    os.utime(path, (at, at))


def test_the_last_dump_counts_whatever_its_name_and_each_customer_is_who_they_were(
    tmp_path: Path,
) -> None:
    awake, asleep = found(tmp_path / "awake"), found(tmp_path / "asleep")
    for day, name in enumerate(DAYS, 1):
        drop(awake, day, name)
        awake.night(day)
        drop(asleep, day, name)

    asleep.night(3)

    told = "select customer_id, record_id from crosswalk order by all"
    assert asleep.ask(told).rows() == awake.ask(told).rows()
    cities = "select first_name, city from customers order by all"
    assert asleep.ask(cities).rows() == awake.ask(cities).rows()
    assert ("Ann", "Truro") in asleep.ask(cities).rows()
