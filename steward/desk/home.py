"""The start: lead each person to the first section that is theirs; and serve what pages need."""

from starlette.responses import Response

from steward.desk.pages import Page
from steward.desk.refused import not_here
from steward.desk.sections import sections_of
from steward.desk.visit import Visit, see_other


def show_start(visit: Visit) -> Response:
    """Lead to the first section, or say that there is none yet."""
    sections = sections_of(visit)
    return see_other(sections[0].path) if sections else visit.page("nothing.html")


def show_asset(visit: Visit) -> Response:
    """A file that pages need."""
    asset = visit.desk.assets.find(visit.request.path_params["name"])
    if asset is None:
        raise not_here()
    return asset.response()


PAGES = (
    Page("/", show_start, "signed_in"),
    Page("/static/{name}", show_asset, "anyone"),
)
