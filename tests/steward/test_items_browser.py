"""Records are grouped, and conflicts of one customer decided, in a real browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from store.settings import Settings
from store.state.open import open_state
from store.state.people import User
from tests.steward.conftest import copy_of
from tests.steward.for_everybody import violations
from tests.steward.served import Served, served
from tests.steward.test_at_once import TWO
from tests.steward.test_groups import asked, grouping

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="NO BROWSER: `apt-get install chromium` to group records in one"
)
NOTHING: frozenset[str] = frozenset()


@pytest.fixture(scope="module")
def settings(night_before: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return copy_of(night_before, tmp_path_factory.mktemp("items"))


@pytest.fixture(scope="module")
def app(settings: Settings) -> Iterator[Served]:
    with served(settings) as started:
        yield started


def page_of(
    browser: Browser, settings: Settings, app: Served, name: str, width: int = 1440
) -> Page:
    with open_state(settings) as state:
        if state.people.find(name) is None:
            state.people.add(User(name, "administrator", True, NOTHING, NOTHING, NOTHING))
        token = state.sessions.begin(name, "a test")
    context = browser.new_context(viewport={"width": width, "height": 850})
    context.add_cookies([{"name": "touchstone", "value": token, "url": app.url}])
    return context.new_page()


def show(page: Page, app: Served, path: str) -> None:
    page.goto(f"{app.url}{path}")
    page.wait_for_selector("html[data-armed]")


def test_what_groups_make_is_drawn_as_keys_choose_them_and_saved_by_enter(
    browser: Browser, settings: Settings, app: Served
) -> None:
    item = grouping(settings)[0]
    errors: list[str] = []
    page = page_of(browser, settings, app, "ann")
    page.on("console", lambda told: errors.append(told.text) if told.type == "error" else None)
    show(page, app, f"/items/{item}?view=cluster")
    cards = page.locator("#groups .made")

    expect(cards).to_have_count(2)
    page.keyboard.press("9")
    expect(page.locator("#groups .made.g9")).to_contain_text("1 record: A")
    expect(cards).to_have_count(3)
    for key in ("ArrowDown", "3", "4", "5", "9"):
        page.keyboard.press(key)
    expect(page.locator("#groups .made.g9")).to_contain_text("2 records: A")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: item not in url)

    with open_state(settings) as state:
        assert [given.answer.partition(" ")[0] for given in state.work.given(item)] == ["split"]
    assert errors == []


def test_on_a_phone_groups_are_big_enough_to_touch_and_can_be_saved(
    browser: Browser, settings: Settings, app: Served
) -> None:
    item = grouping(settings)[1]
    page = page_of(browser, settings, app, "bob", 390)
    show(page, app, f"/items/{item}?view=cluster")
    boxes = [one.bounding_box() for one in page.locator(".grp").first.locator("label").all()]

    page.locator(".grp").first.locator("label").nth(8).click()
    expect(page.locator("#groups .made")).to_have_count(3)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    page.locator(".onphone").get_by_role("button", name="Save groups").click()
    page.wait_for_url(lambda url: item not in url)

    assert len(boxes) == 9
    assert all(box and box["width"] >= 24 and box["height"] >= 24 for box in boxes)
    assert wide == 0


def both_conflicts(settings: Settings, at: int) -> list[str]:
    """The two conflicts of a customer, about an e-mail address and a phone number."""
    every = [one["items"] for one in asked(settings, TWO) if one["fields"] == ["email", "phone"]]
    return list(every[at])


def test_two_conflicts_are_decided_by_keys_each_in_its_block_and_saved_at_once(
    browser: Browser, settings: Settings, app: Served
) -> None:
    items = both_conflicts(settings, 0)
    errors: list[str] = []
    page = page_of(browser, settings, app, "cat")
    page.on("console", lambda told: errors.append(told.text) if told.type == "error" else None)
    show(page, app, f"/items/{items[0]}")
    first, second = (page.locator("[data-block]").nth(at) for at in (0, 1))

    page.keyboard.press("2")
    page.keyboard.press("1")
    page.keyboard.press("Tab")
    page.keyboard.press("2")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("v")
    expect(first.locator("details")).to_have_attribute("open", "")
    expect(second.locator("details")).not_to_have_attribute("open", "")
    expect(first.locator("[value=keep]")).to_be_checked()
    expect(second.locator("[value=take]")).to_be_checked()
    expect(page.locator("[data-chosen]")).to_have_text("2 of 2")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: items[0] not in url)

    with open_state(settings) as state:
        said = [[given.answer for given in state.work.given(one)] for one in items]
    assert said == [["keep"], ["take"]]
    assert errors == []


def test_what_is_typed_or_asked_in_a_block_is_what_is_chosen_for_it(
    browser: Browser, settings: Settings, app: Served
) -> None:
    items = both_conflicts(settings, 1)
    page = page_of(browser, settings, app, "dan")
    show(page, app, f"/items/{items[0]}")

    page.keyboard.press("t")
    page.keyboard.type("new@post.example.org")
    page.keyboard.press("Tab")
    page.keyboard.press("a")
    page.keyboard.type("which number?")
    expect(page.locator("[data-chosen]")).to_have_text("2 of 2")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: items[0] not in url)

    with open_state(settings) as state:
        assert [given.answer.split(" ")[0] for given in state.work.given(items[0])] == ["typed"]
        assert state.asking.of(items[1]) is not None


def test_who_leaves_lets_go_of_both_conflicts(
    browser: Browser, settings: Settings, app: Served
) -> None:
    items = both_conflicts(settings, 2)
    page = page_of(browser, settings, app, "eve")
    show(page, app, f"/items/{items[0]}")
    with open_state(settings) as state:
        before = state.queue.holders()
        page.keyboard.press("g")
        page.keyboard.press("d")
        page.wait_for_url("**/dashboard")
        page.wait_for_load_state("networkidle")
        after = state.queue.holders()

    assert [before.get(one) for one in items] == ["eve", "eve"]
    assert set(items).isdisjoint(after)


@pytest.mark.parametrize("width", [1440, 390, 320])
def test_two_conflicts_shut_nobody_out(
    browser: Browser, settings: Settings, app: Served, width: int
) -> None:
    page = page_of(browser, settings, app, "fay", width)
    page.emulate_media(color_scheme="dark" if width == 390 else "light")
    show(page, app, f"/items/{both_conflicts(settings, 3)[0]}")

    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
