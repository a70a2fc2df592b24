"""The desk in a real browser: by keyboard, beside others, cut off, and for everybody's eyes."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from rules.access import Role
from store.state.open import State, open_state
from store.state.people import User
from tests.steward.conftest import copy_of
from tests.steward.for_everybody import Theme, Violation, in_both_themes, violations
from tests.steward.served import Served, open_at, pages, served
from transforms.agreement import is_drawn

MOST_DRAWN = 0.2
"""More than the rules have judged by two."""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="NO BROWSER: `apt-get install chromium` to try the desk"
)


class Desk:
    """The app, its state, and browsers to look at it with."""

    def __init__(self, app: Served, state: State, browser: Browser) -> None:
        self.app, self.state, self.browser = app, state, browser
        self.errors: list[str] = []

    def person(self, name: str, role: Role = "administrator", **how: Any) -> BrowserContext:
        """Somebody who has signed in, with a browser of their own."""
        if self.state.people.find(name) is None:
            nothing: frozenset[Any] = frozenset()
            self.state.people.add(User(name, role, True, nothing, nothing, nothing))
        context = self.browser.new_context(**how)
        context.set_default_timeout(15_000)
        token = self.state.sessions.begin(name, "a test")
        context.add_cookies([{"name": "touchstone", "value": token, "url": self.app.url}])
        return context

    def page(self, context: BrowserContext, path: str = "/queue") -> Page:
        """A page whose errors and foreign requests are remembered."""
        page = context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console",
            lambda said: (
                self.errors.append(said.text)
                if "Content Security Policy" in said.text or "Trusted" in said.text
                else None
            ),
        )
        page.on(
            "request",
            lambda asked: (
                None if asked.url.startswith(self.app.url) else self.errors.append(asked.url)
            ),
        )
        page.goto(f"{self.app.url}{path}")
        armed(page)
        return page

    def verdicts(self, *names: str) -> list[tuple[str, str]]:
        """What these people said of which items, in order."""
        with self.state.engine.connect() as connection:
            rows = connection.exec_driver_sql(
                "select user_name, item_id, answer from verdicts order by said_at"
            ).all()
        return [(str(item), str(answer)) for name, item, answer in rows if name in names]


def armed(page: Page) -> None:
    """Wait until keys count."""
    page.wait_for_selector("html[data-armed]")


def item_of(page: Page) -> str:
    """The item that is on the screen."""
    return page.locator(".head .mono").inner_text()


def matches(desk: Desk) -> list[str]:
    """The pairs that wait for a first answer and that nobody has."""
    with desk.state.engine.connect() as connection:
        query = (
            "select item_id from items where kind = 'match' and state = 'open' "
            "and item_id not in (select item_id from claims) order by item_id"
        )
        return [str(item) for item in connection.exec_driver_sql(query).scalars()]


def show_one_of_many(page: Page, desk: Desk) -> str:
    """Have a pair on the screen that has others like it; one that is judged blind has none."""
    for item in matches(desk):
        page.goto(f"{desk.app.url}/items/{item}")
        armed(page)
        if page.locator("[data-key=b]").count():
            return item
    raise AssertionError("every pair is judged blind")


def left(page: Page, item: str) -> None:
    """Wait until another item is on the screen."""
    page.wait_for_url(lambda url: item not in url)


def press(page: Page, key: str) -> None:
    """Press a key and wait for what comes of it."""
    page.keyboard.press(key)
    page.wait_for_selector("html:not([data-armed])", state="attached")
    armed(page)


@pytest.fixture(scope="module")
def opened(
    night_before: Path, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[Desk]:
    settings = copy_of(night_before, tmp_path_factory.mktemp("desk"))
    with served(settings) as app, open_state(settings) as state:
        yield Desk(app, state, browser)


@pytest.fixture
def desk(opened: Desk) -> Iterator[Desk]:
    """The desk, which all tests share: each has people of its own."""
    opened.errors.clear()
    yield opened
    for context in opened.browser.contexts:
        context.close()
    with opened.state.engine.begin() as connection:
        connection.exec_driver_sql("delete from claims")
    assert opened.errors == []


def test_undo_brings_the_last_item_back(desk: Desk) -> None:
    """The first of all: where somebody else has said otherwise, a word alone is no decision."""
    page = desk.page(desk.person("amy"))
    while is_drawn(item_of(page), "twice", MOST_DRAWN):
        press(page, "s")
    first = item_of(page)
    press(page, "n")
    assert item_of(page) != first

    press(page, "z")

    assert item_of(page) == first
    assert desk.state.decisions.read()["kind"].to_list()[-2:] == ["different", "undo"]


def test_twenty_items_are_decided_by_keyboard_alone(desk: Desk) -> None:
    page = desk.page(desk.person("ada"))
    seen = []
    for key in "ynuyn" * 4:
        seen.append(item_of(page))
        press(page, key)
        assert page.evaluate("document.activeElement.closest('#main') !== null")

    assert len(set(seen)) == 20
    said = desk.verdicts("ada")
    assert [item for item, _ in said] == seen
    words = {"y": "same", "n": "different", "u": "unsure"}
    assert [answer for _, answer in said] == [words[key] for key in "ynuyn" * 4]


@pytest.mark.parametrize(("way", "key"), [("off", None), ("alt", "Alt+n")])
def test_single_letters_can_be_switched_off_or_need_alt(
    desk: Desk, way: str, key: str | None
) -> None:
    context = desk.person(f"kay {way}")
    page = desk.page(context, "/account")
    page.get_by_label("Single letters").select_option(way)
    page.get_by_role("button", name="Save").click()
    page.get_by_role("status").get_by_text("Saved").wait_for(state="attached")
    page.goto(f"{desk.app.url}/queue")
    armed(page)
    item = item_of(page)

    page.keyboard.press("n")
    page.wait_for_timeout(300)
    alone = item_of(page)
    if key is not None:
        press(page, key)

    assert alone == item
    said = [("different", item)] if key else []
    assert [(answer, one) for one, answer in desk.verdicts(f"kay {way}")] == said


def test_a_key_of_ones_own_decides_and_is_printed(desk: Desk) -> None:
    page = desk.page(desk.person("kim"), "/account")
    page.get_by_label("Different, two, reject").fill("m")
    page.get_by_role("button", name="Use these keys").click()
    page.get_by_role("status").get_by_text("Saved").wait_for(state="attached")
    page.goto(f"{desk.app.url}/queue")
    armed(page)
    item = item_of(page)
    printed = page.locator("[data-key=n] kbd").first.inner_text()

    page.keyboard.press("n")
    page.wait_for_timeout(300)
    by_the_letter = item_of(page)
    page.keyboard.press("g")
    page.evaluate("() => { const now = Date.now; Date.now = () => now() + 2000; }")
    press(page, "m")

    assert printed == "M"
    assert by_the_letter == item
    assert desk.verdicts("kim") == [(item, "different")]


def test_a_key_of_a_keyboard_that_is_not_latin_does_what_its_place_does(desk: Desk) -> None:
    page = desk.page(desk.person("kir"))
    item = item_of(page)

    page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', "
        "{key: 'т', code: 'KeyN', bubbles: true, cancelable: true}))"
    )
    left(page, item)

    assert desk.verdicts("kir") == [(item, "different")]


def test_a_hammered_key_decides_one_item(desk: Desk) -> None:
    page = desk.page(desk.person("abe"))
    for _ in range(5):
        before = len(desk.verdicts("abe"))
        for _ in range(4):
            page.keyboard.press("n")
        page.wait_for_timeout(100)
        armed(page)
        assert len(desk.verdicts("abe")) == before + 1


def test_a_key_that_is_held_down_or_pressed_in_a_field_decides_nothing(desk: Desk) -> None:
    page = desk.page(desk.person("ana"))

    page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'y', repeat: true, bubbles: true}))"
    )
    page.evaluate(  # a letter that is part of one that is being composed
        "document.body.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'n', isComposing: true, bubbles: true}))"
    )
    page.keyboard.press("Control+y")
    page.keyboard.press("c")
    page.keyboard.type("yes, nothing; I asked the shop")
    page.wait_for_timeout(200)

    assert desk.verdicts("ana") == []
    expect(page.locator("#comment")).to_have_value("yes, nothing; I asked the shop")
    press(page, "Enter")
    expect(page.locator(".tl")).to_contain_text("I asked the shop")


def test_two_stewards_never_have_the_same_item(desk: Desk) -> None:
    ann, bob = desk.page(desk.person("art")), desk.page(desk.person("asa"))
    for _ in range(6):
        assert item_of(ann) != item_of(bob)
        press(ann, "n")
        assert item_of(ann) != item_of(bob)
        press(bob, "n")

    assert len(desk.verdicts("art", "asa")) == 12


def test_a_second_tab_shows_the_same_item_and_a_stale_one_is_refused_kindly(desk: Desk) -> None:
    context = desk.person("ava")
    first, second = desk.page(context), desk.page(context)
    assert item_of(first) == item_of(second)
    press(first, "n")

    press(second, "y")

    expect(second.locator("h1")).to_have_text("Somebody was quicker")
    expect(second.get_by_role("alert").first).to_contain_text("ava decided this at")
    assert [answer for _, answer in desk.verdicts("ava")] == ["different"]
    press(second, "Enter")
    assert item_of(second)


def test_the_next_item_is_shown_at_once_and_decided_only_when_the_last_is_stored(
    desk: Desk,
) -> None:
    page = desk.page(desk.person("bel"))
    first = item_of(page)
    held: list[Route] = []
    with page.expect_response("**/next"):
        page.reload()
    page.wait_for_load_state("networkidle")
    armed(page)

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/verdict", hold)

    page.keyboard.press("n")
    page.wait_for_function(
        "(was) => !document.querySelector('.head').innerText.includes(was)", arg=first
    )
    second = item_of(page)
    page.keyboard.press("y")
    page.wait_for_timeout(500)

    assert desk.verdicts("bel") == []
    assert len(held) == 1
    held[0].continue_()
    armed(page)
    assert desk.verdicts("bel") == [(first, "different")]
    assert item_of(page) == second
    assert page.url.endswith(f"/items/{second}")
    expect(page.locator(".q .done")).to_contain_text("different")
    page.unroute("**/verdict")
    press(page, "z")
    assert item_of(page) == first


def holders(desk: Desk, page: Page, names: set[str]) -> dict[str, str]:
    """Who has what, once what was said of it has been heard."""
    for _ in range(50):
        held = desk.state.queue.holders()
        if set(held.values()) == names:
            break
        page.wait_for_timeout(50)
    return desk.state.queue.holders()


def test_who_leaves_an_item_lets_go_of_it_at_once_and_of_what_was_kept_to_follow(
    desk: Desk,
) -> None:
    page = desk.page(desk.person("eva"))
    item = item_of(page)
    page.goto(f"{desk.app.url}/items/{item}?view=pair")
    armed(page)
    page.wait_for_load_state("networkidle")
    had = desk.state.queue.holders()
    press(page, "o")
    looking = desk.state.queue.holders()

    page.keyboard.press("g")
    page.keyboard.press("d")

    assert holders(desk, page, set()) == {}
    assert len(had) == 2
    assert looking == had
    assert had[item] == "eva"


def test_who_goes_to_another_item_keeps_the_one_that_is_to_follow(desk: Desk) -> None:
    page = desk.page(desk.person("edo"))
    page.wait_for_load_state("networkidle")
    first = item_of(page)
    (kept,) = desk.state.queue.holders().keys() - {first}
    other = page.locator(f".q a.t:not([href*='{first}']):not([href*='{kept}'])").last

    other.click()
    left(page, first)
    armed(page)
    page.wait_for_load_state("networkidle")

    assert desk.state.queue.holders() == dict.fromkeys([item_of(page), kept], "edo")
    press(page, "n")
    assert item_of(page) == kept
    assert desk.verdicts("edo")[-1][1] == "different"


def test_a_page_that_is_loaded_again_keeps_its_item_and_one_that_is_closed_does_not(
    desk: Desk,
) -> None:
    page = desk.page(desk.person("eli"))
    page.wait_for_load_state("networkidle")
    item = item_of(page)

    page.reload()
    armed(page)
    page.wait_for_load_state("networkidle")
    again = desk.state.queue.holders()
    other = desk.page(page.context, "/account")
    page.close(run_before_unload=True)

    assert again[item] == "eli"
    assert holders(desk, other, set()) == {}


def test_what_the_server_stored_while_the_answer_was_lost_is_stored_once(desk: Desk) -> None:
    page = desk.page(desk.person("bea"))
    lost: list[int] = []

    def lose(route: Route) -> None:
        if len(lost) < 2:
            route.fetch(max_redirects=0)
            lost.append(1)
            route.abort()
        else:
            route.continue_()

    page.route("**/verdict", lose)

    page.keyboard.press("n")
    expect(page.locator("#offline")).to_contain_text("Not saved yet")
    page.keyboard.press("y")
    armed(page)

    assert [answer for _, answer in desk.verdicts("bea")] == ["different"]


def test_what_is_decided_when_the_session_has_ended_is_saved_after_signing_in(desk: Desk) -> None:
    context = desk.person("ben")
    desk.state.people.accept(desk.state.people.invite("ben"), "correct horse battery staple")
    context.clear_cookies()
    token = desk.state.sessions.begin("ben", "a test")
    context.add_cookies([{"name": "touchstone", "value": token, "url": desk.app.url}])
    page = desk.page(context)
    item = item_of(page)
    desk.state.sessions.end(token)

    press(page, "n")
    expect(page.locator("h1")).to_have_text("You are not signed in any more")
    page.keyboard.press("Enter")
    page.get_by_label("Name").fill("ben")
    page.get_by_label("Password").fill("correct horse battery staple")
    page.keyboard.press("Enter")
    page.wait_for_selector(".rail .done")

    assert desk.verdicts("ben") == [(item, "different")]


def test_the_list_of_keys_has_the_keys_that_work_and_no_others(desk: Desk) -> None:
    page = desk.page(desk.person("bud"))
    page.goto(page.url.split("?")[0] + "?view=pair")
    armed(page)
    page.wait_for_selector("#preview:not([data-load])", state="attached")

    page.keyboard.press("?")

    told = {key.strip().lower() for key in page.locator("#keys dt").all_inner_texts()}
    there = page.evaluate(
        "[...document.querySelectorAll('[data-key]')].map((one) => one.dataset.key)"
    )
    assert {key for key in told if len(key) == 1} - {"↵"} == {
        key for key in there if key != "enter"
    }
    assert {"y", "n", "u", "s", "e", "c", "h", "x", "o", "j"} <= told
    page.keyboard.press("Escape")
    page.keyboard.press("y")
    page.wait_for_timeout(400)
    assert len(desk.verdicts("bud")) == 1


def test_the_score_can_be_hidden(desk: Desk) -> None:
    page = desk.page(desk.person("cal"))
    page.goto(page.url.split("?")[0] + "?view=pair")
    armed(page)
    expect(page.locator("td.wf svg").first).to_be_visible()

    press(page, "h")

    assert page.locator("td.wf").count() == 0
    assert "likely the same" not in page.content()


def test_what_is_past_due_is_worked_in_a_list_of_its_own(desk: Desk) -> None:
    page = desk.page(desk.person("lea"), "/queue?tab=late")
    tab = page.locator(".tabs [aria-current]")
    shown = item_of(page)

    press(page, "n")

    expect(tab).to_contain_text("Past due")
    assert page.url.endswith("?tab=late")
    assert desk.verdicts("lea") == [(shown, "different")]


def test_pairs_that_are_alike_are_answered_at_once_by_keyboard(desk: Desk) -> None:
    page = desk.page(desk.person("bulk"))
    show_one_of_many(page, desk)
    press(page, "b")
    count = page.locator("input[type=checkbox]").count()
    while page.locator(".openfirst [data-key]").count():
        key = page.locator(".openfirst [data-key]").first.get_attribute("data-key")
        press(page, str(key))
        press(page, "b")

    press(page, "n")

    expect(page.locator("h1")).to_contain_text(f"{count} pair")
    assert len(desk.verdicts("bulk")) == count
    press(page, "z")
    assert desk.state.decisions.read().filter(decided_by="bulk").is_empty()


def test_a_form_of_another_site_does_nothing(desk: Desk, tmp_path: Path) -> None:
    page = desk.page(desk.person("che"))
    item = item_of(page)
    (tmp_path / "evil.html").write_text(
        f"<form method=post action='{desk.app.url}/items/{item}/skip'></form>"
        "<script>document.forms[0].submit()</script>"
    )
    with pages(tmp_path) as origin:
        other = page.context.new_page()
        other.goto(f"{origin}/evil.html")
        other.wait_for_url(f"{desk.app.url}/**")

        expect(other.locator("h1")).to_have_text("This did not come from the desk")

    assert desk.state.queue.holders()[item] == "che"


def test_the_desk_works_without_any_script(desk: Desk) -> None:
    context = desk.person("coy", java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{desk.app.url}/queue")
    first = item_of(page)

    page.get_by_role("button", name="Different").or_(
        page.get_by_role("button", name="Two")
    ).first.click()

    assert item_of(page) != first
    assert desk.verdicts("coy") == [(first, "different")]


UNPRINTED = """() => [...document.querySelectorAll('[data-key], [data-pick]')].filter((one) => {
  if (one.offsetParent === null || one.disabled || one.closest('.sr')) return false;
  const next = one.nextElementSibling;
  const place = one.closest('.opt, li, label, .openfirst li');
  const shown = [one.querySelector('kbd'), next && next.matches('kbd') ? next : null,
    place && place.querySelector('kbd, .ix')].find((found) => found);
  const key = { enter: '\u21b5', escape: 'esc' }[one.dataset.key] || one.dataset.key;
  return !shown || shown.textContent.trim().toLowerCase() !== key;
}).map((one) => one.outerHTML.slice(0, 160))"""
"""What has a key and does not print it."""


def test_every_key_is_printed_on_what_it_does(desk: Desk) -> None:
    page = desk.page(desk.person("ida"))
    unprinted = {}
    for name, goes in screens(desk).items():
        goes(page)
        armed(page)
        unprinted[name] = page.evaluate(UNPRINTED)

    assert {name: some for name, some in unprinted.items() if some} == {}


def screens(desk: Desk) -> dict[str, Callable[[Page], None]]:
    """Every screen of this part of the desk, and how one gets there."""

    def at(path: str) -> Callable[[Page], None]:
        return lambda page: (page.goto(f"{desk.app.url}{path}"), None)[1]

    def pair(page: Page) -> None:
        page.goto(f"{desk.app.url}/queue")
        page.goto(f"{page.url.split('?')[0]}?view=pair")
        page.wait_for_selector("#preview:not([data-load])", state="attached")

    def alike(page: Page) -> None:
        page.goto(f"{desk.app.url}/items/{show_one_of_many(page, desk)}/alike")

    return {
        "cluster": at("/queue"),
        "pair": pair,
        "conflict": at("/conflicts"),
        "held": at("/held"),
        "empty": at("/queue?tab=second"),
        "past due": at("/queue?tab=late"),
        "alike": alike,
        "refused": at("/nowhere"),
    }


def test_pictures_are_drawn_in_their_size_and_bands_without_a_rim(desk: Desk) -> None:
    page = desk.page(desk.person("eye"))
    screens(desk)["pair"](page)
    rim = page.locator("rect.band").first.evaluate("shape => getComputedStyle(shape).stroke")
    page.goto(f"{page.url.split('?')[0]}?view=cluster")

    room = page.locator("svg.graph.big").bounding_box()

    assert rim == "none"
    assert room is not None
    assert min(room["width"], room["height"]) > 150


BROKEN = """() => {
  const found = [];
  for (const mail of document.querySelectorAll('.mail')) {
    let before = null, last = '';
    const walk = document.createTreeWalker(mail, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      for (let at = 0; at < walk.currentNode.length; at += 1) {
        const range = new Range();
        range.setStart(walk.currentNode, at);
        range.setEnd(walk.currentNode, at + 1);
        const top = range.getBoundingClientRect().top;
        const goesOn = before !== null && top > before + 6;
        if (goesOn && !'@.'.includes(last)) found.push(mail.textContent);
        before = top;
        last = walk.currentNode.data[at];
      }
    }
    const box = mail.closest('td, li, .opt');
    if (box && mail.getBoundingClientRect().right > box.getBoundingClientRect().right) {
      found.push(`${mail.textContent} is cut`);
    }
  }
  return found;
}"""
"""E-mail addresses whose lines break elsewhere than after the @ or a dot, or that are cut."""


@pytest.mark.parametrize("width", [1440, 1280, 390])
def test_an_email_address_breaks_after_the_at_or_a_dot_alone(desk: Desk, width: int) -> None:
    page = desk.page(desk.person("may", viewport={"width": width, "height": 900}))
    shown, broken = 0, []
    with desk.state.engine.connect() as connection:
        query = "select item_id from items where kind in ('match', 'cluster') order by item_id"
        items = list(connection.exec_driver_sql(f"{query} limit 6").scalars())
    for path in ("/customers?q=a", "/conflicts", *(f"/items/{one}?view=pair" for one in items)):
        open_at(page, desk.app.url, path)
        armed(page)
        shown += page.locator(".mail").count()
        broken += page.evaluate(BROKEN)

    assert shown > 20
    assert broken == []


def test_on_a_phone_the_place_to_comment_stays_when_the_preview_above_it_grows(desk: Desk) -> None:
    context = desk.person("flo", viewport={"width": 390, "height": 844})
    held: list[Route] = []
    context.route("**/preview*", lambda route: held.append(route))  # noqa: PLW0108  it is inspected
    page = desk.page(context)
    comment = page.get_by_label("Comment", exact=True)

    page.get_by_role("link", name="Comment or ask").click()
    expect(comment).to_be_in_viewport()
    while not held:
        page.wait_for_timeout(50)
    before = comment.bounding_box() or {}
    held[0].continue_()
    page.wait_for_selector("#preview:not([data-load])", state="attached")

    after = comment.bounding_box() or {}
    assert after["y"] == pytest.approx(before["y"], abs=2)


def test_on_a_phone_one_comments_asks_skips_and_escalates(desk: Desk) -> None:
    page = desk.page(desk.person("fay", viewport={"width": 390, "height": 844}))
    item = item_of(page)

    page.get_by_role("link", name="Comment or ask").click()
    expect(page.get_by_label("Comment", exact=True)).to_be_in_viewport()
    expect(page.get_by_label("What you ask the customer")).to_be_visible()
    page.get_by_label("Comment", exact=True).fill("she moved house")
    press(page, "Enter")
    expect(page.locator(".tl")).to_contain_text("she moved house")
    page.get_by_role("button", name="Skip").click()
    left(page, item)
    armed(page)
    second = item_of(page)
    page.get_by_role("button", name="Escalate").click()
    left(page, second)
    armed(page)
    third = item_of(page)
    page.get_by_label("What you ask the customer").fill("which address?")
    page.get_by_role("button", name="Wait").click()
    left(page, third)
    armed(page)
    fourth = item_of(page)
    page.get_by_role("button", name="Different").or_(
        page.get_by_role("button", name="Two,")
    ).click()
    left(page, fourth)
    armed(page)
    said = desk.verdicts("fay")
    page.get_by_role("button", name="Undo").click()
    page.wait_for_selector(f"[data-item='{fourth}']")

    assert desk.state.asking.of(third) is not None
    assert said == [(fourth, "different")]
    assert len({item, second, third}) == 3


@pytest.mark.parametrize("width", [1440, 1280])
def test_what_the_sources_say_is_not_cut(desk: Desk, width: int) -> None:
    context = desk.person("rob", viewport={"width": width, "height": 900})
    page = desk.page(context, "/dashboard")

    wide = page.locator(".scrollx").evaluate("one => one.scrollWidth - one.clientWidth")

    assert wide == 0


@pytest.mark.parametrize("width", [1440, 390])
def test_no_screen_shuts_anybody_out(desk: Desk, width: int) -> None:
    context = desk.person("dan", viewport={"width": width, "height": 900})
    page = desk.page(context)
    found: dict[str, list[tuple[Theme, Violation]]] = {}
    for name, goes in screens(desk).items():
        goes(page)
        armed(page)
        found[name] = list(in_both_themes(page))
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, (name, width)

    assert {name: some for name, some in found.items() if some} == {}


CUT = """() => Math.max(...[document.documentElement, document.querySelector('.top')].map(
  (one) => one.scrollWidth - one.clientWidth))"""
"""By how much the page or its top bar is wider than the screen."""


def test_small_screens_and_forced_colours_lose_nothing(desk: Desk) -> None:
    context = desk.person("ivy", forced_colors="active", viewport={"width": 320, "height": 640})
    page = desk.page(context)
    wide, unnamed = [], []
    for name, goes in screens(desk).items():
        goes(page)
        armed(page)
        for width in (1260, 1024, 720, 320):
            page.set_viewport_size({"width": width, "height": 640})
            if page.evaluate(CUT) > 0:
                wide.append((name, width))
        if (
            not page.locator("#says[role=status]").inner_text()
            and page.locator("[data-status]").count()
        ):
            unnamed.append(name)

    assert wide == []
    assert unnamed == []


def test_the_sign_in_page_shuts_nobody_out(desk: Desk, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{desk.app.url}/sign-in")

    assert violations(page) == []
