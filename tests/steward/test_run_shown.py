"""Every page says which run its golden data is from."""

import hashlib
import re
from pathlib import Path

from store.files import remove_tree
from store.settings import Settings
from store.state.open import open_state
from store.state.seals import verify
from store.sums import SUMS, digest_of
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


def test_the_page_of_a_run_has_the_digest_of_its_snapshot(campaigns: Company) -> None:
    published = campaigns.settings.published
    digest = hashlib.sha256((published / "R0001" / SUMS).read_bytes()).hexdigest()
    with office(campaigns.settings) as desk:
        ann = desk.person("ann", "administrator")
        live = ann.get("/runs/R0001").text
        campaigns.night(2)
        kept = ann.get("/runs/R0001").text
        remove_tree(published / "R0001")
        gone = ann.get("/runs/R0001").text

    for page, state in ((live, "live"), (kept, "kept"), (gone, "gone")):
        assert f">{state}</span></h2>" in page
        assert digest in page.replace("<wbr>", "")
    assert "not kept any more" in gone


def test_what_was_published_is_noted_once_and_sealed(campaigns: Company) -> None:
    campaigns.night(2)
    digests = {
        run_id: digest_of(campaigns.settings.published / run_id) for run_id in ("R0001", "R0002")
    }
    with open_state(campaigns.settings) as state:
        noted = {
            run_id: [row.detail for row in state.audit.about(run_id) if row.action == "published"]
            for run_id in digests
        }
        chain = verify(state.engine)

    assert noted == {run_id: [digest] for run_id, digest in digests.items()}
    assert (chain.broken_after, chain.open_rows) == (None, 0)
