"""What equals a customer is handed over and answered in a real browser, by keyboard alone."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from store.state.open import open_state
from store.state.people import User
from tests.flows.builders import Company
from tests.shared import Shared
from tests.steward.entering import with_entries
from tests.steward.for_everybody import in_both_themes
from tests.steward.served import Served, served
from tests.steward.test_desk_browser import CUT, UNPRINTED, armed

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="NO BROWSER: `apt-get install chromium` to try handing entries over"
)
SPRING = frozenset({"spring"})


@pytest.fixture
def company(shared: Shared, tmp_path: Path) -> Company:
    return with_entries(shared, tmp_path / "company")


@pytest.fixture
def app(company: Company) -> Iterator[Served]:
    with served(company.settings) as started:
        yield started


class Looked:
    """What was wrong on any page that was looked at."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.found: list[object] = []

    def at(self, page: Page) -> None:
        """Look at a screen: who is shut out, what is cut off, which key is not printed."""
        self.found += [*in_both_themes(page), *page.evaluate(UNPRINTED)]
        for width in (1440, 720, 390):
            page.set_viewport_size({"width": width, "height": 900})
            if page.evaluate(CUT) > 0:
                self.found.append((page.url, width))
        page.set_viewport_size({"width": 1440, "height": 900})

    def page(self, browser: Browser, company: Company, url: str, user: User) -> Page:
        """A browser of somebody who has signed in."""
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda told: self.errors.append(told.text)
                if told.type == "error" and "422" not in told.text else None)  # fmt: skip
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        with open_state(company.settings) as state:
            state.people.add(user)
            token = state.sessions.begin(user.name, "a test")
        page.context.add_cookies([{"name": "touchstone", "value": token, "url": url}])
        return page


def test_an_equal_customer_is_handed_over_and_answered_by_keyboard_alone(
    company: Company, app: Served, browser: Browser
) -> None:
    looked = Looked()
    eve = User("eve", "editor", True, SPRING, frozenset(), frozenset())
    sam = eve._replace(name="sam", functions=frozenset({"data_steward"}))
    page = looked.page(browser, company, app.url, eve)
    page.goto(f"{app.url}/customers/new")
    armed(page)
    page.get_by_label("First name").fill("Anna")
    page.get_by_label("Last name").fill("Großmann")
    page.get_by_label("Company").fill("Ostwind Ltd")
    page.get_by_label("Phone").fill("07911 123401")
    page.get_by_role("button", name="Ask a steward").wait_for()
    looked.at(page)
    page.keyboard.press("Escape")

    page.keyboard.press("a")
    page.get_by_role("heading", name="Asked stewards").wait_for()
    page.get_by_text("waits for a steward").wait_for()
    armed(page)
    looked.at(page)
    steward = looked.page(browser, company, app.url, sam)
    steward.goto(f"{app.url}/queue")
    steward.get_by_role("link", name="Anna Großmann").click()
    steward.get_by_role("heading", name="Is this entry that customer?").wait_for()
    armed(steward)
    looked.at(steward)
    steward.keyboard.press("t")
    steward.keyboard.type("the same telephone")
    steward.keyboard.press("Escape")
    steward.keyboard.press("y")
    steward.get_by_role("heading", name="Is this entry that customer?").wait_for(state="detached")
    page.reload()

    page.get_by_text("that customer", exact=True).wait_for()
    page.get_by_text("the same telephone").wait_for()
    assert looked.errors == []
    assert looked.found == []
    with open_state(company.settings) as state:
        assert state.decisions.read()["kind"].to_list()[-1] == "same"


def test_a_draft_is_kept_and_taken_up_by_keyboard_alone(
    company: Company, app: Served, browser: Browser
) -> None:
    looked = Looked()
    eve = User("eve", "editor", True, SPRING, frozenset(), frozenset())
    page = looked.page(browser, company, app.url, eve)
    page.goto(f"{app.url}/customers/new")
    armed(page)
    page.get_by_label("Last name").fill("Nagy")
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    page.get_by_text("Kept as a draft, for 30 days").wait_for()
    armed(page)
    looked.at(page)

    page.keyboard.press("t")
    page.get_by_role("heading", name="New customer").wait_for()
    armed(page)
    looked.at(page)

    assert page.get_by_label("Last name").input_value() == "Nagy"
    assert "a contact that is valid" in page.locator("#checks").inner_text()
    assert looked.errors == []
    assert looked.found == []
