"""Draw a page that stands by itself: one HTML file, its style and its charts inside it."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from store.files import write_private


def write_page(path: Path, template: str, **facts: Any) -> None:
    """Write a page, for its owner's eyes only; `facts` are whatever the template asks for."""
    write_private(path, _pages().get_template(template).render(**facts))


@cache
def _pages() -> Environment:
    """The templates, each compiled once: a process may run many nights."""
    environment = Environment(
        loader=PackageLoader("flows", "reports"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "whole": whole,
        "share": share,
        "signed": signed,
        "curve": curve,
        "difference": difference,
        "figure": figure,
        "words": words,
    }
    return environment


def whole(number: float) -> str:
    """A number without its fraction, in groups of three digits."""
    return f"{number:,.0f}"


def share(value: float | None, digits: int = 1) -> str:
    """A share as a percentage; nothing of nothing is a dash."""
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def signed(weight: float, digits: int = 1) -> str:
    """A match weight with its sign, and none when it is shown as nothing."""
    shown = f"{weight:+.{digits}f}"
    return shown[1:] if float(shown) == 0 else shown.replace("-", "\N{MINUS SIGN}")


def words(name: str) -> str:
    """One of our names as words."""
    return name.replace("_", " ")


def difference(number: float) -> str:
    """By how much a count grew or shrank."""
    shown = f"{abs(number):,.0f}"
    if shown == "0":
        return "none more"
    return f"+{shown}" if number > 0 else f"\N{MINUS SIGN}{shown}"


def figure(value: float) -> str:
    """A measure of any size, to three digits that say something."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def curve(values: Sequence[float], width: float, height: float) -> str:
    """The points of a line through `values`, which are between 0 and 1, from left to right."""
    step = width / max(len(values) - 1, 1)
    return " ".join(
        f"{number * step:.1f},{height - value * height:.1f}" for number, value in enumerate(values)
    )
