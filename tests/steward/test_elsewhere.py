"""Where nothing waits, the desk says where there is work and when more will come."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from store.nights import next_night
from store.settings import Settings
from store.state.scope import Reader
from tests.steward.desks import Office, office
from tests.steward.test_desk import follow, item_of

HOUR = "02:15 Europe/London"


def settled(desk: Office, *kinds: str) -> None:
    """As if all items of these kinds had been decided."""
    with desk.desk.state.engine.begin() as connection:
        for kind in kinds:
            connection.exec_driver_sql(f"update items set state = 'decided' where kind = '{kind}'")


def places(page: str) -> dict[str, tuple[str, str]]:
    """Where the page leads: the number and what it is of, by address."""
    found = re.findall(
        r'<a class="btn" href="([^"]+)"[^>]*><b class="num">([^<]+)</b> ([^<]+?) <kbd>', page
    )
    return {path: (count, says) for path, count, says in found}


def test_an_empty_list_names_what_waits_elsewhere_and_the_next_night(seeded: Settings) -> None:
    with office(seeded.model_copy(update={"nightly_at": HOUR})) as desk:
        ann = desk.person("ann", "administrator")
        settled(desk, "match", "cluster")
        counts = desk.desk.state.queue.counts(Reader("ann", None))

        page = follow(ann, "/queue").text

    night = next_night(HOUR, datetime.now(UTC))
    assert "Nothing waits for you here" in page
    assert places(page)["/conflicts"] == (str(counts["conflict"]), "in Conflicts")
    assert f'<time datetime="{night.isoformat()}">' in page
    assert "brings what is new" in page


def test_where_nobody_said_when_nights_begin_the_last_one_is_named(seeded: Settings) -> None:
    with office(seeded) as desk:
        ann = desk.person("ann", "administrator")
        settled(desk, "match", "cluster", "conflict", "quarantine", "delivery", "publication")

        page = follow(ann, "/queue").text

    assert "The last run was" in page
    assert "Nothing waits for you anywhere else" in page
    assert places(page) == {}


def test_who_has_no_right_to_a_section_is_not_told_what_waits_there(seeded: Settings) -> None:
    with office(seeded) as desk:
        stan = desk.person("stan", "editor", ("nowhere",), ("data_steward",))

        page = follow(stan, "/queue").text

    assert "Nothing waits for you anywhere else" in page
    assert places(page) == {}


def test_what_was_skipped_or_is_asked_of_customers_is_said(seeded: Settings) -> None:
    with office(seeded) as desk:
        ann = desk.person("ann", "administrator")
        page = follow(ann, "/conflicts")
        back = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
        ann.post(f"/items/{item_of(page)}/ask", text="which one?", until=back)
        for _ in range(2):
            ann.post(f"/items/{item_of(follow(ann, '/conflicts'))}/skip")
        left = [item_of(page), *desk.desk.state.queue.holders()]
        with desk.desk.state.engine.begin() as connection:
            skipped = connection.exec_driver_sql("select item_id from skips").scalars().all()
            kept = ", ".join(f"'{one}'" for one in {*left[:1], *skipped})
            connection.exec_driver_sql(
                "update items set state = 'decided' "
                f"where kind = 'conflict' and item_id not in ({kept})"
            )
            connection.exec_driver_sql("delete from claims")

        page = follow(ann, "/conflicts")

    assert "2 that you skipped come back within the hour" in page.text
    assert places(page.text)["/conflicts?tab=asked"] == ("1", "with customers")


@pytest.mark.parametrize("tab", ["second", "asked"])
def test_an_empty_tab_leads_to_what_is_open(seeded: Settings, tab: str) -> None:
    with office(seeded) as desk:
        ann = desk.person("ann", "administrator")

        page = follow(ann, f"/conflicts?tab={tab}").text

    assert places(page)["/conflicts"][1] == "open"
