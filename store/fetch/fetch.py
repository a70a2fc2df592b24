"""Fetch what is new for one feed: the only door of this package."""

from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from rules.feed import Feed
from rules.fetch import FromFolder, FromRest, FromSftp
from store.errors import TouchstoneError
from store.fetch.files import Found, Place, fetch_files
from store.fetch.landing import Landing
from store.fetch.local import LocalFolder
from store.fetch.trying import FetchError, Trying
from store.files import read_json
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


class Last(NamedTuple):
    """How the last fetch of a feed ended."""

    at: str
    problems: list[str]


def last_fetch(settings: Settings, source: str) -> Last | None:
    """How the last fetch of this feed ended; None if there was none."""
    card = settings.data / "fetch" / f"{source}.json"
    found = read_json(card).get("last") if card.exists() else None
    return Last(**found) if found else None


def knows_host(path: Path, rule: FromSftp) -> bool:
    """Whether `known_hosts` has a key of the rule's server."""
    if not path.is_file():
        return False
    try:
        import asyncssh

        port = None if rule.port == asyncssh.DEFAULT_PORT else rule.port
        keys, authorities, *_ = asyncssh.read_known_hosts(str(path)).match(rule.host, "", port)
    except ImportError:
        raise FetchError(
            "SFTP needs a package that is not installed; install touchstone[sftp]."
        ) from None
    except ValueError as error:
        raise FetchError(f"rules/known_hosts cannot be read: {error}.") from None
    return bool(keys or authorities)


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
    if landing:
        landing.state["last"] = {"at": f"{now:%Y-%m-%d %H:%M %Z}", "problems": found.problems}
        landing.save()
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
