"""Pages of a REST endpoint, fetched from a real server that misbehaves."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from rules.feed import Feed
from store.fetch import landing as landing_module
from store.fetch import trying
from store.settings import Settings
from tests.store.partners import (
    Reply,
    Request,
    RestPartner,
    feed_of,
    fetch_now,
    inbox_of,
    page,
    rest_partner,
)

ROWS = [{"id": str(number), "changed": f"2026-03-{number:02d}"} for number in range(1, 8)]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, without waiting."""
    waited: list[float] = []
    monkeypatch.setattr(trying.time, "sleep", waited.append)
    return waited


@pytest.fixture
def partner(waits: list[float]) -> Iterator[RestPartner]:
    with rest_partner() as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", threads=1)


def feed(partner: RestPartner, **fetch: Any) -> Feed:
    read = {"format": "json", "path": "acme/page_*.json", "records": "data"}
    given = {"kind": "rest", "url": f"{partner.url}/v1/people", "timeout": 2, **fetch}
    return feed_of(given, "acme/page_*.json", read=read)


def state_of(settings: Settings) -> dict[str, Any]:
    return dict(json.loads((settings.data / "fetch" / "acme.json").read_text()))


def keys(settings: Settings) -> list[list[str]]:
    """The keys of the records in each delivery, in the order in which the inbox takes them."""
    return [[row["id"] for row in json.loads(body)["data"]] for body in inbox_of(settings).values()]


def by_cursor(request: Request) -> Reply:
    """Two records a page, of those since the date that is asked for."""
    rows = [row for row in ROWS if row["changed"] >= request.query.get("since", "")]
    start = int(request.query.get("after", 0))
    following = str(start + 2) if start + 2 < len(rows) else None
    return page(rows[start : start + 2], meta={"next": following})


CURSOR = {
    "paging": "cursor",
    "param": "after",
    "next": "meta.next",
    "since_param": "since",
    "since_field": "changed",
}


def test_each_page_is_a_delivery_byte_for_byte(partner: RestPartner, settings: Settings) -> None:
    partner.answer = by_cursor

    found = fetch_now(settings, feed(partner, **CURSOR))

    assert (found.deliveries, found.problems) == (4, [])
    assert keys(settings) == [["1", "2"], ["3", "4"], ["5", "6"], ["7"]]
    assert (
        inbox_of(settings)["acme/page_20260302T021500Z_000001.json"]
        == by_cursor(Request("", {}, {}, 0)).body
    )


def test_the_next_fetch_asks_for_what_is_newer(partner: RestPartner, settings: Settings) -> None:
    partner.answer = by_cursor
    fetch_now(settings, feed(partner, **CURSOR))
    partner.asked.clear()

    found = fetch_now(settings, feed(partner, **CURSOR, since_start="2020-01-01"))

    assert partner.asked[0].query == {"since": "2026-03-07"}
    assert found.deliveries == 1  # the newest record again, which the archive knows by its rows


def test_pages_are_counted_until_one_is_empty(partner: RestPartner, settings: Settings) -> None:
    partner.answer = lambda asked: page(ROWS[int(asked.query["page"]) * 3 :][:3])

    found = fetch_now(
        settings, feed(partner, paging="page", param="page", first_page=0, params={"size": "3"})
    )

    assert (found.deliveries, found.problems) == (3, [])
    assert [asked.query["page"] for asked in partner.asked] == ["0", "1", "2", "3"]
    assert {asked.query["size"] for asked in partner.asked} == {"3"}


@pytest.mark.parametrize("place", ["field", "header"])
def test_links_to_the_next_page_are_followed(
    partner: RestPartner, settings: Settings, place: str
) -> None:
    def answer(asked: Request) -> Reply:
        number = int(asked.query.get("p", 0))
        if number == 2:
            return page([ROWS[number]])
        link = f"/v1/people?p={number + 1}"
        if place == "field":
            return page([ROWS[number]], links={"next": link})
        return page([ROWS[number]])._replace(headers={"Link": f'<{link}>; rel="next"'})

    partner.answer = answer
    more = {"next": "links.next"} if place == "field" else {}

    found = fetch_now(settings, feed(partner, paging="next_link", **more))

    assert (found.deliveries, found.problems) == (3, [])


