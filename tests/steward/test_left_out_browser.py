"""A value is left out of matching in a real browser, by keys alone, on a screen and a phone."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from store.state.open import open_state
from store.state.people import User
from tests.flows.builders import Company, found, person
from tests.steward.served import Served, served

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="NO BROWSER: `apt-get install chromium` to leave a value out in one"
)
OFFICE = "0113 496 0000"
NOTHING: frozenset[str] = frozenset()


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    founded = found(tmp_path_factory.mktemp("company"))
    rows = [person("Ida", "Moss", phone=OFFICE), person("Ira", "Voss", phone=OFFICE)]
    founded.drop("partner", [{"op": "upsert", "id": f"P{n}", **row} for n, row in enumerate(rows)])
    founded.night(1)
    return founded


@pytest.fixture(scope="module")
def app(company: Company) -> Iterator[Served]:
    with served(company.settings) as started:
        yield started


def page_of(browser: Browser, company: Company, url: str, name: str, width: int = 1280) -> Page:
    with open_state(company.settings) as state:
        if state.people.find(name) is None:
            state.people.add(User(name, "administrator", True, NOTHING, NOTHING, NOTHING))
        token = state.sessions.begin(name, "a test")
    context = browser.new_context(viewport={"width": width, "height": 800})
    context.add_cookies([{"name": "touchstone", "value": token, "url": url}])
    return context.new_page()


def test_from_a_pair_to_a_decision_of_two_people(
    company: Company, app: Served, browser: Browser
) -> None:
    errors: list[str] = []
    ann, bob = (page_of(browser, company, app.url, name) for name in ("ann", "bob"))
    for one in (ann, bob):
        one.on("console", lambda told: errors.append(told.text) if told.type == "error" else None)

    press(ann, f"{app.url}/queue", "i")
    ann.wait_for_selector("text=Leave this phone number out of matching?")
    press(ann, None, "c")
    ann.keyboard.type("a switchboard")
    ann.keyboard.press("Enter")
    ann.wait_for_selector("text=Saved. A second person must say the same")
    press(bob, f"{app.url}/left-out", "y")
    bob.wait_for_selector("text=From the next run on it joins nobody")

    with open_state(company.settings) as state:
        assert state.decisions.read()["kind"].to_list() == ["ignore"]
    assert errors == []


def test_on_a_phone_nothing_is_cut_off(company: Company, app: Served, browser: Browser) -> None:
    page = page_of(browser, company, app.url, "cleo", 390)
    for path in ("/queue", "/left-out", "/left-out/new?record=partner:P0&field=phone", "/joined"):
        page.goto(f"{app.url}{path}")
        page.wait_for_selector("html[data-armed]")

        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")

        assert wide <= 0, path
        assert page.locator(".leave:visible").count() == 0


def press(page: Page, url: str | None, key: str) -> None:
    if url is not None:
        page.goto(url)
    page.wait_for_selector("html[data-armed]")
    page.keyboard.press(key)
