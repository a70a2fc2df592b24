"""The report on a delivery: what its sender is told, and what is shown to nobody."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from flows.cli import main
from flows.delivered import COUNTS
from rules.quality import Quality
from store.lock import one_writer
from store.rulebook import read_rule
from tests.flows.builders import HEADERS, Company, found, person

Say = Callable[..., tuple[int, str]]

RTL = "\N{RIGHT-TO-LEFT OVERRIDE}"
ANN = person("Ann", "Ashworth", email="ann@example.com", phone="020 7946 0123")
BEN = person("Ben", "Carter", email="ben@example.com", phone="020 7946 0456")
HOSTILE = [
    f"<script>alert(\"Quill\")</script>,'Snape',x,{RTL}Lupin",
    'Tonks,&lt;b&gt;,"><img src=x onerror=alert(1)>,one,two,three,four,five,six,seven,eight,nine',
    "Moody,Alastor",
    "Bones,Susan",
    "Moody,Susan",
]
SECRETS = (
    "alert", "Quill", "Snape", "Lupin", "Tonks", "onerror", "Moody", "Alastor", "Bones", "Potter",
    "Weasley", "weasley", "7946", RTL,
)  # fmt: skip
MIXED, HELD, NO_KEY, FAILED, REFUSED, HEADLESS, BLANK = range(1, 8)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A delivery of each kind, in the order of the numbers above."""
    company = found(tmp_path_factory.mktemp("company"))
    partner = company.settings.rules / "feeds" / "partner" / "feed.toml"
    loose = "[expect]\nquarantined_share = 0.9\n"
    partner.write_text(partner.read_text("utf-8") + loose, "utf-8")
    forms = company.settings.rules / "feeds" / "forms" / "feed.toml"
    forms.write_text(forms.read_text("utf-8") + loose, "utf-8")
    good = [person(f"Given{letter}", "Smith", email=f"{letter}@example.com") for letter in "abcd"]
    company.drop("forms", [*good, *HOSTILE], name=f"<img src=x>{RTL}")
    company.night(1)
    company.drop_file(
        "forms/b.csv", "first,colour,potter1980@example.com,o'weasley@a.com\nA,blue,x,y\n"
    )
    company.night(2)
    ron = {"op": "upsert", **person("Ron", "Weasley", email="ron@weasley.example")}
    company.drop("partner", [{"op": "upsert", "id": "p1", **ANN}, {"op": "upsert"} | ron], name="c")
    company.night(3)
    link = person("http://Weasley.example/7946", "Potter", email="h@example.com")
    company.drop("members", [{"no": "1", **BEN}, {"no": "2", **link}, {"no": "3"}], name="d")
    company.night(4)
    company.drop_file("forms/e.csv", "first,shade\nAnn,blue\n")
    company.night(5)
    refused = company.ask("select delivery_id from deliveries where delivery_number = 5").item()
    company.decide("refuse", sha256=refused)
    company.drop_file("forms/f.csv", "Harry,Potter,harry@potter.example\n")
    company.night(6)
    company.drop("forms", [ANN, ",".join(HEADERS["forms"]), BEN], name="g")
    company.night(7)
    return company


