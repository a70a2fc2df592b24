"""Who posts what, and what they are told."""

import base64
import json
import logging
import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from steward import reading
from store.errors import TouchstoneError
from tests.steward.doors import (
    ANN,
    KEY,
    OLD_KEY,
    OTHER_KEY,
    PAGE,
    Visitor,
    company_with_a_door,
    reasons,
    signature,
    signed,
    spooled,
    visitor,
)

FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    company = company_with_a_door(tmp_path_factory.mktemp("company"))
    with visitor(company.settings) as someone:
        yield someone


def kept(door: Visitor) -> list[str]:
    """The names of all posts that are kept."""
    folder = door.app.state.intake.spool.folder
    return [
        json.loads(line)["intake"]["id"]
        for path in [*folder.glob("*/*.open"), *folder.glob("*/*.ndjson")]
        for line in path.read_text("utf-8").splitlines()
    ]


def test_a_good_post_is_accepted_with_the_verification_of_each_contact_point(
    door: Visitor,
) -> None:
    answer = door.post({**ANN, "email": " Ann.Lee@Post.org "}, "good")

    assert answer.status_code == 202
    assert answer.json() == {
        "id": "good",
        "status": "accepted",
        "contact_points": [
            {
                "field": "email",
                "kind": "email",
                "verification": "valid",
                "value": "ann.lee@post.org",
                "reason": None,
            },
            {
                "field": "phone",
                "kind": "phone",
                "verification": "valid",
                "value": "+447400123455",
                "reason": None,
            },
        ],
    }


def test_a_post_is_on_disk_before_it_is_answered(door: Visitor) -> None:
    door.post(ANN, "durable")

    assert kept(door).count("durable") == 1


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"first": "Ann"}, {"email": "required_one_of", "phone": "required_one_of"}),
        ({"email": "n/a", "phone": "0000000000"}, {"email": "required_one_of"}),
        ({**ANN, "email": "ann.lee.post.org"}, {"email": "email_no_at_sign"}),
        ({**ANN, "phone": "+4474"}, {"phone": "phone_too_short"}),
        ({**ANN, "born": "1980-02-31"}, {"born": "birth_date_impossible"}),
        ({**ANN, "born": "31.01.1980"}, {"born": "birth_date_unreadable"}),
        ({**ANN, "first": "Test", "last": "Test"}, {None: "record_is_not_a_test"}),
        ({**ANN, "last": "http://prize.example/win"}, {None: "name_has_no_link"}),
        ({**ANN, "admin": "yes"}, {"admin": "unknown_field"}),
        ({**ANN, "first": {"deep": 1}}, {"first.deep": "unknown_field"}),
        ({**ANN, "first": "A\0nn"}, {"first": "nul_byte"}),
        ({**ANN, "first": "\ud800"}, {"first": "lone_surrogate"}),
        ({**ANN, "intake": {"id": "mine"}}, {"intake.id": "unknown_field"}),
        ({**ANN, "intake.id": "mine"}, {"intake.id": "unknown_field"}),
        ({**ANN, "intake": None}, {"intake": "unknown_field"}),
        ([ANN], {None: "not_an_object"}),
        ("ann", {None: "not_an_object"}),
        (None, {None: "not_an_object"}),
        (b'{"email":"a@b.org","email":"c@d.org"}', {None: "duplicate_keys"}),
        (b'{"extra":{"campaign":"a"},"extra.campaign":"b"}', {None: "duplicate_keys"}),
        (b"[" * 2000 + b"]" * 2000, {None: "nested_too_deep"}),
        (b'{"first":' * 400 + b"1" + b"}" * 400, {None: "nested_too_deep"}),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_field_by_field(
    record: object, expected: dict[str | None, str], door: Visitor
) -> None:
    answer = door.post(record, "wrong")

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:touchstone:problem:not_valid"
    assert expected.items() <= reasons(answer).items()
    assert all(error["detail"] for error in answer.json()["errors"])
    assert "wrong" not in kept(door)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b'{"email": "a@b.org"} {}', "application/json", 400),
        (b'{"email": "\xe9"}', "application/json", 400),
        ('{"email": "a@b.org"}'.encode("utf-16"), "application/json", 400),
        (b"email=%ff%fe", FORM, 400),
        (b"a=1&" * 1000, FORM, 400),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x", 400),
        (b"--x", "multipart/form-data", 400),
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
        (b"{}", "application/json; charset=latin-1", 415),
        (b"{" + b" " * 5000 + b"}", "application/json", 413),
    ],
    ids=str,
)
def test_a_body_that_cannot_be_read_is_refused(
    body: bytes, kind: str, status: int, door: Visitor
) -> None:
    answer = door.post(body, "unreadable", kind=kind)

    assert answer.status_code == status
    assert answer.json()["status"] == status
    assert "unreadable" not in kept(door)


