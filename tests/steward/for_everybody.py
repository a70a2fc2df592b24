"""Whom a page on the screen would shut out, as axe finds it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
AXE = Path(__file__).parent / "axe" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OF_COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules of those tags that look at colours."""
Violation = tuple[str, str]
"""The rule that is broken, and what breaks it."""


def violations(page: Page, *, of_colours: bool = False) -> list[Violation]:
    """What axe finds on the page as it is, by all rules or by those that look at colours."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(f"() => {{ {AXE.read_text('utf-8')} }}")
    rules = {"type": "rule", "values": OF_COLOURS} if of_colours else TAGS
    asked = f"axe.run(document, {{runOnly: {json.dumps(rules)}, resultTypes: ['violations']}})"
    return [
        (violation["id"], node["html"][:160])
        for violation in page.evaluate(asked)["violations"]
        for node in violation["nodes"]
    ]


def in_both_themes(page: Page) -> Iterator[tuple[Theme, Violation]]:
    """What axe finds in each theme, on a page that was loaded once.

    Nothing but colours tells the second from the first, so it is looked at for these alone.
    """
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        found = violations(page, of_colours=theme != THEMES[0])
        yield from ((theme, violation) for violation in found)
