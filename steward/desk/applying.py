"""Have the decisions about a customer obeyed now and not by the next night.

It is a run like any other, through the same stages under the same lock, which takes nothing in: so
what it publishes is what the next night would publish of the same decisions. Decisions about other
customers that wait are obeyed with it; there is one log, and nobody can tell a run to skip some.
"""

from starlette.responses import Response

from steward.desk.customers import insist_known
from steward.desk.pages import Page
from steward.desk.scope import resource_of
from steward.desk.visit import Visit, see_other


def apply_now(visit: Visit) -> Response:
    """Start the run, and lead back to the customer, who shows how it goes."""
    with visit.desk.snapshots.reading() as snapshot:
        whole = insist_known(visit, snapshot)
    visit.insist("run", resource_of(whole.one.records))
    visit.desk.runner.start(visit.actor.name, takes_in=False)
    visit.note("run", whole.one.customer_id, "decisions only")
    return see_other(f"/customers/{whole.one.customer_id}?saved=applying")


PAGES = (Page("/customers/{customer_id}/apply", apply_now, "run", "POST"),)
