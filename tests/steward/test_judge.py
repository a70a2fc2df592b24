"""The quick look at a post never says yes where the line would say no."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rules
from rules.answers import Answers
from rules.schemas import CHECKS
from steward.judge import Judge
from steward.posts import Post, Reason
from store.rulebook import read_feeds, read_lookups, read_rule
from store.spool import Entry
from transforms.standardise.dates import REASONS
from transforms.standardise.emails import verify_emails
from transforms.standardise.phones import verify_phones
from transforms.standardise.records import move_up

RULES = Path(rules.__file__).parent
WEB = read_feeds(RULES)["web_signup"]
JUDGE = Judge(WEB, read_lookups(RULES / "lookups"))
ANSWERS = read_rule(RULES / "answers.toml", Answers)
MOMENT = "2026-11-22T10:00:00+00:00"


def post(**fields: str) -> Post:
    named = {f"fields.{name}": text for name, text in fields.items()}
    columns = {"intake.id": "n", "intake.received_at": MOMENT, **named}
    return Post(Entry("web_signup", "n", b"", b""), columns, MOMENT)


texts = st.one_of(
    st.sampled_from(
        ["", " ", "Test", "test user", "n/a", "-", "Acme Ltd", "José", "O'Brien", "?", "0000000000"]
    ),
    st.text(max_size=12),
)
emails = st.one_of(
    texts,
    st.emails(),
    st.sampled_from(
        [
            "test@test.com",
            "a@b",
            "Ann <ann@post.org>",
            "ann@post.org,",
            "mailto:a@b.org",
            "a@b.test",
            "ann@post.org; lee@post.org",
            "a@b; c@d.org",
        ]
    ),
)
phones = st.one_of(
    texts,
    st.from_regex(r"\+?[0-9 ()./-]{5,16}", fullmatch=True),
    st.sampled_from(
        [
            "07400 123455",
            "+49 30 901820",
            "4.47912E+11",
            "0161 496 0001 ext 5",
            "0161 496 0001 / 07400 123455",
        ]
    ),
)
dates = st.one_of(
    texts,
    st.dates().map(str),
    st.sampled_from(
        ["1900-01-01", "1899-12-31", "2026-11-23", "1980-2-3", "１９８０-01-01", "1980"]
    ),
)
countries = st.one_of(st.sampled_from(["", "GB", "uk", "Deutschland", "ES", "nowhere"]), texts)
posts = st.builds(
    post,
    first_name=texts,
    last_name=texts | st.just("www.prize.com"),
    email=emails,
    phone=phones,
    birthday=dates,
    country=countries,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(posts, min_size=1, max_size=25))
def test_what_the_quick_look_clears_passes_every_check_of_the_line(some: list[Post]) -> None:
    verdicts = JUDGE.judge(some)
    asked = JUDGE.failed_checks(some)

    for verdict, failed in zip(verdicts, asked, strict=True):
        assert verdict.is_doubtful or failed == []


@settings(max_examples=60, deadline=None)
@given(st.lists(posts, min_size=1, max_size=25))
def test_a_contact_point_is_kept_as_the_line_will_have_it(some: list[Post]) -> None:
    records = move_up(JUDGE._standardised(JUDGE._rows(some), some))
    lines = {}
    for name in ("phone", "phone_2"):
        asked = records.select(raw=name, region="region_hint")
        lines[name] = verify_phones(asked)["value"]
    for name in ("email", "email_2"):
        lines[name] = verify_emails(records.select(raw=name))["value"]

    for index, verdict in enumerate(JUDGE.judge(some)):
        for kind in ("phone", "email"):
            told = {point.value for point in verdict.contact_points if point.kind == kind}
            kept = {lines[kind][index], lines[f"{kind}_2"][index]}
            assert told - {None} == kept - {None}


@settings(max_examples=30, deadline=None)
@given(st.lists(posts, min_size=2, max_size=6))
def test_a_post_is_judged_alike_alone_and_in_a_crowd(some: list[Post]) -> None:
    assert JUDGE.judge(some) == [JUDGE.judge([one])[0] for one in some]


@settings(max_examples=60, deadline=None)
@given(st.lists(posts, min_size=1, max_size=25))
def test_every_reason_has_its_sentence(some: list[Post]) -> None:
    said: list[Reason] = [reason for verdict in JUDGE.judge(some) for reason in verdict.reasons]
    said += [reason for failed in JUDGE.failed_checks(some) for reason in failed]

    assert all(ANSWERS.says(reason.word) for reason in said)


def test_both_contact_points_of_one_field_are_told_under_its_name() -> None:
    (verdict,) = JUDGE.judge([post(email="ann@post.org, lee@post.org")])

    assert [(point.field, point.value) for point in verdict.contact_points] == [
        ("fields.email", "ann@post.org"),
        ("fields.email", "lee@post.org"),
    ]


def test_every_check_and_every_fault_of_a_date_has_its_sentence() -> None:
    assert all(ANSWERS.says(check) for check in CHECKS)
    assert all(ANSWERS.says(f"birth_date_{word}") for word in REASONS if word != "placeholder")


def test_the_quick_look_knows_all_checks_there_are() -> None:
    """A new check must be seen by the quick look, or make the post doubtful."""
    known = {"record_has_a_name_or_contact", "record_is_not_a_test", "name_has_no_link"}

    assert set(CHECKS) == known


def test_a_feed_may_take_what_it_cannot_use_and_say_so() -> None:
    lenient = WEB.model_copy(update={"intake": WEB.intake.model_copy(update={"invalid": "accept"})})
    judge = Judge(lenient, read_lookups(RULES / "lookups"))

    good, bad = judge.judge(
        [post(email="ann@post.org", phone="12"), post(email="ann.post.org", phone="12")]
    )

    assert good.reasons == []
    assert {point.verification for point in good.contact_points} == {"valid", "invalid"}
    assert {reason.word for reason in bad.reasons} == {"email_no_at_sign", "phone_too_short"}


@pytest.mark.parametrize(
    ("formats", "text", "is_plain"),
    [
        ("%Y-%m-%d", "1980-02-03", True),
        ("%d/%m/%Y", "03/02/1980", True),
        ("%d/%m/%Y", "31/02/1980", False),
        ("%d/%m/%Y|%m/%d/%Y", "03/02/1980", False),
        ("%d %B %Y", "3 May 1980", False),
        ("%Y-%m-%d", "2030-01-01", False),
        ("%Y-%m-%d", "1900-01-01", False),
    ],
)
def test_only_a_plain_date_is_cleared(formats: str, text: str, is_plain: bool) -> None:
    parse = WEB.parse.model_copy(update={"birth_date": formats})
    judge = Judge(WEB.model_copy(update={"parse": parse}), read_lookups(RULES / "lookups"))

    verdict = judge.judge([post(email="ann@post.org", birthday=text)])[0]

    assert verdict.is_doubtful is not is_plain
