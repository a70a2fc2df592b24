"""What equals a customer is handed to a steward, who says what becomes of it; nothing is lost."""

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.cli import main
from flows.nightly import nightly
from store.state.scope import Reader
from tests.flows.builders import Company, night_time, quiet
from tests.shared import Shared
from tests.steward.desks import Office, Person, office
from tests.steward.entering import with_entries
from tests.steward.test_customers import FOREIGN, XSS
from tests.steward.test_desk import follow

ANNA = {
    "first_name": "Anna",
    "last_name": "Großmann",
    "phone": "07911 123401",
    "company": "Ostwind Ltd",
    "campaign": "spring",
    "remarks": XSS,
}
"""Typed by somebody who sees Anna; her company is new."""
OTTO = {"first_name": "Otto", "last_name": FOREIGN, "phone": "07911 123499", "campaign": "spring"}
"""Equals somebody of another campaign."""
NOBODY = {"first_name": "Olaf", "last_name": "Seltsam", "phone": "07911 123455",
          "campaign": "spring"}  # fmt: skip
CHECKS = "/customers/new/check"


@pytest.fixture
def company(shared: Shared, tmp_path: Path) -> Company:
    return with_entries(shared, tmp_path / "company")


@pytest.fixture
def desk(company: Company) -> Iterator[Office]:
    with office(company.settings) as started:
        yield started


@pytest.fixture
def clerk(desk: Office) -> Person:
    """Types, and decides nothing."""
    return desk.person("eve", "editor", campaigns=("spring",))


@pytest.fixture
def steward(desk: Office) -> Person:
    return desk.person("sam", "editor", campaigns=("spring",), functions=("data_steward",))


def hand_over(clerk: Person, key: str = "one", **typed: str) -> str:
    """The item that came of it."""
    answer = clerk.post("/customers/new/ask", key=key, **(typed or ANNA))
    assert answer.status_code == 303, answer.text
    listed = clerk.get(answer.headers["location"]).text
    return re.findall(r"E-[0-9a-f]{16}", listed)[0]


def say(person: Person, item: str, answer: str, **form: str) -> int:
    """The status of an answer to the item as it is on the screen."""
    page = person.get(f"/items/{item}").text
    hidden = {name: found[1] for name in ("version", "verdict_id")
              if (found := re.search(rf'name="{name}" value="([^"]+)"', page))}  # fmt: skip
    return person.post(f"/items/{item}/verdict", answer=answer, **hidden, **form).status_code


def spooled(desk: Office) -> str:
    files = desk.desk.settings.spool.glob("desk_entry/*")
    return "".join(path.read_text("utf-8") for path in files)


def kinds(desk: Office) -> list[str]:
    return [str(kind) for kind in desk.desk.state.decisions.read()["kind"]]


def customers_of(company: Company, where: str) -> list[str]:
    found = company.ask(f"select distinct customer_id from crosswalk where {where} order by all")
    return [str(one) for one in found["customer_id"]]


ENTERED = "source = 'desk_entry'"
ANNAS = "record_id = 'members:M1'"


def test_an_equal_customer_is_not_saved_and_a_steward_can_be_asked(
    desk: Office, clerk: Person
) -> None:
    shown = clerk.post(CHECKS, **ANNA).text
    saved = clerk.post("/customers/new", key="one", **ANNA)

    assert saved.status_code == 422
    assert 'formaction="/customers/new/ask"' in shown
    assert "Ask a steward" in saved.text
    assert spooled(desk) == ""


def test_who_has_not_typed_enough_asks_nobody(clerk: Person) -> None:
    some = ANNA | {"campaign": ""}

    assert "/customers/new/ask" not in clerk.post(CHECKS, **some).text
    assert clerk.post("/customers/new/ask", key="one", **some).status_code == 422


def test_what_was_typed_stands_beside_the_customer_and_markup_is_text(
    clerk: Person, steward: Person
) -> None:
    item = hand_over(clerk)

    queue, page = follow(steward, "/queue").text, steward.get(f"/items/{item}").text

    assert item in queue
    assert "Ostwind Ltd" in page
    assert "not known yet" in page
    assert "Anna Großmann" in html.unescape(page)
    assert XSS not in page
    assert FOREIGN not in page