def test_a_file_in_a_form_is_refused(door: Visitor) -> None:
    request = httpx.Request("POST", "http://door.example", files={"first": b"file"}, data=ANN)

    answer = door.post(request.read(), "file", kind=request.headers["content-type"])

    assert answer.status_code == 415


@pytest.mark.parametrize("kind", ["form", "multipart"])
def test_a_form_says_the_same_as_json(kind: str, door: Visitor) -> None:
    fields = {**ANN, "first": 'Zoë & "co"\n', "extra.campaign": "spring"}
    files = {"x": ("", b"")} if kind == "multipart" else None
    request = httpx.Request("POST", "http://door.example", data=fields, files=files)
    body = request.read()
    if files:
        body = re.sub(rb'--[0-9a-f]+\r\nContent-Disposition: form-data; name="x".*?\r\n\r\n\r\n',
                      b"", body, flags=re.S)  # fmt: skip

    answer = door.post(body, f"as-{kind}", kind=request.headers["content-type"])

    assert answer.status_code == 202
    folder = door.app.state.intake.spool.folder
    lines = "".join(path.read_text("utf-8") for path in folder.glob("site/*")).splitlines()
    found = [json.loads(line) for line in lines if f'"as-{kind}"' in line]
    assert [one["first"].replace("\r", "") for one in found] == [fields["first"]]
    assert found[0]["extra.campaign"] == "spring"


def test_a_field_given_twice_in_a_form_is_nobodys_guess(door: Visitor) -> None:
    answer = door.post(b"email=a%40b.org&email=c%40d.org", "twice", kind=FORM)

    assert reasons(answer) == {"email": "duplicate_keys"}


def test_both_keys_are_valid_while_a_key_is_changed(door: Visitor) -> None:
    answers = [door.post(ANN, f"key-{key[:1]!r}"[:5] + str(len(key)), key=key) for key in (KEY,)]
    answers += [door.post(ANN, "old-key", key=OLD_KEY)]

    assert [answer.status_code for answer in answers] == [202, 202]


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,!!!!"},
        {"webhook-signature": "v1,AAAA v1,BBBB v2,"},
        {"webhook-signature": "v1a," + "A" * 44},
        {"webhook-signature": "v1," + "A" * 8000},
        {"webhook-signature": ",,,, , ,"},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "1e9"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "9" * 12},
        {"webhook-timestamp": "0"},
        {"webhook-id": "another"},
        {"webhook-id": ""},
        {"webhook-id": "a b"},
        {"webhook-id": "ann@post.org"},
        {"webhook-id": "x" * 129},
        {"webhook-id": "../../etc"},
    ],
    ids=str,
)
def test_a_signature_that_is_none_is_refused(headers: dict[str, str], door: Visitor) -> None:
    answer = door.post(ANN, "unsigned", headers=headers)

    assert answer.status_code == 401
    assert "www-authenticate" in answer.headers
    assert "unsigned" not in kept(door)


