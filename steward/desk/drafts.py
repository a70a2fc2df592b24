"""Keep what is typed of a customer as a draft: its author takes it up again, and nobody else."""

from uuid import uuid4

from starlette.responses import Response

from steward.desk.entry import Looked, entry_page, said_in, show_entry
from steward.desk.handing import HERE
from steward.desk.numbers import KIND
from steward.desk.pages import Page
from steward.desk.refused import Refused, not_here
from steward.desk.visit import Visit, see_other
from store.state.drafts import TooManyDraftsError

LONGEST_KEY = 60
CHOSEN = frozenset({"campaign", "consent_email", KIND})
"""What may be chosen before anything is typed."""


def keep_draft(visit: Visit) -> Response:
    """Keep what is in the form, complete or not; nothing of it becomes a record."""
    said = said_in(visit)
    if not said.keys() - CHOSEN:
        return entry_page(visit, said, Looked([], [], [], []), 422)
    key = _key(visit) or str(uuid4())
    try:
        visit.state.drafts.keep(visit.actor.name, key, said)
    except TooManyDraftsError as error:
        raise Refused(409, "Too many drafts", str(error), ("What you typed", HERE)) from error
    visit.note("keep_draft", key)
    return see_other(f"{HERE}?saved=draft")


def take_up(visit: Visit) -> Response:
    """The form as it was left."""
    draft_id = visit.request.path_params["draft_id"]
    draft = visit.state.drafts.find(visit.actor.name, draft_id)
    if draft is None:
        raise not_here()
    return show_entry(visit._replace(form=draft.typed | {"key": draft.draft_id}))


def discard_draft(visit: Visit) -> Response:
    """Remove a draft."""
    draft_id = visit.request.path_params["draft_id"]
    visit.state.drafts.drop(visit.actor.name, draft_id)
    visit.note("discard_draft", draft_id[:LONGEST_KEY])
    return see_other(HERE)


def _key(visit: Visit) -> str:
    """The name of the form, so that a draft that is kept again is one."""
    key = visit.form.get("key", "")
    plain = key.replace("-", "")
    return key if plain.isalnum() and plain.isascii() and len(key) < LONGEST_KEY else ""


PAGES = (
    Page("/customers/drafts", keep_draft, "create", "POST"),
    Page("/customers/drafts/{draft_id}", take_up, "create", is_search=True),
    Page("/customers/drafts/{draft_id}/discard", discard_draft, "create", "POST"),
)