def test_sent_twice_it_waits_once(desk: Office, clerk: Person) -> None:
    assert hand_over(clerk) == hand_over(clerk)

    waiting = desk.desk.state.work.waiting(Reader("root", None), ("entry",), 9)
    assert len(waiting) == 1


def test_who_typed_it_reads_what_became_of_it_and_nobody_else_does(
    desk: Office, clerk: Person, steward: Person
) -> None:
    item = hand_over(clerk)
    assert clerk.get(f"/items/{item}/preview").status_code == 404
    before = clerk.get("/customers/typed").text
    say(steward, item, "discard", because="typed by mistake")

    after, others = clerk.get("/customers/typed").text, steward.get("/customers/typed").text

    assert "waits for a steward" in before
    assert "Großmann" in html.unescape(before)
    assert "typed by mistake" in after
    assert item not in others
    assert [one for one in desk.noted() if one[0] == "eve"][-1] == ("eve", "ask_steward")


def test_the_same_customer_gets_what_was_typed_with_the_next_run(
    company: Company, desk: Office, clerk: Person, steward: Person
) -> None:
    item = hand_over(clerk)

    assert say(steward, item, "same") == 303
    pending = steward.get(f"/customers/{customers_of(company, ANNAS)[0]}").text
    company.night(3)

    assert kinds(desk)[-1] == "same"
    assert "<b>Pending</b>" in pending
    assert customers_of(company, ENTERED) == customers_of(company, ANNAS)
    told = company.ask(f"select company, email from customers where customer_id in "
                       f"(select customer_id from crosswalk where {ANNAS})")  # fmt: skip
    assert told.rows() == [("Ostwind Ltd", "anna@post.org")]
    assert "not kept here any more" in clerk.get("/customers/typed").text


def test_a_run_between_that_takes_nothing_in_forgets_no_decision(
    company: Company, desk: Office, clerk: Person, steward: Person
) -> None:
    item = hand_over(clerk, **(ANNA | {"phone": "", "email": "anna@post.org"}))
    say(steward, item, "different")
    nightly(company.settings, night_time(3), quiet, takes_in=False)
    company.night(4)

    assert len(customers_of(company, ENTERED)) == 1
    assert customers_of(company, ENTERED) != customers_of(company, ANNAS)


def test_another_customer_is_entered_and_never_put_together_with_that_one(
    company: Company, desk: Office, clerk: Person, steward: Person
) -> None:
    item = hand_over(clerk)

    assert say(steward, item, "different") == 303
    company.night(3)
    company.rebuild(4)

    assert len(customers_of(company, ENTERED)) == 1
    assert customers_of(company, ENTERED) != customers_of(company, ANNAS)


def test_a_night_keeps_what_no_steward_has_answered(
    company: Company, clerk: Person, steward: Person
) -> None:
    item = hand_over(clerk)
    company.night(3)

    assert "Ostwind Ltd" in steward.get(f"/items/{item}").text
    assert say(steward, item, "same") == 303


def test_to_discard_takes_a_reason_and_nothing_comes_in(
    desk: Office, clerk: Person, steward: Person
) -> None:
    item = hand_over(clerk)

    without, given = say(steward, item, "discard"), say(steward, item, "discard", because="a test")

    assert (without, given) == (422, 303)
    assert kinds(desk)[-1] == "discard"
    assert spooled(desk) == ""


def test_an_answer_is_undone_but_what_was_let_in_is_not_discarded_any_more(
    desk: Office, clerk: Person, steward: Person
) -> None:
    item = hand_over(clerk)
    say(steward, item, "same")
    verdict = desk.desk.state.work.last_given("sam", ("entry",))
    assert verdict is not None

    steward.post(f"/verdicts/{verdict.verdict_id}/undo")
    page = steward.get(f"/items/{item}").text

    assert kinds(desk)[-2:] == ["same", "undo"]
    assert "discarded no more" in page
    assert say(steward, item, "discard", because="a test") == 422
    assert say(steward, item, "different") == 303
    assert spooled(desk).count("Ostwind") == 1


