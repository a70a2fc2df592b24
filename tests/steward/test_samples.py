"""Chance shows some items without their score, and has some judged by a second person."""

import re
from collections.abc import Iterator

import pytest

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
        query = "select item_id from items where kind = 'match' and state = 'open' limit 1"
        return person.get(f"/items/{connection.exec_driver_sql(query).scalar_one()}").text


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