def test_a_foreign_key_or_a_changed_body_is_refused(door: Visitor) -> None:
    changed = signed(ANN, "changed")
    changed = httpx.Request("POST", changed.url, headers=signature("changed", b"{}"), content=b"[]")

    answers = door.ask(signed(ANN, "foreign", key=OTHER_KEY), changed)

    assert [answer.status_code for answer in answers] == [401, 401]


@pytest.mark.parametrize(("skew", "status"), [(-290, 202), (290, 202), (-310, 401), (310, 401)])
def test_a_post_counts_for_five_minutes(skew: int, status: int, door: Visitor) -> None:
    answer = door.post(ANN, f"skew{skew}", at=time.time() + skew)

    assert answer.status_code == status


def test_a_header_that_is_given_twice_is_refused(door: Visitor) -> None:
    request = signed(ANN, "twice")
    headers = [*request.headers.raw, (b"webhook-id", b"twice")]
    doubled = httpx.Request("POST", request.url, headers=headers, content=request.content)

    assert door.ask(doubled)[0].status_code == 401


def test_the_same_post_again_is_answered_the_same_and_kept_once(door: Visitor) -> None:
    first = door.post(ANN, "again")

    second = door.post(ANN, "again")

    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert kept(door).count("again") == 1


def test_posts_of_one_name_at_the_same_time_are_kept_once(door: Visitor) -> None:
    answers = door.ask(*(signed(ANN, "at-once") for _ in range(20)))

    assert {answer.status_code for answer in answers} == {202}
    assert kept(door).count("at-once") == 1


def test_another_content_under_a_known_name_is_refused(door: Visitor) -> None:
    door.post(ANN, "taken")

    answers = [door.post({**ANN, "first": "Eve"}, "taken")]
    answers += door.ask(signed(ANN, "race"), signed({**ANN, "first": "Eve"}, "race"))

    assert [answer.status_code for answer in answers] == [409, 202, 409]


def test_a_refused_post_may_be_mended_under_its_name(door: Visitor) -> None:
    refused = door.post({"first": "Ann"}, "mended")

    accepted = door.post(ANN, "mended")

    assert (refused.status_code, accepted.status_code) == (422, 202)


def test_a_name_is_known_after_a_restart_and_after_a_night(tmp_path: Path) -> None:
    company = company_with_a_door(tmp_path)
    with visitor(company.settings) as door:
        first = door.post(ANN, "known")
    with visitor(company.settings) as door:
        second = door.post(ANN, "known")
    company.night(1)
    with visitor(company.settings) as door:
        third = door.post(ANN, "known")
        other = door.post({**ANN, "first": "Eve"}, "known")

    assert first.json() == second.json() == third.json()
    assert other.status_code == 409
    assert spooled(company.settings) == []


def test_a_post_is_in_the_next_run_once_under_its_name(tmp_path: Path) -> None:
    company = company_with_a_door(tmp_path)
    with visitor(company.settings) as door:
        door.post(ANN, "a-1")
        company.night(1)  # the app goes on while the run takes in what there is
        door.post({**ANN, "first": "Eve", "email": "eve@post.org", "phone": ""}, "a-2")
        door.submit({"email": "bob@post.org", "first": "Bob"})
    company.night(2)
    company.night(3)

    rows = company.ask(
        "select source, source_key, state from crosswalk join deliveries using (source)"
    )
    names = company.ask("select record_id from crosswalk order by 1")["record_id"].to_list()
    assert names[-2:] == ["site:a-1", "site:a-2"]
    assert names[0].startswith("pages:form-")
    assert len(names) == 3
    assert set(rows["state"]) == {"taken_in"}
    assert company.ask("select sum(row_count) from deliveries").item() == 3


