"""Every page says which run its golden data is from."""

import re
from pathlib import Path

from store.settings import Settings
from tests.flows.builders import Company
from tests.steward.desks import Person, office
from tests.steward.test_desk import follow

SHOWN = re.compile(r'class="ofrun".*?<b>(R\d+)</b>')
PAGES = (
    "/queue", "/queue?tab=second", "/conflicts", "/held", "/customers", "/customers/new", "/runs",
    "/dashboard", "/administration", "/account", "/joined", "/left-out",
    "/deliveries", "/audit", "/nowhere",
)  # fmt: skip


def run_shown(person: Person, path: str) -> list[str]:
    return SHOWN.findall(follow(person, path).text)


def test_every_page_says_which_run_its_golden_data_is_from(seeded: Settings) -> None:
    with office(seeded) as desk:
        ann = desk.person("ann", "administrator")
        shown = {path: run_shown(ann, path) for path in PAGES}

    assert {path: runs for path, runs in shown.items() if runs != ["R0001"]} == {}


def test_an_earlier_night_is_named_where_it_is_looked_at(campaigns: Company) -> None:
    with office(campaigns.settings) as desk:
        ann = desk.person("ann", "administrator")
        customer = re.search(r"/customers/(C\d+-\d+)", ann.get("/customers").text)
        assert customer is not None
        campaigns.night(2)
        now = run_shown(ann, f"/customers/{customer[1]}")
        then = run_shown(ann, f"/customers/{customer[1]}?as_of=R0001")

    assert (now, then) == (["R0002"], ["R0001"])


def test_who_has_not_signed_in_is_told_of_no_run(seeded: Settings) -> None:
    with office(seeded) as desk:
        assert SHOWN.findall(desk.stranger().get("/sign-in").text) == []


def test_without_a_snapshot_no_run_is_named(tmp_path: Path) -> None:
    with office(Settings(data=tmp_path)) as desk:
        page = desk.person("ann", "administrator").get("/account")

    assert page.status_code == 200
    assert SHOWN.findall(page.text) == []
