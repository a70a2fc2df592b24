"""What was decided about a customer is applied at once, when somebody who may asks for it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shared import Shared
from tests.steward.desks import Office, office
from tests.steward.test_customers import a_company


@pytest.fixture
def desk(shared: Shared, tmp_path: Path) -> Iterator[Office]:
    with office(shared.company(a_company, tmp_path).settings) as started:
        yield started


def anna(desk: Office) -> tuple[str, list[str]]:
    with desk.desk.snapshots.reading() as snapshot:
        rows = snapshot.rows(
            "select customer_id, record_id from crosswalk join customers using (customer_id) "
            "where last_name = 'Großmann' order by record_number"
        )
    return rows[0]["customer_id"], [row["record_id"] for row in rows]


def test_a_pending_value_is_published_within_the_same_visit(desk: Office) -> None:
    adam = desk.person("adam", "administrator")
    customer_id, _ = anna(desk)
    chosen = {"field": "birth_date", "offer": "typed", "typed": "1981-02-01"}
    chosen["because"] = "seen in her passport"
    adam.post(f"/customers/{customer_id}/value", **chosen)
    assert "Apply now" in adam.get(f"/customers/{customer_id}").text

    started = adam.post(f"/customers/{customer_id}/apply")
    assert started.status_code == 303
    assert "A run is under way" in adam.get(started.headers["location"]).text
    until = time.monotonic() + 120
    while desk.desk.runner.last().code is None and time.monotonic() < until:  # type: ignore[union-attr]
        time.sleep(0.2)
    page = adam.get(started.headers["location"]).text

    assert "Applied" in page
    assert "1981-02-01" in page
    assert "Pending" not in page


def test_who_may_not_run_is_not_offered_it(desk: Office) -> None:
    sam = desk.person("sam", "editor", campaigns=("spring",), functions=("data_steward",))
    customer_id, _ = anna(desk)

    assert "Apply now" not in sam.get(f"/customers/{customer_id}").text
    assert sam.post(f"/customers/{customer_id}/apply").status_code == 403


def test_a_second_run_is_refused_while_one_is_under_way(desk: Office) -> None:
    adam = desk.person("adam", "administrator")
    customer_id, _ = anna(desk)
    adam.post(f"/customers/{customer_id}/apply")

    again = adam.post(f"/customers/{customer_id}/apply")

    assert again.status_code == 503
    assert "A run is under way" in again.text
    desk.desk.runner._process.wait()  # type: ignore[union-attr]