def test_the_token_comes_from_the_environment_or_a_file_and_goes_nowhere_else(
    partner: RestPartner, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    partner.answer = lambda _: page(ROWS[:1])
    (tmp_path / "ACME_TOKEN").write_text("from-a-file\n")
    settings = settings.model_copy(update={"secrets": tmp_path})

    fetch_now(settings, feed(partner, secret="ACME_TOKEN"))
    monkeypatch.setenv("ACME_TOKEN", "from-the-environment")
    fetch_now(settings, feed(partner, secret="ACME_TOKEN", header="X-Api-Key"))

    assert partner.asked[0].headers["Authorization"] == "Bearer from-a-file"
    assert partner.asked[1].headers["X-Api-Key"] == "from-the-environment"
    assert "Authorization" not in partner.asked[1].headers
    for path in (settings.data / "fetch").iterdir():
        assert "from-" not in path.read_text()


def test_a_secret_that_is_missing_is_asked_for_by_name(
    partner: RestPartner, settings: Settings
) -> None:
    found = fetch_now(settings, feed(partner, secret="ACME_TOKEN"))

    assert "There is no secret ACME_TOKEN" in found.problems[0]
    assert not partner.asked


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again_with_longer_waits(
    partner: RestPartner, settings: Settings, waits: list[float], status: int
) -> None:
    partner.answer = lambda asked: Reply(status) if asked.number < 3 else page(ROWS[:1])

    found = fetch_now(settings, feed(partner))

    assert (found.deliveries, found.problems) == (1, [])
    assert len(waits) == 3
    assert waits[0] <= 1 < waits[2] <= 4


def test_the_server_may_say_how_long_to_wait(
    partner: RestPartner, settings: Settings, waits: list[float]
) -> None:
    partner.answer = lambda asked: (
        page(ROWS[:1]) if asked.number else Reply(429, headers={"Retry-After": "7"})
    )

    fetch_now(settings, feed(partner))

    assert waits == [7.0]


def test_a_wait_that_is_longer_than_the_time_left_is_not_begun(
    partner: RestPartner, settings: Settings, waits: list[float]
) -> None:
    partner.answer = lambda _: Reply(503, headers={"Retry-After": "3600"})

    found = fetch_now(settings, feed(partner))

    assert "no time to wait 3600 s" in found.problems[0]
    assert waits == []


def test_it_gives_up_after_so_many_attempts_and_says_what_it_was(
    partner: RestPartner, settings: Settings
) -> None:
    partner.answer = lambda _: Reply(500, b"Ada Stone")

    found = fetch_now(settings, feed(partner, attempts=3))

    assert found.problems == ["the server answers 500, 3 times"]
    assert len(partner.asked) == 3


def test_no_fetch_begins_when_the_time_is_up(partner: RestPartner, settings: Settings) -> None:
    found = fetch_now(settings, feed(partner), seconds=0)

    assert "its time is up" in found.problems[0]
    assert not partner.asked


@pytest.mark.parametrize("how", ["length", "no length", "chunked"])
def test_a_page_that_is_cut_short_is_asked_for_again(
    partner: RestPartner, settings: Settings, how: str
) -> None:
    whole = page(ROWS)

    def answer(asked: Request) -> Reply:
        if asked.number:
            return whole
        if how == "chunked":
            body = b"ffff\r\n" + whole.body
            return Reply(body=body, headers={"Transfer-Encoding": "chunked"}, has_length=False)
        return whole._replace(cut=40, has_length=how == "length")

    partner.answer = answer

    found = fetch_now(settings, feed(partner))

    assert (found.deliveries, found.problems) == (1, [])
    assert list(inbox_of(settings).values()) == [whole.body]


def test_a_page_that_is_not_json_is_not_taken(partner: RestPartner, settings: Settings) -> None:
    partner.answer = lambda _: Reply(body=b"<html>Please log in</html>")

    found = fetch_now(settings, feed(partner, attempts=2))

    assert found.problems == ["a page is not whole, or not JSON, 2 times"]
    assert inbox_of(settings) == {}


def test_a_page_without_its_list_is_not_taken(partner: RestPartner, settings: Settings) -> None:
    partner.answer = lambda _: Reply(body=b'{"error": "no"}')

    found = fetch_now(settings, feed(partner))

    assert "has no list where" in found.problems[0]
    assert inbox_of(settings) == {}


@pytest.mark.parametrize("packed", [False, True])
def test_a_page_past_the_limit_is_not_taken(
    partner: RestPartner, settings: Settings, packed: bool
) -> None:
    headers = {"Content-Encoding": "gzip"} if packed else {}
    partner.answer = lambda _: Reply(body=b" " * 5_000_000, headers=headers)

    found = fetch_now(settings, feed(partner, max_page_bytes=1_000_000))

    assert "larger than 1,000,000 bytes" in found.problems[0]
    assert inbox_of(settings) == {}


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/next",
        "//evil.example/next",
        "http://127.0.0.1:1/next",
        "file:///etc/passwd",
        "http://127.0.0.1@evil.example/",
        "http://[",
    ],
)
def test_nothing_is_sent_to_another_host(
    partner: RestPartner, settings: Settings, link: str
) -> None:
    partner.answer = lambda _: page(ROWS[:1], next=link)
    by_link = fetch_now(settings, feed(partner, paging="next_link", next="next"))
    partner.answer = lambda _: Reply(302, headers={"Location": link})
    by_redirect = fetch_now(settings, feed(partner))

    for found in (by_link, by_redirect):
        assert "another host" in found.problems[0]
        assert "evil" not in found.problems[0]


