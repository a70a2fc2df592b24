"""Render pages from templates: everything that is put into one is escaped, nothing is left out."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from rules.number_kinds import NumberKinds
from steward.desk.marks import visible
from steward.desk.numbered import shown
from steward.desk.sections import sections_of
from steward.desk.words import FILTERS
from store.reading import NoSnapshotError

if TYPE_CHECKING:
    from steward.desk.assets import Assets
    from steward.desk.visit import Visit


class Renderer:
    """The templates of the desk."""

    def __init__(self, assets: "Assets", kinds: NumberKinds) -> None:
        self._pages = Environment(
            loader=PackageLoader("steward"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_seen,
        )
        self._pages.globals["asset"] = assets.url
        self._pages.filters.update(FILTERS)
        self._pages.filters["of_field"] = lambda value, field: shown(field, value, kinds)
        self._pages.filters["of_kind"] = kinds.title

    def page(
        self, visit: "Visit", template: str, status: int, values: Mapping[str, object]
    ) -> Response:
        """One page, in the layout for the one who asks."""
        around = {"me": visit.actor, "now": datetime.now(UTC), "sections": sections_of(visit)}
        around |= {"path": visit.request.url.path, "keys": visit.keys}
        around |= {"keymap": visit.keymap, "golden_run": _run_of(visit, values)}
        text = self._pages.get_template(f"desk/{template}").render({**around, **values})
        return HTMLResponse(text, status)

    def part(self, template: str, values: Mapping[str, object]) -> Response:
        """A part of a page, which the script puts into its place."""
        return HTMLResponse(self._pages.get_template(f"desk/{template}").render(values))


def _run_of(visit: "Visit", values: Mapping[str, object]) -> object:
    """The run that the golden data of a page is from: the one it has read, or else the live one."""
    named = values.get("shown_run") or values.get("run_id")
    if named or not visit.actor.name:
        return named
    try:
        return visit.desk.snapshots.live_run()
    except NoSnapshotError:
        return None


def _seen(value: object) -> object:
    """What a template puts out; what came from elsewhere hides nothing."""
    return visible(value) if type(value) is str else value
