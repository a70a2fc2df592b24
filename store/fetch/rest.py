"""Fetch the pages of a REST endpoint: each is a delivery, byte for byte as it came.

Where the next page is, and what is asked for next time, goes into the state together with the page
that said so. What was newest among the records becomes the next fetch's `since` only when the
last page is in, so that a series that breaks off is gone on with and never skipped.
"""

import hashlib
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import httpx

from rules.fetch import FromRest
from store.fetch.files import Found
from store.fetch.landing import Draft, Landing, State
from store.fetch.trying import FetchError, TryAgainError, Trying

_BUSY = {408, 425, 429, 500, 502, 503, 504}
_REDIRECTS = 5
_GONE = {400, 404, 410, 422}
"""What a server says to a page that it does not know any more."""

Position = str | int | None
"""Where in a series: nothing for its first page, else a link, a cursor or a number."""


class Answer(NamedTuple):
    """A page, as a draft and as what it says."""

    draft: Draft
    records: list[Any]
    """Whatever JSON can hold, as in `after`."""
    after: Position
    is_last: bool


class _GoneError(Exception):
    """The server does not know this page any more."""


def fetch_pages(
    rule: FromRest, secret: str | None, landing: Landing, trying: Trying, now: datetime
) -> Found:
    """Land every page of what is new."""
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log links, and what is in them
    headers = {"Accept": "*/*", "User-Agent": "touchstone"} | _authorization(rule, secret)
    with httpx.Client(headers=headers, timeout=rule.timeout) as client:
        series = _Series(rule, landing, trying, client)
        for _ in range(rule.max_pages):
            if not series.step(now):
                return Found([], [])
    raise FetchError(
        f"it has more than {rule.max_pages:,} pages; the next fetch goes on from there"
    )


