"""Name the parts of the desk, as the top bar shows them to each person."""

from typing import TYPE_CHECKING, NamedTuple

from rules.access import Action
from steward.permission import may_ever

if TYPE_CHECKING:
    from steward.desk.visit import Visit


class Section(NamedTuple):
    """A part of the desk."""

    title: str
    path: str
    action: Action
    """Who may do this anywhere sees the section."""
    key: str
    """The letter that leads there after G."""
    kinds: tuple[str, ...] = ()
    """The kinds of review items that are counted beside its title."""
    is_queue: bool = True
    """Whether it is there for the items: then that none waits is shown too."""
    also: tuple[str, ...] = ()
    """Other pages that belong to it."""


SECTIONS = (
    Section("Queue", "/queue", "decide", "q", ("match", "cluster", "entry"), also=("/batches",)),
    Section("Conflicts", "/conflicts", "decide_conflict", "c", ("conflict",), also=("/joined",)),
    Section("Intake", "/held", "decide", "i", ("quarantine", "delivery")),
    Section("Records", "/customers", "see", "r", also=("/left-out", "/codes")),
    Section("Runs", "/runs", "see", "u", ("publication",), is_queue=False, also=("/deliveries",)),
    Section("Dashboard", "/dashboard", "see", "d"),
    Section("Administration", "/administration", "configure", "a", also=("/audit",)),
)
"""All parts, in the order of the top bar. One that has no page yet is not shown."""


class Shown(NamedTuple):
    """A section in somebody's top bar."""

    title: str
    path: str
    key: str
    waiting: int | None
    is_current: bool


def sections_of(visit: "Visit") -> list[Shown]:
    """The sections that the one who asks may enter, with how much waits for them in each."""
    actor, desk = visit.actor, visit.desk
    if not actor.name:
        return []
    paths = {getattr(route, "path", "") for route in visit.request.app.routes}
    here = visit.request.url.path
    counts = visit.waiting()
    return [
        Shown(
            section.title,
            section.path,
            section.key,
            _waiting(section, counts),
            any(
                here == path or here.startswith(f"{path}/")
                for path in (section.path, *section.also)
            ),
        )
        for section in SECTIONS
        if section.path in paths and may_ever(actor, section.action, desk.rights)
    ]


def _waiting(section: Section, counts: dict[str, int]) -> int | None:
    """How much waits, where that is to be shown."""
    waiting = sum(counts.get(kind, 0) for kind in section.kinds)
    return waiting if waiting or (section.kinds and section.is_queue) else None
