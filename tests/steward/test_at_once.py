"""Several conflicts of one customer are one page; each is stored as a decision of its own item."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from store.settings import Settings
from store.state.scope import Reader
from tests.steward.desks import Office, Person, office
from tests.steward.test_desk import follow, hidden
from tests.steward.test_groups import asked

TWO = """
    select customer_ids[1] as customer, list(item_id order by field) as items,
        list(field order by field) as fields
    from review_items where kind = 'conflict' group by all having count(*) = 2 order by 1"""


@pytest.fixture
def desk(seeded: Settings) -> Iterator[Office]:
    with office(seeded) as started:
        yield started


def two(desk: Office, fields: tuple[str, str]) -> list[str]:
    """The two conflicts of a customer, about these fields in order of their names."""
    every = asked(desk.desk.settings, TWO)
    return next([*one["items"]] for one in every if tuple(one["fields"]) == fields)


def opened(person: Person, item_id: str) -> httpx.Response:
    return follow(person, f"/items/{item_id}")


def save(person: Person, page: httpx.Response, items: list[str], **more: str) -> httpx.Response:
    """Save what is chosen on a page, by item as `answer_ITEM` and the like."""
    names = [f"{name}_{one}" for name in ("version", "verdict_id") for one in items]
    form = {name: hidden(page, name) for name in names}
    return person.post(f"/items/{items[0]}/verdicts", **form, **more)


def chosen(items: list[str], *answers: str) -> dict[str, str]:
    return {f"answer_{one}": answer for one, answer in zip(items, answers, strict=True)}


def decided(desk: Office) -> set[str]:
    return set(desk.desk.state.decisions.read()["item_id"].to_list())


def said(desk: Office, item_id: str) -> list[str]:
    return [given.answer for given in desk.desk.state.work.given(item_id)]


def test_every_open_conflict_of_a_customer_is_a_block_and_is_claimed(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    items = two(desk, ("email", "phone"))

    page = opened(ann, items[0])

    assert page.text.count("data-block") == 2
    assert re.findall(r'data-with="([^"]+)"', page.text) == items[1:]
    assert [desk.desk.state.queue.holders()[one] for one in items] == ["ann", "ann"]


def test_each_is_stored_as_a_verdict_and_a_decision_of_its_own(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    items = two(desk, ("email", "job_title"))

    saved = save(ann, opened(ann, items[0]), items, **chosen(items, "keep", "take"))

    assert saved.status_code == 303
    assert [said(desk, one) for one in items] == [["keep"], ["take"]]
    settled = {one for one in items if not is_drawn_twice(desk, one)}
    assert decided(desk) == settled


def is_drawn_twice(desk: Office, item_id: str) -> bool:
    """Whether it waits for a second person all the same."""
    return desk.desk.state.work.given(item_id)[0].decision_id is None


def test_another_value_of_what_identifies_people_waits_for_a_second_person(desk: Office) -> None:
    items = two(desk, ("email", "phone"))
    pages: dict[str, Any] = {}
    for name in ("ann", "bob"):
        person = desk.person(name, "administrator")
        pages[name] = opened(person, items[0])
        answers = chosen(items, "take", "take")
        assert save(person, pages[name], items, **answers).status_code == 303
        if name == "ann":
            assert decided(desk) == set()

    assert decided(desk) == set(items)
    assert pages["bob"].text.count("second look") >= 2


def test_what_is_not_chosen_stays_with_who_has_it_and_comes_next(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    items = two(desk, ("email", "phone"))

    saved = save(ann, opened(ann, items[0]), items, **chosen(items, "keep", ""))

    assert saved.headers["location"] == f"/items/{items[1]}"
    assert said(desk, items[1]) == []


def test_a_stale_one_is_refused_kindly_and_the_others_are_kept(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    items = two(desk, ("email", "phone"))
    page = opened(ann, items[0])
    bob = Reader("bob", None)
    desk.desk.state.queue.release(Reader("ann", None), items[1])
    desk.desk.state.queue.take(bob, items[1])

    saved = save(ann, page, items, **chosen(items, "keep", "keep"))

    assert saved.status_code == 409
    assert "bob has this item now" in saved.text
    assert "The other one is saved" in saved.text
    assert [said(desk, one) for one in items] == [["keep"], []]


def test_what_cannot_be_used_is_told_and_the_others_are_kept(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    items = two(desk, ("email", "phone"))
    typed = {f"typed_{items[1]}": "not a number"}

    saved = save(ann, opened(ann, items[0]), items, **chosen(items, "keep", "typed"), **typed)

    assert saved.status_code == 422
    assert "What fits is saved" in saved.text
    assert "not a number" in saved.text
    assert [said(desk, one) for one in items] == [["keep"], []]


def test_nothing_chosen_saves_nothing_and_says_so(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    items = two(desk, ("email", "phone"))

    saved = save(ann, opened(ann, items[0]), items, **chosen(items, "", ""))

    assert saved.status_code == 422
    assert "Choose a value for one of them" in saved.text


def test_the_same_form_sent_twice_is_stored_once(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    items = two(desk, ("email", "phone"))
    page = opened(ann, items[0])
    answers = chosen(items, "keep", "keep")

    first, again = save(ann, page, items, **answers), save(ann, page, items, **answers)

    assert (first.status_code, again.status_code) == (303, 303)
    assert [said(desk, one) for one in items] == [["keep"], ["keep"]]


def test_one_of_them_can_wait_for_the_customer(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    items = two(desk, ("email", "phone"))
    page = opened(ann, items[0])
    day = re.search(rf'name="until_{items[1]}"[^>]* value="([^"]+)"', page.text)
    assert day is not None
    more = {f"text_{items[1]}": "which one?", f"until_{items[1]}": day[1]}

    saved = save(ann, page, items, **chosen(items, "keep", "ask"), **more)

    assert saved.status_code == 303
    assert said(desk, items[0]) == ["keep"]
    assert desk.desk.state.asking.of(items[1]) is not None


def test_what_another_has_is_not_on_the_page_to_be_decided(desk: Office) -> None:
    ann, items = desk.person("ann", "administrator"), two(desk, ("email", "phone"))
    desk.desk.state.queue.take(Reader("bob", None), items[1])

    page = opened(ann, items[0])

    assert "data-block" not in page.text
    assert desk.desk.state.queue.holders()[items[1]] == "bob"


def test_who_skips_skips_the_customer(desk: Office) -> None:
    ann, items = desk.person("ann", "administrator"), two(desk, ("email", "phone"))
    opened(ann, items[0])

    ann.post(f"/items/{items[0]}/skip")

    assert set(items).isdisjoint(desk.desk.state.queue.holders())


def test_a_claim_that_is_renewed_is_renewed_for_all_and_the_first_ends_last(desk: Office) -> None:
    ann, items = desk.person("ann", "administrator"), two(desk, ("email", "phone"))
    opened(ann, items[0])

    until = ann.post(f"/items/{items[0]}/renew").text

    mate = desk.desk.state.work.find(Reader("ann", None), items[1])
    assert mate is not None
    assert mate.until is not None
    assert mate.until.isoformat() <= until