class _Series:
    """The pages from one `since` to their last."""

    def __init__(
        self, rule: FromRest, landing: Landing, trying: Trying, client: httpx.Client
    ) -> None:
        self.rule, self.landing, self.trying, self.client = rule, landing, trying, client

    def step(self, now: datetime) -> bool:
        """Fetch one page and land it; whether there is another."""
        state = self.landing.state
        at = state.get("series", {"at": None})["at"]
        try:
            page = self.trying.until_it_works(lambda: self._get(at))
        except _GoneError:
            if at is None:
                raise FetchError("the server knows no such page") from None
            del state["series"]  # a cursor that was kept too long: from the beginning, then
            return True
        self._check(page, at)
        if page.records or self.landing.feed.mode == "full":
            self.landing.land(page.draft, self._name(now), lambda kept: self._advance(kept, page))
        else:
            self.landing.drop(page.draft)
            self._advance(state, page)
            self.landing.save()
        return not page.is_last

    def _check(self, page: Answer, at: Position) -> None:
        """Refuse a series that goes round in circles; the next fetch begins it anew."""
        seen = self.landing.state.get("series", {}).get("seen", [])
        is_round = page.records and page.draft.sha256 in seen
        if is_round or (not page.is_last and _mark(page.after) in [*seen, _mark(at)]):
            self.landing.drop(page.draft)
            self.landing.state.pop("series", None)
            self.landing.save()
            raise FetchError("a page came twice, so that its pages have no end; ask the partner")

    def _advance(self, state: State, page: Answer) -> None:
        series = state.get("series", {"seen": [], "newest": None})
        newest = self._newest(page.records, series["newest"])
        if page.is_last:
            state.pop("series", None)
            state["since"] = _later(newest, state.get("since"))
        else:
            seen = [*series["seen"], page.draft.sha256, _mark(series.get("at"))][-20_000:]
            state["series"] = {"at": page.after, "seen": seen, "newest": newest}

    def _newest(self, records: list[Any], newest: Any) -> Any:  # a text or a number
        if self.rule.since_field is None:
            return None
        for record in records:
            newest = _later(_dig(record, self.rule.since_field), newest)
        return newest

    def _get(self, at: Position) -> Answer:
        url, params = self._question(at)
        for _ in range(_REDIRECTS):
            with _explained(), self.client.stream("GET", url, params=params) as response:
                if response.is_redirect:
                    url, params = self._same_host(response.headers.get("location", ""), url), None
                    continue
                self._check_status(response, at)
                draft = self.landing.draft(self._body(response))
                try:
                    return self._read(draft, response, at, url)
                except BaseException:
                    self.landing.drop(draft)
                    raise
        raise FetchError("the server redirects without end")

    def _question(self, at: Position) -> tuple[str, dict[str, str] | None]:
        """The link of a page, and its parameters."""
        rule = self.rule
        if rule.paging == "next_link" and at is not None:
            return str(at), None
        params = dict(httpx.URL(rule.url).params) | rule.params
        since = self.landing.state.get("since", rule.since_start)
        if rule.since_param is not None and since is not None:
            params[rule.since_param] = str(since)
        if rule.paging == "page":
            params[rule.param or ""] = str(rule.first_page if at is None else at)
        elif rule.paging == "cursor" and at is not None:
            params[rule.param or ""] = str(at)
        return rule.url, params

    def _same_host(self, link: str, base: str) -> str:
        """A link of the server's, made whole; one that leads elsewhere gets no secret of ours."""
        try:
            whole = urljoin(base, link)
            is_ours = _origin(whole) == _origin(self.rule.url)
        except ValueError:
            is_ours = False
        if not is_ours:
            raise FetchError("the server sends us to another host; ask the partner")
        return whole

    def _check_status(self, response: httpx.Response, at: Position) -> None:
        status = response.status_code
        if status in _BUSY:
            raise TryAgainError(f"the server answers {status}", _retry_after(response))
        if status in {401, 403}:
            raise FetchError(f"the server refuses the secret ({status})")
        if status in _GONE and at is not None:
            raise _GoneError
        if status != 200:
            raise FetchError(f"the server answers {status}")

    def _body(self, response: httpx.Response) -> Iterator[bytes]:
        most, size = self.rule.max_page_bytes, 0
        for chunk in response.iter_bytes(1 << 16):
            size += len(chunk)
            if size > most:
                raise FetchError(f"a page is larger than {most:,} bytes; ask for fewer records")
            self.trying.left()
            yield chunk

    def _read(self, draft: Draft, response: httpx.Response, at: Position, url: str) -> Answer:
        """What a page says: its records and what comes after it."""
        document, records = self._parsed(draft)
        if self.rule.paging == "none":
            return Answer(draft, records, None, is_last=True)
        if self.rule.paging == "page":
            number = self.rule.first_page if at is None else int(at)
            return Answer(draft, records, number + 1, is_last=not records)
        if self.rule.next is not None:
            after = _dig(document, self.rule.next)
        else:
            after = response.links.get("next", {}).get("url")
        if after is None or after is False or after == "":
            return Answer(draft, records, None, is_last=True)
        if not isinstance(after, str | int) or after is True:
            raise FetchError("what a page says of the next is neither a text nor a number")
        if self.rule.paging == "next_link":
            after = self._same_host(str(after), url)
        return Answer(draft, records, after, is_last=False)

    def _parsed(self, draft: Draft) -> tuple[Any, list[Any]]:  # whatever JSON can hold
        read = self.landing.feed.read
        if read.format not in {"json", "ndjson"}:
            return None, [None] if draft.byte_count else []
        try:
            text = draft.path.read_text(encoding="utf-8-sig")
            if read.format == "ndjson":
                records = [json.loads(line) for line in text.splitlines() if line.strip()]
                return None, records
            document = json.loads(text)
        except (ValueError, RecursionError):
            raise TryAgainError("a page is not whole, or not JSON") from None
        found = _dig(document, read.records) if read.records else document
        if not isinstance(found, list):
            raise FetchError("a page has no list where [read] records says; ask the partner")
        return document, found

    def _name(self, now: datetime) -> str:
        """A name that sorts by when it came."""
        template = self.landing.feed.read.path.rpartition("/")[2]
        number = int(self.landing.state.get("taken", 0)) + 1
        return template.replace("*", f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}_{number:06d}")


def _explained() -> "_Explained":
    return _Explained()


class _Explained:
    """Say what may pass and what may not; the client's own words have links in them."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: object, _trace: object) -> None:
        if isinstance(error, httpx.TransportError | httpx.DecodingError | httpx.StreamError):
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise FetchError("the server's certificate is not one that is trusted") from None
            raise TryAgainError(f"the line to the server broke ({type(error).__name__})") from None
        if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
            raise FetchError("a link of the server's is not one") from None


def _authorization(rule: FromRest, secret: str | None) -> dict[str, str]:
    if secret is None:
        return {}
    if not secret.isascii() or not secret.isprintable():
        raise FetchError(f"the secret {rule.secret} cannot go into a header")
    return {rule.header: f"Bearer {secret}" if rule.header == "Authorization" else secret}


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname, port


def _dig(document: Any, path: str) -> Any:  # whatever JSON can hold
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _later(one: Any, other: Any) -> Any:  # texts or numbers
    if one is None or other is None:
        return one if other is None else other
    is_number = isinstance(one, int | float), isinstance(other, int | float)
    if all(is_number) or (isinstance(one, str) and isinstance(other, str)):
        return max(one, other)
    raise FetchError("what since_field names is now a text and now a number; ask the partner")


def _mark(at: Position) -> str:
    return hashlib.sha256(f"at:{at}".encode()).hexdigest()


def _retry_after(response: httpx.Response) -> float:
    """Seconds that the server asks us to wait."""
    said = response.headers.get("retry-after", "")
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0
