"""List the pages about customers, runs and people; `steward.desk.site` has all others."""

from steward.desk import customers, search
from steward.desk.pages import Page

RECORD_PAGES: tuple[Page, ...] = (*search.PAGES, *customers.PAGES)
"""A path with a fixed word comes before one that takes any."""
