"""Photograph every screen of the desk at three widths, light and dark, to be looked at.

`python -m bench.screens --data DIR --out DIR`, where the data folder has a night behind it. It is
worked in as a steward would: items are claimed, nothing is decided.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

from store.settings import Settings
from store.snapshot import open_snapshot
from store.state.open import State, open_state
from store.state.people import User

WIDTHS = (1440, 1280, 390)
SCHEMES = ("light", "dark")
NAME = "Ada Stone"
PATHS = {
    "queue": "/queue",
    "second-look": "/queue?tab=second",
    "past-due": "/queue?tab=late",
    "with-customers": "/queue?tab=asked",
    "conflict": "/conflicts",
    "held": "/held",
    "refused": "/nowhere",
    "customers": "/customers?q=a",
    "customers-none": "/customers?q=zzzzzz",
    "new-customer": "/customers/new",
    "typed": "/customers/typed",
    "left-out": "/left-out",
    "joined": "/joined",
    "runs": "/runs",
    "deliveries": "/deliveries",
    "dashboard": "/dashboard",
    "scorecard": "/dashboard/scorecard",
    "administration": "/administration",
    "person": f"/administration/people/{NAME}",
    "account": "/account",
    "audit": "/audit",
}


class Camera(NamedTuple):
    """A browser, what it looks at, and as whom."""

    browser: Browser
    url: str
    token: str


def main() -> int:
    """Photograph them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=[])
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    settings = Settings(data=given.data)
    with open_state(settings) as state, _served(settings) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox"] if os.getuid() == 0 else [],
        )
        token = _signed_in(state)
        camera = Camera(browser, url, token)
        places = _places(state, camera) | _chosen_by_chance(settings)
        for name, path in places.items():
            if not given.only or name in given.only:
                _photograph(camera, path, given.out / name)
        browser.close()
    return 0


def _signed_in(state: State) -> str:
    if state.people.find(NAME) is None:
        nothing: frozenset[str] = frozenset()
        state.people.add(User(NAME, "administrator", True, nothing, nothing, frozenset()))
    return state.sessions.begin(NAME, "Chromium on Linux")


def _places(state: State, camera: Camera) -> dict[str, str]:
    """Every screen and its address; some are only known once others were seen."""
    page = _page(camera, 1440, "light")
    found = dict(PATHS)

    def first(path: str, selector: str) -> str:
        _open(page, camera, path)
        link = page.locator(selector).first
        return str(link.get_attribute("href")) if link.count() else path

    found["customer"] = first("/customers?q=a", ".rows a[href^='/customers/']")
    found["unmerge"] = f"{found['customer']}/unmerge"
    found["leave-out"] = first(found["customer"], "main a[href^='/left-out/new']")
    found["run"] = first("/runs", "main a[href^='/runs/']")
    found["delivery"] = first("/deliveries", "main a[href^='/deliveries/']")
    with state.engine.connect() as connection:
        for kind in ("match", "cluster", "conflict", "quarantine", "delivery", "entry"):
            query = f"select item_id from items where kind = '{kind}' and state = 'open' limit 1"
            item = connection.exec_driver_sql(query).scalar()
            if item is not None:
                found[kind] = f"/items/{item}"
    if "match" in found:
        found["alike"] = f"{found['match']}/alike"
        found["all-records"] = f"{found['match']}?view=cluster"
    page.context.close()
    return found


def _chosen_by_chance(settings: Settings) -> dict[str, str]:
    """A pair that is judged blind."""
    with open_snapshot(settings) as con:
        found = con.sql("select min(item_id) from review_items where why = 'sample'").fetchall()
    item_id = found[0][0]
    return {"sample": f"/items/{item_id}"} if item_id else {}


def _photograph(camera: Camera, path: str, to: Path) -> None:
    for width in WIDTHS:
        for scheme in SCHEMES:
            page = _page(camera, width, scheme)
            _open(page, camera, path)
            page.wait_for_selector("html[data-armed]")
            page.wait_for_timeout(400)
            page.screenshot(path=f"{to}-{width}-{scheme}.png", full_page=width < 500)
            page.context.close()


def _open(page: Page, camera: Camera, path: str) -> None:
    """Go there; `/customers?q=…` stands for typing it, since no address says it."""
    where, _, typed = path.partition("?q=")
    page.goto(f"{camera.url}{where}")
    if typed:
        page.locator("main input[name=q]").fill(typed)
        page.locator("main input[name=q]").press("Enter")
        page.get_by_text(f"Found for “{typed}”").wait_for()


def _page(camera: Camera, width: int, scheme: str) -> Page:
    context = camera.browser.new_context(
        viewport={"width": width, "height": 844 if width < 500 else 900},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    context.add_cookies([{"name": "touchstone", "value": camera.token, "url": camera.url}])
    return context.new_page()


@contextmanager
def _served(settings: Settings) -> Iterator[str]:
    """The app on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "flows.cli", "steward", "--port", str(port)]
    process = subprocess.Popen(
        [*words, "--data", str(settings.data)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


if __name__ == "__main__":
    sys.exit(main())
