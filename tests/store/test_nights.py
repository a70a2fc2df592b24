"""When the next night begins, by the clock of the place where it does."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from store.nights import next_night
from store.settings import Settings


@pytest.mark.parametrize(
    ("hour", "now", "then"),
    [
        ("02:15 UTC", "2026-11-23T01:00", "2026-11-23T02:15"),
        ("02:15 UTC", "2026-11-23T02:15", "2026-11-24T02:15"),
        ("02:15 Europe/London", "2026-07-01T01:00", "2026-07-01T01:15"),
        ("00:30 Pacific/Auckland", "2026-11-23T12:00", "2026-11-24T11:30"),
        ("23:45 Pacific/Honolulu", "2026-11-23T09:00", "2026-11-23T09:45"),
    ],
)
def test_the_next_night_is_the_next_time_that_a_clock_there_shows_the_hour(
    hour: str, now: str, then: str
) -> None:
    at = next_night(hour, datetime.fromisoformat(now).replace(tzinfo=UTC))

    assert at == datetime.fromisoformat(then).replace(tzinfo=UTC)


def test_without_a_place_it_is_by_the_clock_of_the_machine() -> None:
    now = datetime.now(UTC)

    at = next_night("02:15", now)

    assert at > now
    assert at.astimezone().strftime("%H:%M") == "02:15"


@pytest.mark.parametrize("hour", ["", "2:15", "24:00", "02:15 Mars/Olympus", "02:15  UTC", "2 am"])
def test_an_hour_that_is_none_stops_the_app_at_its_start(hour: str) -> None:
    with pytest.raises(ValidationError, match="02:15 Europe/London"):
        Settings(nightly_at=hour)
