"""Entering customers, runs, deliveries, the dashboard and people, within what each may do."""

import re
from collections.abc import Iterator
from typing import Any, cast

import pytest

from rules.matching import Drift
from steward.desk.drift import drift_of
from steward.desk.trail import neutral
from store.opened import Snapshot
from tests.shared import Shared
from tests.steward.desks import Office, Person, office
from tests.steward.entering import with_entries
from tests.steward.test_customers import FOREIGN, XSS, id_of

ENTRY = {"first_name": "Zoë", "last_name": "Nagy", "email": "zoe@nagy.hu", "campaign": "spring"}


@pytest.fixture(scope="module")
def desk(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    company = with_entries(shared, tmp_path_factory.mktemp("records"))
    with office(company.settings) as started:
        yield started


@pytest.fixture(scope="module")
def spring(desk: Office) -> Person:
    return desk.person("sam", "editor", campaigns=("spring",), functions=("data_steward",))


@pytest.fixture(scope="module")
def adam(desk: Office) -> Person:
    return desk.person("adam", "administrator")


def spooled(desk: Office) -> str:
    files = desk.desk.settings.spool.glob("desk_entry/*")
    return "".join(path.read_text("utf-8") for path in files)


def test_an_entry_is_kept_once_however_often_it_is_sent(desk: Office, spring: Person) -> None:
    first = spring.post("/customers/new", key="one", **ENTRY)
    again = spring.post("/customers/new", key="one", **ENTRY)

    assert first.status_code == again.status_code == 303
    assert spring.get(first.headers["location"]).status_code == 200
    assert spooled(desk).count("zoe@nagy.hu") == 1
    assert '"clerk": "sam"' in spooled(desk)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"last_name": "Only"}, "a contact that is valid"),
        ({"email": "x@nagy.hu", "campaign": "spring"}, "a name"),
        ({"last_name": "Nagy", "email": "nonsense", "campaign": "spring"}, "valid"),
        ({"last_name": "Nagy", "email": "x@nagy.hu"}, "a campaign"),
    ],
)
def test_a_draft_is_no_record(spring: Person, form: dict[str, str], says: str) -> None:
    answer = spring.post("/customers/new", key="draft", **form)

    assert answer.status_code == 422
    assert says in answer.text


def test_who_is_here_already_is_shown_while_typing_and_not_saved_again(spring: Person) -> None:
    anna = {"first_name": "anna", "last_name": "GROSSMANN", "phone": "+44 7911 123401"}

    shown = spring.post("/customers/new/check", **anna).text
    saved = spring.post("/customers/new", key="anna", campaign="spring", **anna)

    assert "same name" in shown
    assert "same phone" in shown
    assert FOREIGN not in shown
    assert saved.status_code == 422


def test_a_likely_duplicate_wants_a_reason_that_is_kept(desk: Office, spring: Person) -> None:
    wife = {"last_name": "Other", "phone": "+44 7911 123401", "campaign": "spring"}

    without = spring.post("/customers/new", key="wife", **wife)
    told = spring.post("/customers/new", key="wife", because="his wife", **wife)

    assert (without.status_code, told.status_code) == (422, 303)
    assert '"because": "his wife"' in spooled(desk)


def test_who_was_born_on_another_day_is_entered_with_a_reason(desk: Office, spring: Person) -> None:
    daughter = {
        "first_name": "Anna",
        "last_name": "Großmann",
        "phone": "+44 7911 123401",
        "birth_date": "2007-05-06",
    }

    shown = spring.post("/customers/new/check", **daughter).text
    told = spring.post(
        "/customers/new", key="daughter", because="her daughter", campaign="spring", **daughter
    )

    assert "another birth date" in shown
    assert told.status_code == 303
    assert '"because": "her daughter"' in spooled(desk)


def test_duplicates_out_of_scope_are_not_told_of(spring: Person) -> None:
    shown = spring.post(
        "/customers/new/check", first_name="Otto", last_name=FOREIGN, phone="+44 7911 123499"
    ).text

    assert "/customers/C" not in shown
    assert (
        spring.post(
            "/customers/new",
            key="x",
            campaign="dach",
            **{"last_name": "Nagy", "email": "y@nagy.hu"},
        ).status_code
        == 404
    )


def test_an_entry_shows_markup_as_text(spring: Person) -> None:
    page = spring.post("/customers/new", last_name=XSS, city=XSS, remarks=XSS).text

    assert XSS not in page


@pytest.mark.parametrize(
    "path",
    ["/runs", "/runs/R0001", "/deliveries", "/dashboard", "/dashboard/scorecard", "/account"],
)
def test_pages_answer_and_tell_nothing_of_other_campaigns(
    spring: Person, adam: Person, path: str
) -> None:
    here, whole = spring.get(path), adam.get(path)

    assert here.status_code == whole.status_code == 200
    for word in (FOREIGN, "members", "Members", "dach", "All members"):
        assert word not in here.text


def test_a_delivery_of_another_source_is_not_there(spring: Person, adam: Person) -> None:
    numbers = re.findall(r'href="/deliveries/([0-9]+)"', adam.get("/deliveries").text)

    seen = {number: spring.get(f"/deliveries/{number}").status_code for number in numbers}

    assert sorted(seen.values()) == [200, 404]
    assert all(adam.get(f"/deliveries/{number}").status_code == 200 for number in numbers)


