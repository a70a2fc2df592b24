"""Examine what feeds need to be sent over HTTP or fetched: keys, secrets, host keys, folders."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from flows.finding import Finding, attempt
from rules.feed import Feed
from rules.fetch import Fetch, FromFolder, FromSftp
from store.errors import TouchstoneError
from store.fetch import knows_host, last_fetch
from store.keys import Keys
from store.secrets import read_secret
from store.settings import Settings

_MOST_KEYS = 2
"""One that is used, and one that takes its place."""
_OTHERS = 0o077


def examine_exchange(settings: Settings, feeds: dict[str, Feed]) -> Iterator[Finding]:
    """One finding for each door and each partner."""
    for feed in feeds.values():
        if feed.intake is not None:
            yield attempt(f"intake {feed.source}", partial(_intake, settings, feed))
        if feed.fetch is not None:
            yield attempt(f"fetch {feed.source}", partial(_fetch, settings, feed, feed.fetch))
    yield attempt("intake keys", partial(_unused_keys, settings, feeds))


def _intake(settings: Settings, feed: Feed) -> str:
    """That somebody can post to the feed, and with which keys."""
    count = len(Keys(settings.keys).of(feed.source))
    path = settings.keys / f"{feed.source}.keys"
    _refuse_if_open(path)
    pages = ", ".join(feed.intake.origins) if feed.intake else ""
    if not count and not pages:
        raise TouchstoneError(
            f"Nobody can post to it: it has no key. Put one into {path}, or into "
            f"TOUCHSTONE_INTAKE_KEYS_{feed.source.upper()}; docs/web-forms.md says how."
        )
    if count > _MOST_KEYS:
        raise TouchstoneError(
            f"It has {count} keys that are valid at once; take those away that nobody uses."
        )
    keys = {0: "No key", 1: "One key", 2: "Two keys, as while one is changed"}[count]
    return f"{keys}; unsigned posts {f'of {pages}' if pages else 'are refused'}."


def _unused_keys(settings: Settings, feeds: dict[str, Feed]) -> str:
    """That each file of keys is of a feed that takes posts."""
    doors = {feed.source for feed in feeds.values() if feed.intake is not None}
    found = sorted(path.stem for path in settings.keys.glob("*.keys"))
    lost = [name for name in found if name not in doors]
    if lost:
        raise TouchstoneError(
            f"No feed with [intake] is called {', '.join(lost)}; rename its file of keys in "
            f"{settings.keys}, or take it away."
        )
    return f"{len(doors)} feeds take posts."


def _fetch(settings: Settings, feed: Feed, rule: Fetch) -> str:
    """That what a fetch needs is there, and how the last one ended; nobody is called."""
    names = [rule.key, rule.password] if isinstance(rule, FromSftp) else []
    names += [] if isinstance(rule, (FromFolder, FromSftp)) else [rule.secret]
    for name in names:
        if name is not None:
            read_secret(settings, name)
            if name not in os.environ and settings.secrets is not None:
                _refuse_if_open(settings.secrets / name)
    if isinstance(rule, FromSftp) and not knows_host(settings.rules / "known_hosts", rule):
        raise TouchstoneError(
            f"rules/known_hosts has no key of {rule.host}, port {rule.port}; ask its owner for it."
        )
    if isinstance(rule, FromFolder) and not os.access(rule.folder, os.R_OK | os.X_OK):
        raise TouchstoneError(f"{rule.folder} cannot be looked into; mount it, or mend `folder`.")
    return _last(settings, feed)


def _last(settings: Settings, feed: Feed) -> str:
    last = last_fetch(settings, feed.source)
    if last is None:
        return "What it needs is there; nothing was fetched yet."
    if last.problems:
        raise TouchstoneError(f"The last fetch, {last.at}, failed: {'; '.join(last.problems)}.")
    return f"What it needs is there; last fetched {last.at}."


def _refuse_if_open(path: Path) -> None:
    """A secret in a file is for the eyes of its owner."""
    if path.exists() and path.stat().st_mode & _OTHERS:
        raise TouchstoneError(f"Others may read {path}; make it yours alone: chmod 600.")
