"""Customers are found, read, taken apart and entered in a real browser, on a screen and a phone."""

import shutil
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page

from store.state.open import open_state
from store.state.people import User
from tests.flows.builders import Company
from tests.shared import Shared
from tests.steward.entering import with_entries
from tests.steward.for_everybody import THEMES, Theme, Violation, in_both_themes
from tests.steward.served import Served, open_at, served
from tests.steward.test_desk_browser import CUT, UNPRINTED

SCREENS = (
    "/customers", "/customers?q=anna", "/customers?q=nobody", "/customers/C1-2",
    "/customers/C1-2/value?field=email", "/customers/C1-2/unmerge", "/left-out",
    "/left-out/new?record=members:M1&field=email", "/joined",
    "/customers/new", "/customers/typed", "/runs",
    "/runs/R0001", "/deliveries", "/deliveries/1", "/dashboard", "/dashboard/scorecard",
    "/dashboard/scorecard/rows?figure=uniqueness&source=forms", "/administration",
    "/administration/people/adam", "/account", "/audit",
)  # fmt: skip
"""Every screen about records, runs and people."""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="NO BROWSER: `apt-get install chromium` to try the pages about records"
)
EMPTY: frozenset[str] = frozenset()


class Seen(NamedTuple):
    """What was found on a screen."""

    unprinted: list[str]
    """What has a key and does not print it."""
    headings: int
    violations: list[tuple[Theme, Violation]]


@pytest.fixture(scope="module")
def company(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Company:
    """What all tests look at; none of them stores anything but that somebody was here."""
    return with_entries(shared, tmp_path_factory.mktemp("company"))


@pytest.fixture(scope="module")
def app(company: Company) -> Iterator[Served]:
    with served(company.settings) as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a browser that knows nobody."""
    with browser.new_context() as context:
        yield context.new_page()


def signed_in(company: Company, page: Page, url: str) -> None:
    with open_state(company.settings) as state:
        if state.people.find("adam") is None:
            state.people.add(User("adam", "administrator", True, EMPTY, EMPTY, frozenset()))
        token = state.sessions.begin("adam", "a test")
    page.context.add_cookies([{"name": "touchstone", "value": token, "url": url}])


def test_customers_are_found_read_taken_apart_and_entered(
    company: Company, app: Served, page: Page
) -> None:
    errors: list[str] = []
    page.on("console", lambda told: errors.append(told.text) if told.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    signed_in(company, page, app.url)

    page.goto(f"{app.url}/customers")
    page.wait_for_selector("html[data-armed]")
    page.keyboard.press("/")
    page.keyboard.type("gross anna")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Anna Großmann").wait_for()
    page.wait_for_selector("html[data-armed]")
    assert "anna" not in page.url + page.title()
    page.get_by_role("link", name="Anna Großmann").click()
    page.get_by_role("heading", name="Anna Großmann").wait_for()
    page.wait_for_selector("html[data-armed]")
    page.keyboard.press("x")
    page.get_by_role("heading", name="Take records out").wait_for()
    page.get_by_role("checkbox").nth(1).check()
    page.get_by_text("Stays").wait_for()
    page.goto(f"{app.url}/customers/new")
    page.get_by_label("First name").fill("Anna")
    page.get_by_label("Last name").fill("Großmann")
    page.get_by_label("Phone").fill("07911 123401")
    page.get_by_text("same name").wait_for()
    widths = []
    for width in (1440, 1280, 720, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for path in ("/customers", "/customers/new", "/runs", "/deliveries",
                     "/dashboard", "/dashboard/scorecard", "/administration",
                     "/account", "/audit"):  # fmt: skip
            page.goto(f"{app.url}{path}")
            widths.append((path, width, page.evaluate(CUT) <= 0))

    assert errors == []
    assert [one for one in widths if not one[2]] == []


def test_on_a_phone_leading_readers_back_is_a_button_and_opens_on_the_screen(
    company: Company, app: Served, page: Page
) -> None:
    signed_in(company, page, app.url)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app.url}/runs")
    page.wait_for_selector("html[data-armed]")
    button = page.get_by_text("Lead readers here")

    look = button.evaluate(
        "one => [getComputedStyle(one).borderTopStyle, one.getBoundingClientRect().height]"
    )
    button.click()
    form = page.locator(".pop").bounding_box()

    assert look[0] == "solid"
    assert look[1] >= 40
    assert form is not None
    assert form["x"] >= 0
    assert form["x"] + form["width"] <= 390


@pytest.fixture(scope="module")
def seen(company: Company, app: Served, browser: Browser) -> dict[str, Seen]:
    """Every screen, looked at once."""
    found = {}
    with browser.new_context() as context:
        page = context.new_page()
        signed_in(company, page, app.url)
        for path in SCREENS:
            open_at(page, app.url, path)
            page.wait_for_selector("html[data-armed]")
            unprinted, headings = page.evaluate(UNPRINTED), page.locator("h1").count()
            found[path] = Seen(unprinted, headings, list(in_both_themes(page)))
    return found


def test_every_key_of_the_pages_about_records_is_printed(seen: dict[str, Seen]) -> None:
    assert {path: one.unprinted for path, one in seen.items() if one.unprinted} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_no_screen_about_records_shuts_anybody_out(seen: dict[str, Seen], theme: Theme) -> None:
    found = {
        path: [violation for where, violation in one.violations if where == theme]
        for path, one in seen.items()
    }

    assert {path: some for path, some in found.items() if some} == {}
    assert {path: one.headings for path, one in seen.items() if one.headings != 1} == {}