def test_who_is_unsure_has_somebody_else_asked(
    desk: Office, clerk: Person, steward: Person
) -> None:
    root = desk.person("root", "administrator")
    item = hand_over(clerk)

    assert say(steward, item, "unsure") == 303
    assert steward.get(f"/items/{item}").status_code == 409
    assert item in follow(root, "/queue?tab=second").text
    assert say(root, item, "same") == 303
    assert kinds(desk)[-1] == "same"


def test_an_entry_that_equals_somebody_out_of_scope_looks_like_any_other(
    company: Company, desk: Office, clerk: Person
) -> None:
    def blanked(person: Person, path: str, typed: dict[str, str]) -> str:
        text = html.unescape(person.post(path, key="k", **typed).text)
        for word in sorted({*typed.values(), "+44 7911 123499", "+44 7911 123455"}, key=len):
            text = text.replace(word, "·")
        return re.sub(r"[0-9a-f-]{36}", "·", text)

    for path in (CHECKS, "/customers/new/ask"):
        assert blanked(clerk, path, OTTO) == blanked(clerk, path, NOBODY)
    assert clerk.post("/customers/new/ask", key="k", **OTTO).status_code == 422
    assert desk.desk.state.work.waiting(Reader("root", None), ("entry",), 9) == []
    assert clerk.post("/customers/new", key="k", **OTTO).status_code == 303
    company.night(3)
    assert customers_of(company, ENTERED) == customers_of(company, "record_id = 'members:M2'")


def test_who_asked_and_may_not_answer_keeps_it_from_nobody(clerk: Person, steward: Person) -> None:
    item = hand_over(clerk)

    assert clerk.get(f"/items/{item}").status_code == 404
    assert steward.get(f"/items/{item}").status_code == 200


def test_who_does_not_see_both_records_sees_nothing_of_the_item(
    desk: Office, clerk: Person
) -> None:
    both = desk.person("ben", "editor", campaigns=("spring", "dach"), functions=("data_steward",))
    dach = desk.person("dora", "editor", campaigns=("dach",), functions=("data_steward",))
    spring = desk.person("sue", "editor", campaigns=("spring",), functions=("data_steward",))
    otto = hand_over(both, **OTTO)
    anna = hand_over(clerk)

    seen = {
        person.name: [person.get(f"/items/{item}").status_code for item in (otto, anna)]
        for person in (both, dach, spring)
    }

    assert seen == {"ben": [200, 200], "dora": [404, 404], "sue": [404, 409]}
    assert otto not in spring.get("/dashboard").text


def test_what_waits_is_told_to_the_person_and_goes_when_they_are_erased(
    company: Company, desk: Office, clerk: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    item = hand_over(clerk)
    words = ["--data", str(company.settings.data), "--rules", str(company.settings.rules)]

    main(["export", "members:M1", "--json", *words])
    told = capsys.readouterr().out
    main(["decide", item, "same", "--by", "ann", "--because", "why", *words])
    refused = capsys.readouterr().err
    code = main(["erase", "members:M1", "--by", "ann", *words])

    assert "Ostwind Ltd" in told
    assert "is answered at the desk" in refused
    assert code == 0, capsys.readouterr().err
    handed = desk.desk.state.entries.of(item)
    assert handed is not None
    assert (handed.content, handed.record_id) == ("", "")
    assert clerk.get("/customers/typed").text.count("closed") == 1


def test_where_the_customer_is_gone_the_entry_can_still_be_entered(
    company: Company, desk: Office, clerk: Person, steward: Person
) -> None:
    item = hand_over(clerk)
    with desk.desk.state.engine.begin() as connection:
        connection.exec_driver_sql("update entries set record_id = 'forms:gone'")

    assert "is not here any more" in steward.get(f"/items/{item}").text
    assert say(steward, item, "same") == 422
    assert say(steward, item, "enter") == 303
    assert kinds(desk)[-1] == "enter"
    company.night(3)
    assert len(customers_of(company, ENTERED)) == 1
