"""An entry is saved and its address confirmed by a code in a real browser, by keyboard alone."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from store.state.open import open_state
from store.state.people import User
from tests.flows.builders import Company
from tests.shared import Shared
from tests.steward.entering import with_codes
from tests.steward.served import Served, served
from tests.steward.test_confirming import annas, code_of, outbox
from tests.steward.test_desk_browser import armed
from tests.steward.test_handing_browser import SPRING, Looked

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="NO BROWSER: `apt-get install chromium` to try confirming by code"
)


@pytest.fixture
def company(shared: Shared, tmp_path: Path) -> Company:
    return with_codes(shared, tmp_path / "company")


@pytest.fixture
def app(company: Company, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("TOUCHSTONE_CODE_SENDER", "outbox")
    with served(company.settings) as started:
        yield started


def test_an_entrys_address_is_confirmed_by_keyboard_alone(
    company: Company, app: Served, browser: Browser
) -> None:
    looked = Looked()
    eve = User("eve", "editor", True, SPRING, frozenset(), frozenset())
    page = looked.page(browser, company, app.url, eve)
    page.goto(f"{app.url}/customers/new")
    armed(page)
    page.get_by_label("First name").fill("Zoë")
    page.get_by_label("Last name").fill("Nagy")
    page.get_by_label("E-mail", exact=True).fill("zoe@nagy.hu")
    page.get_by_label("Phone").fill("+36 20 555 1234")
    page.get_by_text("campaign", exact=True).first.wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="It is kept").wait_for()
    armed(page)
    looked.at(page)
    page.keyboard.press("s")
    page.get_by_role("heading", name="A code was sent").wait_for()
    armed(page)
    looked.at(page)
    page.keyboard.type("000")
    page.keyboard.press("Enter")
    page.get_by_text("That is not the code.").wait_for()
    armed(page)
    looked.at(page)
    page.keyboard.type(code_of(outbox(company)[-1]))
    page.keyboard.press("Enter")
    page.get_by_text("The code was right").wait_for()
    looked.at(page)
    page.goto(f"{app.url}/customers/{annas(company)[1]}")
    armed(page)
    page.get_by_role("button", name="Send a code").first.wait_for()
    looked.at(page)

    assert looked.errors == []
    assert looked.found == []
    with open_state(company.settings) as state:
        assert state.decisions.read()["kind"].to_list()[-1] == "confirm"
