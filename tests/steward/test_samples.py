"""Chance shows some items without their score, and has some judged by a second person."""

import re
from collections.abc import Iterator

import pytest

from rules.queues import SAMPLE
from store.settings import Settings
from tests.steward.desks import Office, Person, office
from tests.steward.test_desk import decisions, follow, say
from transforms.agreement import is_drawn


@pytest.fixture
def desk(seeded: Settings) -> Iterator[Office]:
    with office(seeded) as started:
        yield started


def ruled(desk: Office, *, blind: float, twice: float) -> None:
    """All items, or none, are of the sample."""
    queues = desk.desk.rulebook.queues
    changes = {"blind_share": blind, "twice_share": twice, "second_look_from": None}
    every = {
        kind: getattr(queues, kind).model_copy(update=changes) for kind in ("match", "cluster")
    }
    rulebook = desk.desk.rulebook._replace(queues=queues.model_copy(update=every))
    desk.app.state.desk = desk.desk._replace(rulebook=rulebook)


def a_pair(desk: Office, person: Person) -> str:
    with desk.desk.state.engine.connect() as connection:
        query = "select item_id from items where kind = 'match' and state = 'open'"
        names = set(connection.exec_driver_sql(query).scalars())
    asked = min(names - {item_id for item_id, *_ in drawn(desk)})
    return person.get(f"/items/{asked}").text


def test_an_item_of_the_sample_tells_nothing_of_its_score(desk: Office) -> None:
    ruled(desk, blind=1, twice=0)
    ann = desk.person("ann", "administrator")

    page = a_pair(desk, ann)
    shown = ann.post("/blind", back="/queue")
    after = a_pair(desk, ann)

    assert shown.status_code == 303
    for text in (page, after):
        assert "Score hidden for this one" in text
        assert "likely the same" not in text
        assert 'class="wf"' not in text
        assert 'class="label ask"' not in text


def drawn(desk: Office) -> list[tuple[str, list[str], float]]:
    """Items that chance drew from all pairs: their customers and match weights."""
    with desk.desk.snapshots.reading() as snapshot:
        rows = snapshot.rows(
            "select item_id, customer_ids, match_weight from review_items "
            f"where why = '{SAMPLE}' order by item_id"
        )
    return [(row["item_id"], row["customer_ids"], row["match_weight"]) for row in rows]


def test_a_pair_that_chance_drew_tells_neither_its_score_nor_whose_it_is(desk: Office) -> None:
    ruled(desk, blind=0, twice=0)
    ann, link = desk.person("ann", "administrator"), desk.desk.rulebook.matching.thresholds.link
    items = drawn(desk)
    linked, apart = (
        next(one for one in items if (len(one[1]) == 1 and one[2] >= link) == is_linked)
        for is_linked in (True, False)
    )

    for item_id, customers, _ in (linked, apart):
        page = ann.get(f"/items/{item_id}").text
        main = page.partition('<main class="main"')[2]
        assert "Chosen by chance" in main
        assert "Are these the same customer?" in main
        assert not [one for one in customers if re.search(rf"\b{one}\b", main)]
        for told in ("likely the same", 'class="wf"', "At stake", "all records", "preview"):
            assert told not in main
        assert ann.get(f"/items/{item_id}/preview").status_code == 404
        assert ann.get(f"/items/{item_id}/alike").status_code == 409
        assert 'name="group_' not in ann.get(f"/items/{item_id}?view=cluster").text


