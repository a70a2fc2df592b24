"""Read an entry that was saved and that no run has yet, as the record that it will be."""

import time

from starlette.requests import Request

from steward.desk.visit import Visit
from steward.intake import Intake
from store.opened import Row
from store.spool import kept_post


def record_to_come(visit: Visit, record_id: str) -> Row | None:
    """The record of an entry that waits in the spool; none where it does not."""
    source, _, key = record_id.partition(":")
    intake = _intake(visit.request)
    feed = intake.feeds.get(source)
    if feed is None or feed.channel != "direct_entry":
        return None
    found = kept_post(visit.desk.settings.spool, source, key)
    if found is None:
        return None
    told = intake.read(source, found, time.time())
    return {**told, "record_id": record_id, "source": source, "source_key": key, "customer_id": ""}


def _intake(request: Request) -> Intake:
    found: Intake = request.app.state.intake
    return found
