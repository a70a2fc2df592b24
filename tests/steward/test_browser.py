"""The form in the docs works in a real browser, from a page of another origin."""

import os
import shutil
import signal
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from rules.feed import Feed
from tests.steward.doors import company_with_a_door, spooled
from tests.steward.served import pages, served

DOCS = Path(__file__).parents[2] / "docs"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="NO BROWSER: `apt-get install chromium` to try the form of the docs"
)


def feed_of_the_docs() -> str:
    text = (DOCS / "web-forms.md").read_text("utf-8")
    return text.split("```toml\n")[1].split("```")[0]


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"] if os.getuid() == 0 else []
        )
        yield browser.new_page()
        browser.close()


def test_the_feed_of_the_docs_is_a_feed() -> None:
    feed = Feed.model_validate(tomllib.loads(feed_of_the_docs()))

    assert feed.intake is not None


def test_the_form_of_the_docs_works_in_a_browser(tmp_path: Path, page: Page) -> None:
    company = company_with_a_door(tmp_path / "company")
    site = tmp_path / "site"
    shutil.copytree(DOCS / "web-forms", site)
    folder = company.settings.rules / "feeds" / "newsletter"
    folder.mkdir()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    with pages(site) as origin:
        rule = feed_of_the_docs().replace("https://www.example.com", origin)
        (folder / "feed.toml").write_text(rule, "utf-8")
        with served(company.settings) as app:
            form = site / "signup.html"
            text = form.read_text("utf-8").replace("https://intake.example.com", app.url)
            form.write_text(text, "utf-8")

            page.goto(f"{origin}/signup.html")
            page.get_by_label("First name").fill("Zoë")
            page.get_by_label("E-mail").fill("zoe@post.org")
            page.get_by_label("Phone").fill("12")
            page.get_by_label("Send me the news").check()
            page.get_by_role("button").click()
            said = page.get_by_role("listitem").inner_text()
            page.go_back()
            page.get_by_label("Phone").fill("07400 123455")
            page.get_by_role("button").click()
            page.wait_for_url(f"{origin}/thanks.html")
            page.goto(f"{origin.replace('127.0.0.1', 'localhost')}/signup.html")
            page.get_by_label("E-mail").fill("eve@post.org")
            page.get_by_role("button").click()
            page.wait_for_url(f"{app.url}/**")
            refused = page.content()
            app.end(signal.SIGTERM)

    assert said.startswith("phone: This phone number is too short")
    kept = spooled(company.settings)
    assert [record["email"] for record in kept] == ["zoe@post.org"]
    assert kept[0]["first"] == "Zoë"
    assert kept[0]["news"] == "yes"
    assert "origin_not_allowed" in refused
    assert errors == []
    assert kept[0]["intake"]["id"].startswith("form-")
    assert company.night(1).counts["ingest"]["rows"] == 1