def test_a_customer_does_not_tell_that_chance_asks_about_it(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    item_id, customers, _ = next(one for one in drawn(desk) if len(one[1]) == 1)

    assert item_id not in ann.get(f"/customers/{customers[0]}").text


def test_taking_a_customer_apart_takes_two_and_leaving_it_one(desk: Office) -> None:
    ruled(desk, blind=0, twice=0)
    ann, bob = (desk.person(name, "administrator") for name in ("ann", "bob"))
    one, *_ = (item_id for item_id, customers, _ in drawn(desk) if len(customers) == 1)

    page = ann.get(f"/items/{one}")
    say(ann, page, "different")
    between = decisions(desk)
    say(bob, bob.get(f"/items/{one}"), "different")

    assert between == []
    assert decisions(desk) == ["different"]


def test_that_a_linked_pair_is_one_customer_takes_one_person(desk: Office) -> None:
    ruled(desk, blind=0, twice=0)
    ann = desk.person("ann", "administrator")
    one, *_ = (item_id for item_id, customers, _ in drawn(desk) if len(customers) == 1)

    say(ann, ann.get(f"/items/{one}"), "same")

    assert decisions(desk) == ["same"]


def test_an_item_that_is_not_of_the_sample_shows_its_score(desk: Office) -> None:
    ruled(desk, blind=0, twice=0)

    page = a_pair(desk, desk.person("ann", "administrator"))

    assert "likely the same" in page
    assert 'class="label ask"' in page


def test_an_item_that_is_judged_twice_is_decided_by_two(desk: Office) -> None:
    ruled(desk, blind=0, twice=1)
    ann, bob = (desk.person(name, "administrator") for name in ("ann", "bob"))
    page = follow(ann, "/queue")

    say(ann, page, "different")
    between = decisions(desk)
    say(bob, follow(bob, "/queue?tab=second"), "different")

    assert "second" not in page.text.partition('<main class="main"')[2].partition("</main>")[0]
    assert between == []
    assert decisions(desk) == ["different"]


def test_the_dashboard_tells_how_well_two_people_agree(desk: Office) -> None:
    ruled(desk, blind=0, twice=1)
    ann, bob = (desk.person(name, "administrator") for name in ("ann", "bob"))
    for number in range(30):
        say(ann, follow(ann, "/queue"), "different")
        say(bob, follow(bob, "/queue?tab=second"), "different" if number % 3 else "same")

    told = bob.get("/dashboard").text

    found = re.search(r"agreed on <b class=\"num\">(\d+) %</b> of (\d+) pairs", told)
    assert found is not None
    assert found.groups() == ("67", "30")
    assert "kappa 0.00" in told
    assert re.search(r"half within \d+ s, nine in ten within \d+ ", told) is not None


def test_what_two_had_to_see_by_the_rules_is_not_counted(desk: Office) -> None:
    ruled(desk, blind=0, twice=0)
    ann, bob = (desk.person(name, "administrator") for name in ("ann", "bob"))
    page = follow(ann, "/queue")
    say(ann, page, "unsure")
    say(bob, follow(bob, "/queue?tab=second"), "different")

    assert "too few judged twice (0 of 30)" in ann.get("/dashboard").text


def test_so_many_are_drawn_as_the_rules_say(desk: Office) -> None:
    queue = desk.desk.rulebook.queues.match
    with desk.desk.state.engine.connect() as connection:
        items = [str(row[0]) for row in connection.exec_driver_sql("select item_id from items")]

    drawn = sum(is_drawn(item, "twice", queue.twice_share) for item in items)

    assert 0 < drawn < len(items) / 4


def test_who_is_asked_because_two_differ_sees_both_and_why(desk: Office) -> None:
    ruled(desk, blind=0, twice=1)
    ann, bob, cai = (desk.person(name, "administrator") for name in ("ann", "bob", "cai"))
    page = follow(ann, "/queue")
    item = page.url.path

    say(ann, page, "different", because="another birth date")
    seen = bob.get(item)
    say(bob, seen, "same", because="one mailbox")
    third = cai.get(item).text

    assert "another birth date" not in seen.text
    assert "what the first person said is hidden" in seen.text
    assert "two people differ" in third
    for told in (
        "<b>ann</b> said different",
        "another birth date",
        "<b>bob</b> said same",
        "one mailbox",
    ):
        assert told in third
