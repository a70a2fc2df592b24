"""The scorecard says what the tables say, and behind each figure stand its rows."""

import json
from pathlib import Path
from typing import Any

import pytest

from flows.commands.scorecard import QUESTIONS
from rules.reach import Reach
from store.behind_figures import Asked, is_figure, rows_behind
from store.opened import Row
from store.rulebook import read_rulebook
from store.scoped import Scoped, scoped_to
from store.scorecard import Ask, Scorecard, read_scorecard, worked_out
from store.snapshot import open_snapshot
from store.state.open import open_state
from store.state.people import User
from tests.flows.builders import Company, found, person, touchstone_here

ALL = Reach(is_all=True)
SPRING = Reach(is_all=False, campaigns=frozenset({"spring"}))


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Forty people in a form of one campaign, four of them members too, whom dach knows.

    Of the form's, ten have no phone, one was sent twice, and one row is broken.
    """
    company = found(tmp_path_factory.mktemp("scorecard") / "company")
    for source, campaign in (("forms", "spring"), ("members", "dach")):
        feed = company.settings.rules / "feeds" / source / "feed.toml"
        text = feed.read_text("utf-8").replace("trust ", f'campaign = "{campaign}"\ntrust ', 1)
        feed.write_text(text, "utf-8")
    people = [
        person(f"Name{n}", f"Family{n}", email=f"p{n}@moor{n}.org", sent="2026-02-01",
               phone=f"079111234{n:02}" if n < 40 else "")
        for n in range(10, 50)
    ]  # fmt: skip
    again = people[0] | {"sent": "2026-02-02"}
    company.drop("forms", [*people, again, "broken@moor.org,too few"], name="1")
    members = [{"no": f"M{n}", **one, "city": "Zwergenstein"} for n, one in enumerate(people[:4])]
    company.drop("members", members, name="1")
    company.night(1)
    return company


def asking(company: Company, question: Any) -> Any:
    """What is answered with a snapshot open; `Any` is whatever that is."""
    with open_snapshot(company.settings) as con:

        def ask(query: str, values: Row | None) -> list[Row]:
            return list(con.sql(query, params=values or None).pl().iter_rows(named=True))

        return question(ask, read_rulebook(company.settings.rules).survivorship.names())


def behind(company: Company, reach: Reach, *words: Any, **more: Any) -> list[Row] | None:
    asked, scope = Asked(*words, **more), scoped_to(reach)
    return asking(  # type: ignore[no-any-return]
        company,
        lambda ask, fields: (
            rows_behind(ask, asked, scope, fields) if is_figure(ask, asked, scope) else None
        ),
    )


def whole(ask: Ask, scope: Scoped, fields: list[str]) -> Scorecard:
    return read_scorecard(ask, scope, worked_out(scope, fields))


def test_the_rows_behind_a_figure_are_as_many_as_it_says(company: Company) -> None:
    card = asking(company, lambda ask, fields: whole(ask, scoped_to(ALL), fields))
    forms = next(source for source in card.sources if source.name == "forms")
    without_phone = round((1 - forms.fields["completeness", "phone"][-1]) * forms.records)
    channel = next(one for one in card.channels if one.source == "forms")

    assert without_phone == len(behind(company, ALL, "completeness", "forms", "phone") or ()) == 10
    assert forms.measures["validity"][-1] == pytest.approx(1 - 1 / 42)
    assert len(behind(company, ALL, "validity", "forms") or ()) == 1
    assert len(behind(company, ALL, "uniqueness", "forms") or ()) == 2
    assert forms.measures["uniqueness"][-1] == pytest.approx(40 / 41)
    assert behind(company, ALL, "timeliness", "forms") == []
    assert (channel.records, channel.new) == (41, 40)
    for part, count in (("", 41), ("new", 40), ("duplicates", 1), ("active", 41)):
        shown = behind(company, ALL, "channel", "forms", campaign="spring", part=part)
        assert len(shown or ()) == count, part
    assert sum(age.records for age in card.ages["forms"]) == 41
    assert len(behind(company, ALL, "age", "forms", years=0) or ()) == 41


def test_what_lies_elsewhere_has_no_part_in_what_a_campaign_is_told(company: Company) -> None:
    card = asking(company, lambda ask, fields: whole(ask, scoped_to(SPRING), fields))

    assert [source.name for source in card.sources] == ["forms"]
    assert set(card.sources[0].measures) == {"validity", "uniqueness", "timeliness"}
    assert {measure for measure, _ in card.sources[0].fields} == {"completeness", "validity"}
    assert [(one.source, one.may_be_mailed) for one in card.channels] == [("forms", None)]
    assert (card.work, card.links, card.bands) == ([], None, [])


@pytest.mark.parametrize(
    "words",
    [
        ("completeness", "forms"),
        ("consistency", "forms"),
        ("consistency", "forms", "email"),
        ("completeness", "members", "email"),
        ("validity", "members"),
        ("uniqueness", "members"),
        ("timeliness", "nobody"),
        ("completeness", "forms", "raw"),
        ("completeness", "forms", "email; drop table runs"),
        ("nothing", "forms"),
    ],
)
def test_a_figure_that_is_not_there_or_not_theirs_has_nothing_behind(
    company: Company, words: tuple[str, ...]
) -> None:
    assert behind(company, SPRING, *words) is None


@pytest.mark.parametrize("figure", ["channel", "age"])
def test_of_a_channel_out_of_scope_there_are_no_rows(company: Company, figure: str) -> None:
    assert behind(company, SPRING, figure, "members", campaign="dach", years=0) == []
    assert behind(company, ALL, figure, "members", campaign="dach", years=0) != []


def test_what_does_not_agree_is_shown_beside_what_the_customer_has(company: Company) -> None:
    rows = behind(company, ALL, "completeness", "forms") or []

    assert {(row["field"], row["said"]) for row in rows} >= {("city", None)}
    assert "Zwergenstein" in {row["beside"] for row in rows}


def test_every_question_of_the_page_is_answered(company: Company) -> None:
    answers = {
        name: company.ask(question.replace("SOURCE", "forms"))
        for name, question in QUESTIONS.items()
    }

    assert answers["validity"].height == 1
    assert answers["uniqueness"].height == 1
    assert all(answer.width > 1 for answer in answers.values())


def test_the_page_stands_alone_and_names_nobody(
    company: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "card.html"

    said = touchstone_here(company, capsys, "scorecard", "--out", str(page))
    told = json.loads(touchstone_here(company, capsys, "scorecard", "--json").stdout)

    text = page.read_text("utf-8")
    assert "2 sources over 1 runs" in said.stdout
    assert page.stat().st_mode & 0o077 == 0
    assert "<script" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert "Zwergenstein" not in text
    assert "moor1" not in text
    assert {source["name"] for source in told["sources"]} == {"forms", "members"}


def test_a_page_for_somebody_holds_what_they_may_see(
    company: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nobody: frozenset[str] = frozenset()
    with open_state(company.settings) as state:
        state.people.add(User("sam", "editor", True, frozenset({"spring"}), nobody, frozenset()))
    page = tmp_path / "sam.html"

    touchstone_here(company, capsys, "scorecard", "--for", "sam", "--out", str(page))
    unknown = touchstone_here(company, capsys, "scorecard", "--for", "zoe", "--out", str(page))

    text = page.read_text("utf-8").partition("The rows behind")[0]
    assert "spring" in text
    assert "dach" not in text
    assert "embers" not in text
    assert (unknown.returncode, "Nobody is called zoe" in unknown.stderr) == (1, True)