def test_more_posts_than_are_allowed_wait(tmp_path: Path) -> None:
    company = company_with_a_door(tmp_path)
    feed = company.settings.rules / "feeds" / "site" / "feed.toml"
    feed.write_text(feed.read_text().replace("per_minute = 100000", "per_minute = 2"))
    with visitor(company.settings) as door:
        forged = door.ask(*(signed(ANN, f"f{n}", key=OTHER_KEY) for n in range(20)))
        answers = [door.post(ANN, f"p{n}") for n in range(4)]

    assert {answer.status_code for answer in forged} == {401}  # and they use nothing up
    assert [answer.status_code for answer in answers] == [202, 202, 429, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_a_visitor_may_post_a_few_forms(tmp_path: Path) -> None:
    company = company_with_a_door(tmp_path)
    feed = company.settings.rules / "feeds" / "pages" / "feed.toml"
    feed.write_text(feed.read_text().replace("visitor_per_minute  = 60", "visitor_per_minute  = 2"))
    with visitor(company.settings) as door:
        answers = [door.submit({"email": f"bob{n}@post.org"}) for n in range(3)]

    assert [answer.status_code for answer in answers] == [303, 303, 429]


def test_a_form_leads_to_where_the_feed_says_and_nowhere_else(door: Visitor) -> None:
    answer = door.submit({"email": "bob@post.org"})
    astray = door.submit({"email": "bob@post.org", "redirect": "https://evil.example"})

    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}/thanks")
    assert astray.status_code == 422
    assert "location" not in astray.headers


def test_a_form_that_is_wrong_is_answered_with_a_page_that_runs_nothing(door: Visitor) -> None:
    answer = door.submit({"email": "bob", "<script>alert(1)</script>": "x"})

    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("text/html")
    assert "<script>" not in answer.text
    assert "&lt;script&gt;" in answer.text


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://www.example.com",
        "https://www.example.com:444",
        "https://www.example.com.evil.example",
        "https://WWW.example.com/",
        "self",
        "",
    ],
)
def test_a_page_that_is_not_listed_may_not_post(origin: str, door: Visitor) -> None:
    answer = door.submit({"email": "bob@post.org"}, Origin=origin)

    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_the_own_page_may_post_where_the_feed_says_so(door: Visitor) -> None:
    own = door.submit({"email": "own@post.org"}, Origin="http://door.example")
    led = door.submit(
        {"email": "own@post.org"},
        **{"Origin": "http://door.example", "Sec-Fetch-Site": "cross-site"},
    )

    assert (own.status_code, led.status_code) == (303, 403)


def test_an_unsigned_post_is_refused_without_an_origin_and_by_other_feeds(door: Visitor) -> None:
    bare = httpx.Request("POST", "http://door.example/intake/pages", data={"email": "a@b.org"})

    answers = [*door.ask(bare), door.submit(ANN, feed="site")]

    assert [answer.status_code for answer in answers] == [401, 401]


def test_a_wrong_signature_is_no_unsigned_post(door: Visitor) -> None:
    answer = door.submit({"email": "bob@post.org"}, **{"webhook-signature": "v1,AAAA"})

    assert answer.status_code == 503  # the feed has no key, and so nobody who signs is known


def test_the_same_form_again_is_one_post(door: Visitor) -> None:
    before = len(kept(door))

    answers = [door.submit({"email": "same@post.org"}, Accept="*/*") for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert len(kept(door)) == before + 1


def test_the_answer_does_not_tell_who_is_a_customer(tmp_path: Path) -> None:
    company = company_with_a_door(tmp_path)
    with visitor(company.settings) as door:
        before = door.submit({"email": "ann.lee@post.org"}, Accept="*/*")
        door.post(ANN, "customer")
    company.night(1)
    with visitor(company.settings) as door:
        known = door.post(ANN, "one")
        unknown = door.post({**ANN, "email": "eve.lie@post.org"}, "two")
        after = door.submit({"email": "ann.lee@post.org"}, Accept="*/*")

    told = known.text.replace('"one"', '"two"').replace("ann.lee", "eve.lie")
    assert told == unknown.text
    assert (before.status_code, before.text) == (after.status_code, after.text)


def test_an_unknown_feed_and_one_that_takes_no_posts_are_the_same(door: Visitor) -> None:
    answers = [door.post(ANN, "lost", feed=feed) for feed in ("nobody", "forms", "...", "%00")]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers[:2]}) == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/intake/site", 405),
        ("PUT", "/intake/site", 405),
        ("DELETE", "/intake/pages", 405),
        ("OPTIONS", "/intake/pages", 405),
        ("TRACE", "/healthz", 405),
        ("GET", "/intake/site/", 404),
        ("POST", "//evil.example/intake/site", 404),
    ],
)
def test_what_is_not_there_is_a_problem_too(
    method: str, path: str, status: int, door: Visitor
) -> None:
    answer = door.ask(httpx.Request(method, f"http://door.example{path}"))[0]

    assert answer.status_code == status
    assert answer.json()["status"] == status
    assert "location" not in answer.headers


