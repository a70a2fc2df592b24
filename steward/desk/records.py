"""List the pages about customers, runs and people; `steward.desk.site` has all others."""

from steward.desk import (
    account,
    applying,
    confirming,
    customers,
    dashboard,
    deliveries,
    drafts,
    entered,
    entry,
    handing,
    joined,
    leaving_out,
    people,
    pinning,
    runs,
    scorecard,
    search,
    trail,
    unmerge,
)
from steward.desk.pages import Page

RECORD_PAGES: tuple[Page, ...] = (
    *search.PAGES,
    *applying.PAGES,
    *entry.PAGES,
    *handing.PAGES,
    *drafts.PAGES,
    *confirming.PAGES,
    *entered.PAGES,
    *customers.PAGES,
    *unmerge.PAGES,
    *leaving_out.PAGES,
    *joined.PAGES,
    *pinning.PAGES,
    *runs.PAGES,
    *deliveries.PAGES,
    *dashboard.PAGES,
    *scorecard.PAGES,
    *people.PAGES,
    *account.PAGES,
    *trail.PAGES,
)
"""A path with a fixed word comes before one that takes any."""
