"""The dark theme is the light one in other colours, as `for_everybody` takes for granted."""

import re
from pathlib import Path

import steward

STATIC = Path(steward.__file__).parent / "static"
DARK = re.compile(r"@media[^{]*prefers-color-scheme:\s*dark[^{]*\{((?:[^{}]*\{[^{}]*\})*)\s*\}")
OF_COLOURS = {"color", "background", "background-color", "border-color", "box-shadow"}


def test_the_dark_theme_changes_nothing_but_colours() -> None:
    styles = [path.read_text("utf-8") for path in sorted(STATIC.glob("*.css"))]
    blocks = [block for style in styles for block in DARK.findall(style)]
    declared = {name for block in blocks for name in re.findall(r"[{;]\s*([\w-]+)\s*:", block)}

    assert len(blocks) == sum(style.count("prefers-color-scheme") for style in styles) > 0
    assert {name for name in declared if not name.startswith("--")} <= OF_COLOURS
    assert "--bg" in declared
