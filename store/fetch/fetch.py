"""Fetch what is new for one feed: the only door of this package."""

from contextlib import ExitStack
from datetime import datetime
from time import perf_counter
from typing import NamedTuple

from rules.feed import Feed
from rules.fetch import FromFolder, FromRest, FromSftp
from store.errors import TouchstoneError
from store.fetch.files import Found, Place, fetch_files
from store.fetch.landing import Landing
from store.fetch.local import LocalFolder
from store.fetch.trying import FetchError, Trying
from store.lock import one_writer
from store.secrets import read_secret
from store.settings import Settings


class Fetched(NamedTuple):
    """What came of one feed's fetch."""

    source: str
    deliveries: int
    byte_count: int
    problems: list[str]
    """What a person must see to, each a clause without personal data or secrets."""
    notes: list[str]
    seconds: float


def fetch_feed(
    settings: Settings, feed: Feed, feeds: dict[str, Feed], now: datetime, seconds: float
) -> Fetched:
    """Land what is new, for so many seconds at most; whatever goes wrong is told, not raised."""
    began = perf_counter()
    landing: Landing | None = None
    try:
        with ExitStack() as stack:
            _lock(stack, settings, feed)
            landing = Landing(settings, feed, feeds)
            landing.prepare()
            found = _fetch(stack, settings, landing, seconds, now)
    except TouchstoneError as error:
        found = Found([str(error).rstrip(".")], [])
    except Exception as error:  # a partner's fault, whatever it is, ends no night
        found = Found([f"it ended with {type(error).__name__}"], [])
    deliveries, byte_count = (landing.deliveries, landing.byte_count) if landing else (0, 0)
    return Fetched(feed.source, deliveries, byte_count, *found, round(perf_counter() - began, 3))


def _lock(stack: ExitStack, settings: Settings, feed: Feed) -> None:
    folder = settings.data / "fetch"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        stack.enter_context(one_writer(folder / f"{feed.source}.lock"))
    except TouchstoneError:
        raise FetchError("another fetch of this feed is going on") from None


def _fetch(
    stack: ExitStack, settings: Settings, landing: Landing, seconds: float, now: datetime
) -> Found:
    rule = landing.feed.fetch
    if rule is None:
        raise FetchError("its feed has no [fetch]")
    trying = Trying(rule, seconds)
    if isinstance(rule, FromRest):
        from store.fetch.rest import fetch_pages

        secret = read_secret(settings, rule.secret) if rule.secret else None
        return fetch_pages(rule, secret, landing, trying, now)
    return fetch_files(_place(stack, settings, rule), rule, landing, trying, now)


def _place(stack: ExitStack, settings: Settings, rule: FromFolder | FromSftp) -> Place:
    if isinstance(rule, FromFolder):
        return LocalFolder(rule.folder)
    from store.fetch.sftp import SftpFolder

    secret = read_secret(settings, rule.key or rule.password or "")
    return stack.enter_context(SftpFolder(rule, secret, settings.rules / "known_hosts"))
