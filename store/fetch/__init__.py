"""Fetch deliveries from partners into the inbox: from a folder, over SFTP, or page by page."""

from store.fetch.fetch import Fetched, fetch_feed

__all__ = ["Fetched", "fetch_feed"]
