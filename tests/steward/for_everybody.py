"""Whom a page on the screen would shut out, as axe finds it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
AXE = Path(__file__).parent / "axe" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
Violation = tuple[str, str]
"""The rule that is broken, and what breaks it."""


def violations(page: Page) -> list[Violation]:
    """What axe finds on the page as it is."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(f"() => {{ {AXE.read_text('utf-8')} }}")
    asked = f"axe.run(document, {{runOnly: {TAGS}, resultTypes: ['violations']}})"
    return [
        (violation["id"], node["html"][:160])
        for violation in page.evaluate(asked)["violations"]
        for node in violation["nodes"]
    ]


def in_both_themes(page: Page) -> Iterator[tuple[Theme, Violation]]:
    """What axe finds in each theme, on a page that was loaded once: only the style tells them."""
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        yield from ((theme, violation) for violation in violations(page))
