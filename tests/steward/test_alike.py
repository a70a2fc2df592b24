"""Pairs with one agreement pattern are answered at once, by two people who have seen some."""

import html
import re
from collections.abc import Iterator

import httpx
import pytest

from store.settings import Settings
from tests.steward.desks import Office, Person, office
from tests.steward.test_desk import decisions, follow, hidden

WITH_OTHERS = (
    "select item_id from memory.patterns where pattern in ("
    "select pattern from memory.patterns group by pattern having count(*) >= 4) order by item_id"
)


@pytest.fixture
def desk(seeded: Settings) -> Iterator[Office]:
    with office(seeded) as started:
        yield started


def a_pair_with_others(desk: Office, person: Person) -> str:
    """An item whose pattern three others or more have."""
    with desk.desk.snapshots.reading() as snapshot:
        first = snapshot.rows("select item_id from review_items where kind = 'match' limit 1")
        person.get(f"/items/{first[0]['item_id']}/alike")
        return str(snapshot.rows(WITH_OTHERS)[0]["item_id"])


def sample_of(page: httpx.Response) -> list[str]:
    part = page.text.partition('<ol class="openfirst">')[2].partition("</ol>")[0]
    return re.findall(r'href="(/items/[^"?]+)', part)


def opened(person: Person, path: str) -> httpx.Response:
    """The page, once what it asks to be opened was."""
    for item in sample_of(person.get(path)):
        assert person.get(item).status_code == 200
    return person.get(path)


def say(person: Person, page: httpx.Response, answer: str, **more: str) -> httpx.Response:
    ticked = re.findall(r'name="(item_\d+)" value="([^"]+)" checked', page.text)
    form = {name: html.unescape(value) for name, value in ticked} | {"because": "seen"} | more
    where = re.search(r'<form class="workform" method="post" action="([^"]+)"', page.text)
    assert where is not None
    return person.post(where[1], batch_id=hidden(page, "batch_id"), answer=answer, **form)


def test_two_people_answer_many_pairs_at_once(desk: Office) -> None:
    ann, bob = (desk.person(name, "administrator") for name in ("ann", "bob"))
    item = a_pair_with_others(desk, ann)
    page = opened(ann, f"/items/{item}/alike")
    count = page.text.count('name="item_')

    first = say(ann, page, "different").headers["location"]
    between = decisions(desk)
    listed = follow(bob, "/queue?tab=second")
    second = say(bob, opened(bob, first), "different").headers["location"]

    stored = desk.desk.state.decisions.read()
    assert count >= 4
    assert between == []
    assert f'href="{first}"' in listed.text
    assert "What the first person said" not in listed.text
    assert stored["kind"].to_list() == ["different"] * count
    assert stored["item_id"].n_unique() == count
    assert stored["because"].unique().to_list() == [f"seen [batch {first.rpartition('/')[2]}]"]
    assert f"{count}</b> decided" in bob.get(second).text


def test_nothing_is_answered_before_the_sample_was_opened(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    page = ann.get(f"/items/{a_pair_with_others(desk, ann)}/alike")

    answer = say(ann, page, "same")

    assert "All same" not in page.text
    assert answer.status_code == 422
    assert "Open the sample first" in answer.text


def test_the_second_person_is_not_told_what_the_first_one_said(desk: Office) -> None:
    ann, bob = (desk.person(name, "administrator") for name in ("ann", "bob"))
    page = opened(ann, f"/items/{a_pair_with_others(desk, ann)}/alike")
    where = say(ann, page, "different", because="because of the moon").headers["location"]

    seen = bob.get(where).text

    assert "what the first person said is hidden" in seen
    assert "moon" not in seen


def test_the_whole_answer_is_taken_back_by_one_undo(desk: Office) -> None:
    ann, bob = (desk.person(name, "administrator") for name in ("ann", "bob"))
    item = a_pair_with_others(desk, ann)
    first = say(ann, opened(ann, f"/items/{item}/alike"), "different").headers["location"]
    second = say(bob, opened(bob, first), "different").headers["location"]
    count = decisions(desk).count("different")

    bob.post(f"{second}/undo")

    assert decisions(desk).count("undo") == count
    assert bob.get(f"/items/{item}").status_code == 200


def test_who_may_not_answer_at_once_is_not_asked_to(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    item = a_pair_with_others(desk, ann)
    plain = desk.person("eve", "editor")
    steward = desk.person("stan", "editor", ("nowhere",), ("data_steward",))
    where = say(ann, opened(ann, f"/items/{item}/alike"), "same").headers["location"]

    answers = [
        plain.get(f"/items/{item}/alike"),
        steward.get(f"/items/{item}/alike"),
        steward.get(where),
        steward.post(f"{where}/undo"),
    ]

    assert [answer.status_code for answer in answers] == [403, 404, 404, 404]
