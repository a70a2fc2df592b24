"""Measure in Chromium how long it takes from a key to the next item on the screen."""

import os
import shutil

from playwright.sync_api import Page, sync_playwright

WATCH = """
window.waits = [];
addEventListener("keydown", () => { window.pressed = performance.now(); }, true);
addEventListener("DOMContentLoaded", () => {
  new MutationObserver((changes) => {
    const isNext = changes.some((one) => [...one.addedNodes].some(
      (node) => node.querySelector && node.querySelector("h1[data-focus]")));
    if (!window.pressed || !isNext) return;
    const began = window.pressed;
    window.pressed = 0;
    requestAnimationFrame(() => requestAnimationFrame(
      () => window.waits.push(performance.now() - began)));
  }).observe(document.body, { childList: true, subtree: true });
});
"""
"""Painted is when the second frame after the new page begins: the first has been shown by then."""


def painted(port: int, token: str, items: int) -> str:
    """Decide so many items by keyboard; a row of the table: n, p50, p90, p95, longest."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"] if os.getuid() == 0 else []
        )
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        url = f"http://127.0.0.1:{port}"
        context.add_cookies([{"name": "touchstone", "value": token, "url": url}])
        page = context.new_page()
        page.add_init_script(WATCH)
        page.goto(f"{url}/queue")
        for number in range(items):
            _decide(page, "n" if number % 3 else "u")
        waits = sorted(float(wait) for wait in page.evaluate("window.waits"))
        browser.close()
    shares = [waits[min(len(waits) - 1, int(len(waits) * q))] for q in (0.5, 0.9, 0.95)]
    told = " | ".join(f"{wait:.0f}" for wait in [*shares, waits[-1]])
    return f"| key to painted | {len(waits)} | {told} |"


def _decide(page: Page, key: str) -> None:
    """Press a key once keys count and the preview is there, as somebody does who has looked."""
    page.wait_for_selector("html[data-armed]")
    page.wait_for_timeout(400)
    page.keyboard.press(key)
    page.wait_for_selector("html:not([data-armed])", state="attached")
