"""Tell when the next night begins, from the hour that the operator has named."""

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

_HOUR = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?: ([A-Za-z0-9_+/-]{1,64}))?")


def next_night(nightly_at: str, now: datetime) -> datetime:
    """The next moment at which a clock in that place shows the hour, such as `02:15 Europe/London`.

    Without a place it is the machine's own clock, as a systemd timer has it.
    """
    found = _HOUR.fullmatch(nightly_at)
    if found is None or not (found[3] is None or found[3] in available_timezones()):
        raise ValueError("write the hour as 02:15, or with a place as 02:15 Europe/London")
    place = ZoneInfo(found[3]) if found[3] else None
    here = now.astimezone(place)
    hour = time(int(found[1]), int(found[2]))
    for days in range(3):
        wall = datetime.combine(here.date() + timedelta(days), hour)
        at = (wall.replace(tzinfo=place) if place else wall).astimezone(UTC)
        if at > now:
            return at
    raise AssertionError("a day has no more than 48 hours")