@pytest.fixture
def say(company: Company, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run the command in this process: its exit code, and what it printed."""

    def run(*words: str) -> tuple[int, str]:
        places = ["--data", str(company.settings.data), "--rules", str(company.settings.rules)]
        code = main(["report", *places, *words])
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


@pytest.fixture
def page(say: Say, tmp_path: Path) -> Callable[[int], str]:
    """The page on the delivery of this number."""

    def write(number: int) -> str:
        out = tmp_path / f"{number}.html"
        code, text = say(str(number), "--out", str(out))
        assert code == 0, text
        return out.read_text("utf-8")

    return write


@pytest.fixture
def told(say: Say) -> Callable[[int], dict[str, Any]]:
    """The report on the delivery of this number, as data."""

    def ask(number: int) -> dict[str, Any]:
        code, text = say(str(number), "--json")
        assert code == 0, text
        answer: dict[str, Any] = json.loads(text)
        return answer

    return ask


class Elements(HTMLParser):
    """The elements of a page, and what they would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names = set[str]()
        self.loaded = list[str]()
        self.listeners = list[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.loaded += [value or "" for name, value in attrs if name in {"src", "href"}]
        self.listeners += [name for name, _ in attrs if name.startswith("on")]


@pytest.mark.parametrize("number", [MIXED, HELD, NO_KEY, FAILED, REFUSED, HEADLESS, BLANK])
def test_nothing_that_was_sent_runs_or_is_loaded(page, number) -> None:
    elements = Elements(page(number))

    assert not elements.names & {"script", "img", "iframe", "object", "form", "b"}
    assert set(elements.loaded) == {"data:,"}
    assert elements.listeners == []


@pytest.mark.parametrize("number", [MIXED, HELD, NO_KEY, FAILED, REFUSED, HEADLESS, BLANK])
def test_no_value_of_a_row_can_be_read(page, say, number) -> None:
    _, data = say(str(number), "--json")

    for text in (page(number), data):
        assert [secret for secret in SECRETS if secret in text] == []


@pytest.mark.parametrize("number", [MIXED, HELD, NO_KEY, FAILED, REFUSED, HEADLESS, BLANK])
def test_the_counts_are_those_of_the_published_row(company, told, page, number) -> None:
    published = company.ask(f"from deliveries where delivery_number = {number}").row(0, named=True)

    answer, text = told(number), page(number)

    names = [f"{name}_count" for name in COUNTS]
    assert [answer[name] for name in names] == [published[name] for name in names]
    shown = dict(re.findall(r"<dt>(\w+)</dt><dd>([^<]+)<", text))
    titles = ["Rows", *(name.capitalize() for name in COUNTS[1:-1]), "Unreadable"]
    shown["Rows"] = re.findall(r"<dt>Rows in</dt><dd>([^<]+)<", text)[0]
    assert [shown[title] for title in titles] == [
        "–" if published[name] is None else str(published[name]) for name in names
    ]
    assert (answer["state"], answer["delivery_id"]) == (
        published["state"],
        published["delivery_id"],
    )


def test_rows_are_counted_by_reason_with_three_examples_at_most(company, told) -> None:
    answer = told(MIXED)

    rows = company.ask(
        "select count(*) from (select unnest(reasons) as reason from quarantine join deliveries "
        f"using (delivery_id) where delivery_number = {MIXED}) where reason = 'ragged_row'"
    ).item()
    assert [(reason["name"], reason["rows"]) for reason in answer["quarantine"]] == [
        ("ragged_row", rows),
        ("unclosed_quote", 1),
    ]
    assert rows == len(HOSTILE) - 1
    assert [row["row_number"] for row in answer["quarantine"][0]["examples"]] == [6, 8, 9]
    assert answer["quarantine"][0]["examples"][1]["cells"] == [
        {"name": None, "shape": "Xxxxx,Xxxxxxx"}
    ]


def test_every_reason_says_what_is_wrong_and_what_to_do(company, told, page) -> None:
    quality = read_rule(company.settings.rules / "quality.toml", Quality)
    seen = set[str]()
    for number in (MIXED, NO_KEY, FAILED):
        text = page(number)
        for reason in told(number)["quarantine"]:
            check = (quality.faults | quality.checks)[reason["name"]]
            assert (reason["says"], reason["do"]) == (check.says, check.do)
            assert check.says in text
            assert check.do in text
            seen.add(reason["name"])
    assert {"ragged_row", "row_has_a_source_key", "name_has_no_link"} <= seen


def test_cells_stand_beside_the_names_that_the_feed_knows(told) -> None:
    reason = told(NO_KEY)["quarantine"][0]

    assert reason["name"] == "row_has_a_source_key"
    assert reason["examples"][0]["cells"] == [
        {"name": "op", "shape": "xxxxxx"},
        {"name": "first", "shape": "Xxx"},
        {"name": "last", "shape": "Xxxxxxx"},
        {"name": "email", "shape": "xxx@xxxxxxx.xxxxxxx"},
    ]


def test_a_held_delivery_says_why_and_what_to_do(told, page) -> None:
    answer, text = told(HELD), page(HELD)

    assert answer["state"] == "held"
    assert "colour" in answer["reason"]
    assert "Held as a whole" in text
    assert "colour" in text
    assert "Name the columns as agreed" in text
    assert "it will be released" in text


def test_a_name_of_a_column_that_is_an_address_is_masked(told) -> None:
    reason = told(HELD)["reason"]

    assert "xxxxxx0000@xxxxxxx.xxx" in reason
    assert "x'xxxxxxx@x.xxx" in reason


def test_rows_that_nobody_misses_need_not_be_sent_again(told) -> None:
    answer = told(BLANK)

    assert [reason["do"] for reason in answer["quarantine"]] == ["Nothing."]
    assert answer["do"] == ["There is nothing to do."]


def test_a_refused_delivery_says_that_nothing_will_enter(page) -> None:
    text = page(REFUSED)

    assert "Refused as a whole" in text
    assert "nothing will" in text


def test_the_page_is_for_its_owner_alone_and_lies_here_unless_told(
    say, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)

    code, text = say(str(HELD))

    assert code == 0
    assert text.count("\n") == 1
    assert f"report-{HELD}.html" in text
    assert [path.name for path in tmp_path.iterdir()] == [f"report-{HELD}.html"]
    assert (tmp_path / f"report-{HELD}.html").stat().st_mode & 0o777 == 0o600


def test_a_question_for_json_leaves_no_page(say, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)

    say(str(HELD), "--json")

    assert list(tmp_path.iterdir()) == []


def test_a_delivery_can_be_named_by_the_start_of_its_id(company, say) -> None:
    name = company.ask("select delivery_id from deliveries where delivery_number = 3").item()

    _, text = say(name[:12], "--json")

    assert json.loads(text)["delivery_id"] == name


@pytest.mark.parametrize("asked", ["99", "abcdef012345", "c.csv", "' or 1=1 --", "1" * 40])
def test_an_unknown_delivery_is_said_in_one_sentence(say, asked) -> None:
    code, text = say("--json", "--", asked)

    assert code == 1
    assert text.startswith("touchstone: The current snapshot has no delivery")
    assert text.count("\n") == 1


def test_a_report_can_be_written_while_a_run_writes(company, told) -> None:
    with one_writer(company.settings.lock):
        assert told(MIXED)["state"] == "taken_in"
