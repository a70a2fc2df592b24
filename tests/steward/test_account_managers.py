"""Account managers answer for their own customers, and what is past due is found and shown."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.cli import main
from flows.escalating import escalate
from store.settings import Settings
from store.state.people import User
from tests.flows.builders import Company
from tests.steward.desks import Office, office
from tests.steward.test_desk import follow, item_of, say

LONG_AFTER = datetime(2030, 1, 1, tzinfo=UTC)


def mona(desk: Office, *accounts: str) -> None:
    functions = frozenset({"account_manager"})
    campaigns = frozenset({"spring"})
    user = User("mona", "editor", True, campaigns, frozenset(), functions, frozenset(accounts))  # type: ignore[arg-type]  # of those there are
    desk.desk.state.people.add(user)


def test_a_manager_decides_an_item_of_her_customers(campaigns: Company) -> None:
    with office(campaigns.settings) as desk:
        mona(desk, "source:members")
        manager = desk.person("mona")
        page = follow(manager, "/queue")

        answer = say(manager, page, "different")

        stored = desk.desk.state.decisions.read()
    assert "account of mona" in page.text
    assert answer.status_code == 303
    assert stored["decided_by"].to_list() == ["mona"]
    assert stored["item_id"].to_list() == [item_of(page)]


def test_a_manager_of_others_has_nothing_to_answer_and_no_way_to(campaigns: Company) -> None:
    with office(campaigns.settings) as desk:
        mona(desk, "source:partner")
        manager = desk.person("mona")
        stan = desk.person("stan", "editor", ("spring",), ("data_steward",))
        item = item_of(follow(stan, "/queue"))

        empty, asked = follow(manager, "/queue"), manager.get(f"/items/{item}")

    assert "Nothing waits for you here" in empty.text
    assert asked.status_code == 409
    assert "Springmark" not in asked.text


def test_a_list_of_single_customers_is_given_to_a_manager(
    campaigns: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(campaigns.settings.data), "--rules", str(campaigns.settings.rules)]
    with office(campaigns.settings) as desk:
        mona(desk)
        with desk.desk.snapshots.reading() as snapshot:
            asked = "select unnest(customer_ids) as customer_id from review_items"
            ids = [row["customer_id"] for row in snapshot.rows(asked)]
        listed = tmp_path / "customers.csv"
        listed.write_text("customer_id\n" + "\n".join(ids), "utf-8")

        code = main(["user", "change", "mona", "--customers", str(listed), *data])

        page = follow(desk.person("mona"), "/queue")
    assert code == 0
    assert "account of mona" in page.text


def test_a_campaign_that_nothing_has_is_given_with_a_warning(
    campaigns: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(campaigns.settings.data), "--rules", str(campaigns.settings.rules)]
    asked = "select distinct campaign from crosswalk where campaign is not null"
    there = campaigns.ask(asked).to_series()[0]

    one = main(["user", "add", "ann", "--role", "viewer", "--campaign", there, *data])
    said = capsys.readouterr().err
    other = main(["user", "add", "bob", "--role", "viewer", "--campaign", "x", *data])

    assert (one, other) == (0, 0)
    assert said == ""
    assert "There is no campaign x. bob will see nothing by that" in capsys.readouterr().err


def test_a_list_that_names_nobody_changes_nothing(
    campaigns: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(campaigns.settings.data), "--rules", str(campaigns.settings.rules)]
    listed = tmp_path / "customers.csv"
    listed.write_text("customer_id\nC9-999\n", "utf-8")

    code = main(["user", "add", "mona", "--role", "editor", "--customers", str(listed), *data])

    assert code == 1
    assert "There is no customer C9-999. Nothing was changed." in capsys.readouterr().err
    with office(campaigns.settings) as desk:
        assert desk.desk.state.people.find("mona") is None


def test_what_is_past_due_has_a_list_and_says_to_whom_it_went(campaigns: Company) -> None:
    went, problems = escalate(campaigns.settings, LONG_AFTER)
    with office(campaigns.settings) as desk:
        stan = desk.person("stan", "editor", ("spring",), ("data_steward",))
        adam = desk.person("adam", "administrator")

        listed, seen = follow(stan, "/queue?tab=late"), adam.get("/dashboard").text

    assert problems == []
    assert set(went) == {"administrator"}
    assert str(listed.url).endswith("?tab=late")
    assert "escalated to the administrators" in listed.text
    assert "Longest past due first" in listed.text
    assert f"{sum(went.values())} with administrators" in seen


def test_what_went_up_is_noted_once(campaigns: Company, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", str(campaigns.settings.data), "--rules", str(campaigns.settings.rules)]

    codes = [main(["escalate", *words, "--now", "2030-01-01T00:00:00Z"]) for _ in range(2)]

    first, second = [line for line in capsys.readouterr().out.splitlines() if "up" in line]
    with office(campaigns.settings) as desk:
        noted = desk.noted().count(("touchstone", "past_due"))
    assert codes == [0, 0]
    assert first == f"Past due, gone up: {noted} to administrators."
    assert second == "Nothing went up."


@pytest.mark.parametrize(
    ("accounts", "says"),
    [
        ("campaign:springtime", "There is no campaign springtime."),
        ("source:mebers", "There is no source mebers."),
        ("customer:C9-9", "There is no customer C9-9."),
        ("campaign:x, customer:C9-9", "There is no campaign x. There is no customer C9-9."),
    ],
)
def test_the_form_says_which_account_there_is_not(
    seeded: Settings, accounts: str, says: str
) -> None:
    with office(seeded) as desk:
        mona(desk)
        ann = desk.person("ann", "administrator")
        form = {"role": "editor", "function_account_manager": "yes", "accounts": accounts}

        page = ann.post("/administration/people/mona", **form)

        user = desk.desk.state.people.find("mona")
    assert page.status_code == 422
    assert f"{says} Nothing was changed." in page.text
    assert accounts in page.text
    assert user is not None
    assert user.accounts == frozenset()


def test_an_account_that_there_was_keeps_nobody_from_being_changed(campaigns: Company) -> None:
    """A customer may have gone since; of what is given anew each is looked for."""
    with office(campaigns.settings) as desk:
        mona(desk, "customer:C9-9")
        ann = desk.person("ann", "administrator")
        given = "customer:C9-9\ncampaign:autumn\nsource:members"
        form = {"role": "editor", "function_account_manager": "yes", "accounts": given}

        page = ann.post("/administration/people/mona", **form)

        user = desk.desk.state.people.find("mona")
    assert page.status_code == 303
    assert user is not None
    assert user.accounts == frozenset(given.split())
