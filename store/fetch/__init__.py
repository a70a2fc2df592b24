"""Fetch deliveries from partners into the inbox: from a folder, over SFTP, or page by page."""

from store.fetch.fetch import Fetched, Last, fetch_feed, knows_host, last_fetch

__all__ = ["Fetched", "Last", "fetch_feed", "knows_host", "last_fetch"]
