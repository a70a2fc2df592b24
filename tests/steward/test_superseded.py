"""Who answers what tonight's run has changed is told what is not as they saw it."""

import re

import httpx
import pytest

from tests.flows.builders import Cells, Company, person
from tests.steward.desks import Office, Person, office
from tests.steward.test_desk import follow, hidden, item_of

LINK = "I-46D3CF93EC"
"""Between the second and the third member."""
CONFLICT = "I-E229D81FDC"
"""Of the birth dates of members:4 and partner:4."""
MEMBERS = (
    person("Springmark", "Oakfield", no="1", email="s.oak@post.org", city="Springtown"),
    person("Springmark", "Oakfeild", no="2", phone="07400 123455", postcode="SW1A 1AA"),
    person("Springmarc", "Oakfield", no="3", born="1980-01-01", postcode="SW1A 1AA"),
    person("Mixed", "Marker", no="4", email="mixed@post.org", born="1970-02-03"),
)


def send(company: Company, **changed: str) -> None:
    """All members once more, one of them otherwise."""
    rows: list[Cells | str] = [
        {**row, **(changed if row["no"] == changed["no"] else {})} for row in MEMBERS
    ]
    company.drop("members", rows)


def answered(person: Person, page: httpx.Response, answer: str) -> httpx.Response:
    names = ("version", "verdict_id", "run")
    form = {name: hidden(page, name) for name in names}
    return person.post(f"/items/{item_of(page)}/verdict", **form, answer=answer)


def told(answer: httpx.Response) -> list[list[str]]:
    """The rows of what changed: record, field, before, now."""
    rows = re.findall(r"<tr><td.*?</tr>", answer.text)
    return [
        [re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<td.*?</td>", row)] for row in rows
    ]


def stewards(desk: Office) -> tuple[Person, Person]:
    sam = desk.person("sam", campaigns=("spring",), functions=("data_steward",))
    return sam, desk.person("ada", "administrator")


def test_what_a_run_changed_is_told_and_nothing_saved(campaigns: Company) -> None:
    with office(campaigns.settings) as desk:
        sam, _ = stewards(desk)
        page = follow(sam, f"/items/{LINK}")
        send(campaigns, no="2", phone="07400 123499", born="1980-01-11")
        campaigns.night(2)

        answer = answered(sam, page, "different")

        assert answer.status_code == 409
        assert "This is not as you saw it" in answer.text
        assert "you saw run R0001, this is run R0002" in answer.text
        label = "All members, every night anew 2"
        assert [label, "Phone", "+44 7400 123455", "+44 7400 123499"] in told(answer)
        assert [label, "Birth date", "nothing", "1980-01-11"] in told(answer)
        assert f'href="/items/{LINK}"' in answer.text
        assert desk.desk.state.decisions.read().is_empty()
        assert answered(sam, follow(sam, f"/items/{LINK}"), "different").status_code == 303


def test_nothing_of_other_campaigns_is_told(campaigns: Company) -> None:
    with office(campaigns.settings) as desk:
        sam, ada = stewards(desk)
        page = follow(sam, f"/items/{LINK}")
        send(campaigns, no="2", phone="07400 123499", born="1980-01-11")
        joins = person("Springmark", "Oakfeild", op="I", id="9", phone="07400 123499",
                       born="1980-01-11", city="Autumnville", postcode="SW1A 1AA")  # fmt: skip
        campaigns.drop("partner", [joins])
        campaigns.night(2)

        answer = answered(sam, page, "different")
        desk.desk.state.queue.release_all("sam")
        whole = answered(ada, page, "different")

    assert "+44 7400 123499" in answer.text
    for mark in ("Autumn", "partner"):
        assert mark not in answer.text
    assert "What changed at a partner 9 came to" in whole.text


def test_a_conflict_that_a_run_settled_says_by_what(campaigns: Company) -> None:
    with office(campaigns.settings) as desk:
        _, ada = stewards(desk)
        page = follow(ada, f"/items/{CONFLICT}")
        send(campaigns, no="4", born="1970-03-02")
        campaigns.night(2)

        answer = answered(ada, page, "keep")
        later = ada.get(f"/items/{CONFLICT}")

        assert answer.status_code == 409
        assert "This question is settled" in answer.text
        label = "All members, every night anew 4"
        assert [label, "Birth date", "1970-02-03", "1970-03-02"] in told(answer)
        assert desk.desk.state.decisions.read().is_empty()
    assert (later.status_code, "A run has settled this" in later.text) == (409, True)


def test_a_conflict_that_is_another_now_shows_both_values(campaigns: Company) -> None:
    with office(campaigns.settings) as desk:
        _, ada = stewards(desk)
        page = follow(ada, f"/items/{CONFLICT}")
        changed = person("Mixed", "Marker", op="U", id="4", email="mixed@post.org",
                         born="1970-03-22", city="Autumncity")  # fmt: skip
        campaigns.drop("partner", [changed])
        campaigns.night(2)

        answer = answered(ada, page, "take")

    assert answer.status_code == 409
    assert any(row[1:] == ["Birth date", "1970-03-02", "1970-03-22"] for row in told(answer))


@pytest.mark.parametrize("forgotten", ["run", "snapshot"])
def test_what_cannot_be_told_any_more_is_refused_all_the_same(
    campaigns: Company, forgotten: str
) -> None:
    with office(campaigns.settings) as desk:
        sam, _ = stewards(desk)
        page = follow(sam, f"/items/{LINK}")
        send(campaigns, no="2", phone="07400 123499", born="1980-01-11")
        campaigns.night(2)
        form = {name: hidden(page, name) for name in ("version", "verdict_id")}
        run = {"run": "../R0001"} if forgotten == "run" else {"run": "R0000"}

        answer = sam.post(f"/items/{LINK}/verdict", **form, **run, answer="different")

    assert answer.status_code == 409
    assert "not as you saw it" in answer.text


def test_who_was_quicker_is_still_named(campaigns: Company) -> None:
    with office(campaigns.settings) as desk:
        sam, ada = stewards(desk)
        page = follow(sam, f"/items/{LINK}")
        desk.desk.state.queue.release_all("sam")
        answered(ada, follow(ada, f"/items/{LINK}"), "different")
        campaigns.night(2)

        answer = answered(sam, page, "different")

    assert "ada decided this at" in answer.text or "A run has settled" in answer.text
