"""What a page is to the desk: where it is, who answers, and which right it asks for."""

from collections.abc import Callable
from typing import Literal, NamedTuple

from starlette.responses import Response

from rules.access import Action
from steward.desk.visit import Visit


class Page(NamedTuple):
    """One page, or one act."""

    path: str
    answer: Callable[[Visit], Response]
    action: Action | Literal["anyone", "signed_in"]
    """The right without which nobody gets further; the answer asks about each thing it shows."""
    method: Literal["GET", "POST"] = "GET"
    is_costly: bool = False
    """Whether few may be under way at once, as with the digest of a password."""
    is_search: bool = False
    """Whether it may have to wait until a snapshot is laid out for searching."""