@pytest.mark.parametrize("said", [{"a": 1}, [1], True, 1.5])
def test_a_next_page_that_is_no_text_is_told_of(
    partner: RestPartner, settings: Settings, said: object
) -> None:
    partner.answer = lambda _: page(ROWS[:1], next=said)

    found = fetch_now(settings, feed(partner, paging="cursor", param="after", next="next"))

    assert "neither a text nor a number" in found.problems[0]


def test_a_redirect_on_the_same_host_is_followed(partner: RestPartner, settings: Settings) -> None:
    partner.answer = lambda asked: (
        page(ROWS[:1]) if asked.path == "/new" else Reply(307, headers={"Location": "/new"})
    )

    assert fetch_now(settings, feed(partner)).deliveries == 1


def test_redirects_without_end_are_given_up(partner: RestPartner, settings: Settings) -> None:
    partner.answer = lambda asked: Reply(302, headers={"Location": f"/{asked.number}"})

    found = fetch_now(settings, feed(partner))

    assert found.problems == ["the server redirects without end"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_secret_is_not_tried_again(
    partner: RestPartner, settings: Settings, status: int
) -> None:
    partner.answer = lambda _: Reply(status)

    found = fetch_now(settings, feed(partner))

    assert found.problems == [f"the server refuses the secret ({status})"]
    assert len(partner.asked) == 1


def test_links_that_lead_in_a_circle_are_told_and_the_next_fetch_begins_anew(
    partner: RestPartner, settings: Settings
) -> None:
    partner.answer = lambda asked: page(
        [ROWS[asked.number % 7]], next=f"/v1/people?p={(asked.number + 1) % 3}"
    )

    found = fetch_now(settings, feed(partner, paging="next_link", next="next"))

    assert "no end" in found.problems[0]
    assert "series" not in state_of(settings)


def test_a_server_that_ignores_the_page_number_is_told_of(
    partner: RestPartner, settings: Settings
) -> None:
    partner.answer = lambda _: page(ROWS[:2])

    found = fetch_now(settings, feed(partner, paging="page", param="p"))

    assert (found.deliveries, len(partner.asked)) == (1, 2)
    assert "a page came twice" in found.problems[0]


def test_pages_without_end_are_bounded_and_gone_on_with(
    partner: RestPartner, settings: Settings
) -> None:
    partner.answer = lambda asked: page([{"id": str(asked.number)}], meta={"next": asked.number})
    endless = feed(partner, paging="cursor", param="after", next="meta.next", max_pages=5)

    first = fetch_now(settings, endless)
    second = fetch_now(settings, endless)

    assert first.deliveries == second.deliveries == 5
    assert "more than 5 pages" in first.problems[0]
    assert [asked.query.get("after") for asked in partner.asked[4:7]] == ["3", "4", "5"]


def test_a_series_that_broke_off_is_gone_on_with_and_then_moves_on(
    partner: RestPartner, settings: Settings
) -> None:
    def breaks(asked: Request) -> Reply:
        return Reply(500) if asked.query.get("after") == "4" else by_cursor(asked)

    partner.answer = breaks
    first = fetch_now(settings, feed(partner, **CURSOR))
    assert first.deliveries == 2
    assert "since" not in state_of(settings)
    partner.answer = by_cursor
    partner.asked.clear()

    second = fetch_now(settings, feed(partner, **CURSOR))

    assert (second.deliveries, second.problems) == (2, [])
    assert partner.asked[0].query == {"after": "4"}
    assert keys(settings) == [["1", "2"], ["3", "4"], ["5", "6"], ["7"]]
    assert state_of(settings)["since"] == "2026-03-07"


def test_a_cursor_that_the_server_forgot_begins_its_series_anew(
    partner: RestPartner, settings: Settings
) -> None:
    partner.answer = lambda asked: (
        Reply(500) if asked.query.get("after") == "4" else by_cursor(asked)
    )
    fetch_now(settings, feed(partner, **CURSOR, attempts=1))
    start = len(partner.asked)
    partner.answer = lambda asked: Reply(410) if asked.number == start else by_cursor(asked)

    found = fetch_now(settings, feed(partner, **CURSOR))

    assert (found.deliveries, found.problems) == (4, [])
    assert state_of(settings)["since"] == "2026-03-07"


def test_a_page_with_new_content_is_another_delivery(
    partner: RestPartner, settings: Settings
) -> None:
    partner.answer = lambda _: page(ROWS[:1])
    fetch_now(settings, feed(partner))
    partner.answer = lambda _: page(ROWS[:2])
    fetch_now(settings, feed(partner))

    assert keys(settings) == [["1"], ["1", "2"]]


def test_an_empty_page_brings_no_delivery(partner: RestPartner, settings: Settings) -> None:
    partner.answer = lambda _: page([])

    found = fetch_now(settings, feed(partner))

    assert (found.deliveries, found.problems, inbox_of(settings)) == (0, [], {})


class KilledError(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("moment", range(12))
def test_killed_anywhere_it_neither_loses_nor_doubles(
    partner: RestPartner, settings: Settings, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """Each move and each sync of a page's landing is a moment at which the process may die."""
    partner.answer = by_cursor
    count = 0
    real = {name: getattr(landing_module, name) for name in ("sync_file", "sync_folder")}
    move = os.replace

    def deadly(work: Any) -> Any:
        def step(*given: Any) -> Any:
            nonlocal count
            count += 1
            if count - 1 == moment:
                raise KilledError
            return work(*given)

        return step

    with monkeypatch.context() as patch:
        for name, work in real.items():
            patch.setattr(landing_module, name, deadly(work))
        patch.setattr(os, "replace", deadly(move))
        with pytest.raises(KilledError):
            fetch_now(settings, feed(partner, **CURSOR))
    found = fetch_now(settings, feed(partner, **CURSOR))

    assert found.problems == []
    assert keys(settings) == [["1", "2"], ["3", "4"], ["5", "6"], ["7"]]
    assert not [name for name in inbox_of(settings) if name.endswith(".fetch")]


@pytest.mark.parametrize(
    ("fetch", "path", "says"),
    [
        ({"url": "http://api.example/x"}, "a/p_*.json", "https"),
        ({"url": "https://u:p@api.example/x"}, "a/p_*.json", "neither user"),
        ({"url": "https://api.example/x"}, "a/p.json", "one \\*"),
        ({"url": "https://api.example/x"}, "a*/p_*.json", "no wildcards"),
        ({"url": "https://api.example/x"}, "a/../b/p_*.json", "no wildcards"),
        ({"url": "https://api.example/x", "paging": "page"}, "a/p_*.json", "`param`"),
        ({"url": "https://api.example/x", "paging": "cursor", "param": "c"}, "a/p_*.json", "next"),
        ({"url": "https://api.example/x", "since_param": "s"}, "a/p_*.json", "belong together"),
        ({"url": "https://api.example/x", "secret": "hunter2"}, "a/p_*.json", "secret"),
        ({"url": "https://api.example/x", "paging": "page", "param": "p"}, "a/p_*.csv", "JSON"),
        ({"url": "https://api.example/x", "tls": "off"}, "a/p_*.json", "tls"),
    ],
)
def test_a_fetch_that_cannot_be_right_is_refused_with_the_rules(
    fetch: dict[str, Any], path: str, says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        feed_of({"kind": "rest", **fetch}, path)


def test_pages_of_a_full_dump_are_refused() -> None:
    fetch = {"kind": "rest", "url": "https://api.example/x", "paging": "page", "param": "p"}

    with pytest.raises(ValidationError, match="each page for all there is"):
        feed_of(fetch, "a/p_*.json", mode="full")
