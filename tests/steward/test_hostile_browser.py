"""In a real browser: hostile values neither run nor break a page, and a run changes an item."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from store.state.open import open_state
from store.state.people import User
from tests.flows.builders import Company, found, person
from tests.steward.campaigns import two_campaigns
from tests.steward.for_everybody import in_both_themes
from tests.steward.served import open_at, served
from tests.steward.test_desk_browser import CUT, armed
from tests.steward.test_superseded import LINK, send

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="NO BROWSER: `apt-get install chromium` to try hostile values in one"
)
NOTHING: frozenset[str] = frozenset()
MARKUP = "\"><img src=x onerror=document.title='run'><svg/onload=alert(1)>"
LONG = "Oakfield" * 60
MARKS = "Z" + "\u0300\u0301\u0302\u0303" * 20
TURNED = "nomis\u202e.gro.tsop@\u200b"


@pytest.fixture
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Three who are alike, whose fields hold what a page could trip over."""
    company = found(tmp_path_factory.mktemp("hostile"))
    rows = [
        person("Ann", LONG, no="1", email="ann@post.org", city=MARKUP, born="1980-01-02"),
        person("Ann", LONG, no="2", postcode="SW1A 1AA", city=TURNED, born="1980-01-02"),
        person(MARKUP, LONG, no="3", phone="07400 123455", city=MARKS, born="1980-01-02"),
        person("\u0627\u0644\u0639\u0631\u0628\u064a\u0629", MARKS, no="4", email="r@post.org"),
    ]
    company.drop("members", rows)
    company.night(1)
    return company


def signed_in(browser: Browser, company: Company, url: str, told: list[str]) -> Page:
    """A page of an administrator; what it complains of is told."""
    with open_state(company.settings) as state:
        if state.people.find("ada") is None:
            state.people.add(User("ada", "administrator", True, NOTHING, NOTHING, NOTHING))
        token = state.sessions.begin("ada", "a test")
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(15_000)
    context.add_cookies([{"name": "touchstone", "value": token, "url": url}])
    page = context.new_page()
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("dialog", lambda dialog: (told.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda said: told.append(said.text) if said.type == "error" else None)
    return page


def places(company: Company) -> Iterator[str]:
    """Where these people are shown."""
    yield from ("/customers", "/customers?q=oakfield", "/joined", "/deliveries", "/audit")
    for item in company.ask("select item_id from review_items order by 1")["item_id"]:
        yield from (f"/items/{item}", f"/items/{item}?view=cluster")
    for name in company.ask("select distinct customer_id from customers")["customer_id"]:
        yield from (f"/customers/{name}", f"/customers/{name}/value?field=name")


def test_hostile_values_neither_run_nor_break_a_page(hostile: Company, browser: Browser) -> None:
    told: list[str] = []
    broken = []
    with served(hostile.settings) as app:
        page = signed_in(browser, hostile, app.url, told)
        every = list(places(hostile))
        for path in every:
            open_at(page, app.url, path)
            armed(page)
            if "img" in page.content() and page.locator("img").count():
                broken.append((path, "an image"))
            for width in (1440, 390):
                page.set_viewport_size({"width": width, "height": 900})
                if page.evaluate(CUT) > 0:
                    broken.append((path, f"wider than {width}"))
            assert page.title() != "run"
        page.context.close()

    assert len(every) > 10
    assert broken == []
    assert told == []


def test_what_a_run_changed_is_told_by_keys_alone_and_shuts_nobody_out(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> None:
    company = two_campaigns(tmp_path_factory.mktemp("changed") / "campaigns")
    with served(company.settings) as app:
        page = signed_in(browser, company, app.url, [])
        page.goto(f"{app.url}/items/{LINK}")
        armed(page)
        send(company, no="2", phone="07400 123499", born="1980-01-11")
        company.night(2)

        page.keyboard.press("n")
        expect(page.locator("h1")).to_have_text("This is not as you saw it")
        armed(page)
        rows = page.locator(".changed tbody tr").count()
        found = list(in_both_themes(page))
        page.set_viewport_size({"width": 390, "height": 844})
        is_cut = page.evaluate(CUT) > 0
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/items/{LINK}")
        page.context.close()

    assert (rows, found, is_cut) == (2, [], False)