def test_only_administrators_run_publish_and_configure(spring: Person) -> None:
    posts = ("/runs/now", "/runs/R0001/publish", "/administration/people")

    assert [spring.post(path, sure="yes").status_code for path in posts] == [403] * 3
    assert spring.get("/administration").status_code == 403


def test_the_report_on_a_run_is_for_administrators(spring: Person, adam: Person) -> None:
    page = adam.get("/runs/R0001/report")

    assert "From arrival to active" in page.text
    assert "script-src" not in page.headers["Content-Security-Policy"]
    assert '/runs/R0001/report"' in adam.get("/runs").text
    assert '/runs/R0001/report"' in adam.get("/runs/R0001").text
    assert adam.get("/runs/R0099/report").status_code == 404
    assert adam.get("/runs/..%2f..%2fwarehouse/report").status_code == 404
    assert spring.get("/runs/R0001/report").status_code == 403
    assert "/report" not in spring.get("/runs").text


class Night:
    """A snapshot of a night that measured this."""

    def rows(self, _query: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        rows = [("level_shift", "email", 0.4), ("level_shift", "phone", 0.3),
                ("level_shift", "city", 0.1), ("growth", "match", 0.5)]  # fmt: skip
        assert {measure for measure, _, _ in rows} <= set(values["measures"])
        return [dict(zip(("measure", "field", "value"), row, strict=True)) for row in rows]


def test_a_run_tells_all_that_is_past_its_limit_first() -> None:
    told = drift_of(cast(Snapshot, Night()), "R0001", Drift())

    assert [(one.title.rpartition(": ")[2], one.is_past) for one in told] == [
        ("e-mail", True),
        ("phone", True),
        ("records, in times of those the model knows", False),
    ]


def test_each_page_is_of_a_section(adam: Person) -> None:
    paths = {"/left-out": "Records", "/joined": "Conflicts", "/deliveries": "Runs",
             "/audit": "Administration"}  # fmt: skip

    shown = {path: re.search(r'aria-current="page">(\w+)', adam.get(path).text) for path in paths}

    assert {path: found and found[1] for path, found in shown.items()} == paths


def test_readers_are_led_to_a_kept_snapshot_with_a_reason(desk: Office, adam: Person) -> None:
    assert adam.post("/runs/R0001/publish").status_code == 422
    assert adam.post("/runs/R0099/publish", because="a bad night").status_code == 404
    assert adam.post("/runs/R0001/publish", because="a bad night").status_code == 303
    assert desk.noted()[-1] == ("adam", "lead_readers")


def test_a_person_is_added_changed_and_signed_out(desk: Office, adam: Person) -> None:
    added = adam.post("/administration/people", name="new.one", role="editor",
                      campaigns="spring, dach", function_data_steward="yes")  # fmt: skip
    twice = adam.post("/administration/people", name="new.one", role="editor")
    person = desk.person("new.one")
    before = person.get("/account").status_code
    changed = adam.post("/administration/people/new.one", role="viewer", campaigns="dach",
                        is_active="yes")  # fmt: skip
    user = desk.desk.state.people.find("new.one")

    assert "/invitation/" in added.text
    assert twice.status_code == 422
    assert before == 200
    assert changed.status_code == 303
    assert user is not None
    assert (user.role, user.campaigns, user.functions) == ("viewer", {"dach"}, frozenset())
    assert person.get("/account").headers["location"].startswith("/sign-in")


def test_nobody_changes_what_they_may_do_themselves(desk: Office, adam: Person) -> None:
    answer = adam.post("/administration/people/adam", role="viewer", is_active="no")

    assert answer.status_code == 422
    user = desk.desk.state.people.find("adam")
    assert user is not None
    assert user.role == "administrator"


def test_people_read_their_own_trail_and_administrators_all(spring: Person, adam: Person) -> None:
    adam.get(f"/customers/{id_of(adam, '/customers?q=bert')}")

    assert ">adam<" not in spring.get("/audit?who=adam").text
    assert "adam" not in spring.get("/audit.csv?who=adam").text
    assert ">adam<" in adam.get("/audit?what=look").text
    assert adam.get("/audit.csv").headers["content-type"].startswith("text/csv")


def test_an_export_that_is_not_all_says_so(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steward.desk.trail.EXPORTED", 2)
    zoe = desk.person("zoe", campaigns=("spring",))
    for _ in range(3):
        zoe.get("/customers/C1-2")

    lines = zoe.get("/audit.csv").text.splitlines()

    assert len(lines) == 4
    assert "Only the newest 2 rows are here" in lines[-1]


def test_so_many_exports_a_minute_and_no_more(desk: Office) -> None:
    yan = desk.person("yan", campaigns=("spring",))

    answers = [yan.get("/audit.csv").status_code for _ in range(8)]

    assert answers[:5] == [200] * 5
    assert answers[-1] == 429


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_cell_of_an_export_is_a_formula(cell: str) -> None:
    assert neutral(cell) == f"'{cell}"
    assert neutral("C1-4") == "C1-4"


def test_signing_out_everywhere_ends_every_session(desk: Office) -> None:
    here, there = desk.person("tom", campaigns=("spring",)), desk.person("tom")

    here.post("/account/end-all")

    assert there.get("/account").headers["location"].startswith("/sign-in")