def test_every_answer_has_the_security_headers(door: Visitor) -> None:
    answers = [
        door.get("/healthz"),
        door.get("/openapi.json"),
        door.get("/nothing"),
        door.post(ANN, "headers"),
        door.post(b"{", "headers"),
        door.submit({"email": "bob"}),
    ]

    for answer in answers:
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers


def test_the_log_holds_no_personal_data(door: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        door.post(ANN, "logged")
        door.post({**ANN, "email": "ann.lee"}, "logged-2")
        door.ask(
            httpx.Request("GET", "http://door.example/intake/ann.lee@post.org?phone=07400123455")
        )

    told = [json.loads(record.getMessage()) for record in caplog.records if "access" in record.name]
    assert [line["status"] for line in told] == [202, 422, 405]
    assert told[0]["route"] == "/intake/{feed}"
    assert told[0]["feed"] == "site"
    texts = " ".join(record.getMessage() for record in caplog.records if record.name != "httpx")
    assert not re.search(r"ann|lee|post\.org|07400|127\.0", texts, re.I)


def test_keys_are_never_shown(tmp_path: Path) -> None:
    company = company_with_a_door(tmp_path)
    bad = "whsec_" + base64.b64encode(b"short-and-secret").decode()
    (company.settings.keys / "site.keys").write_text(bad)
    with visitor(company.settings) as door:
        answer = door.post(ANN)
        keys = door.app.state.door._keys

        with pytest.raises(TouchstoneError) as error:
            keys.of("site")

    assert answer.status_code == 503
    assert bad[6:] not in str(error.value) + answer.text + repr(vars(keys))


def test_a_key_of_the_environment_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = company_with_a_door(tmp_path)
    given = base64.b64encode(OTHER_KEY).decode()
    monkeypatch.setenv("TOUCHSTONE_INTAKE_KEYS_SITE", f"whsec_{given}")
    with visitor(company.settings) as door:
        answers = [door.post(ANN, "a", key=OTHER_KEY), door.post(ANN, "b", key=KEY)]

    assert [answer.status_code for answer in answers] == [202, 401]


def test_a_key_that_is_taken_away_counts_no_more(tmp_path: Path) -> None:
    company = company_with_a_door(tmp_path)
    with visitor(company.settings) as door:
        before = door.post(ANN, "a", key=OLD_KEY)
        keys = company.settings.keys / "site.keys"
        keys.write_text(keys.read_text().splitlines()[0])
        after = door.post(ANN, "b", key=OLD_KEY)

    assert (before.status_code, after.status_code) == (202, 401)


def test_a_body_that_comes_too_slowly_is_cut_off(
    door: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BODY_SECONDS", 0.01)
    sent: list[dict[str, object]] = []

    async def never() -> dict[str, object]:
        import asyncio

        await asyncio.sleep(30)
        raise AssertionError

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/intake/site",
        "raw_path": b"/intake/site",
        "query_string": b"",
        "headers": [(name.encode(), text.encode()) for name, text in signature("s", b"").items()],
        "state": {},
    }
    door.loop.run_until_complete(door.app(scope, never, send))

    assert sent[0]["status"] == 408


def test_a_compressed_body_is_refused(door: Visitor) -> None:
    answer = door.post(ANN, "packed", headers={"content-encoding": "gzip"})

    assert answer.status_code == 415
