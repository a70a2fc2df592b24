"""Deliverability over nights: asked once, kept, and the same in a rebuild."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import store.dns
from flows.summary import summarise, summary_of
from tests.flows.builders import Company, differences, found, person
from tests.flows.nights import live_through, some_company
from tests.store.nameserver import Nameserver, nameserver

ANN = person("Margaret", "Miller", email="margaret@gone.org", phone="07911 123401")
BOB = person("Robert", "Stone", email="robert@gone.org")
TOM = person("Tom", "Baker", email="tom@mail.org")
EVA = person("Eva", "Lane", email="eva@lost.org")
MIA = person("Mia", "Wood", email="mia@post.org")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Nameserver]:
    monkeypatch.setattr(store.dns, "PATIENCE", 1.5)
    monkeypatch.setattr(store.dns, "_TRY", 0.5)
    with nameserver() as running:
        running.zone = {"mail.org": "mx mail.org", "gone.org": "mx mail.org"}
        yield running


@pytest.fixture
def company(tmp_path: Path, server: Nameserver) -> Company:
    return asking(found(tmp_path / "chain"), server.address)


def asking(company: Company, server: str | None, *, seconds: int = 30, days: int = 1) -> Company:
    """The company with DNS asked at `server`, and every answer good for so many days."""
    given = {"dns": server, "dns_days": days, "dns_seconds": seconds}
    return company._replace(settings=company.settings.model_copy(update=given))


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Company, Nameserver]]:
    """Three people after a night that asked for their domains; answers are good for two days."""
    company = found(tmp_path_factory.mktemp("three"))
    with nameserver() as running:
        running.zone = {"mail.org": "mx mail.org", "gone.org": "mx mail.org"}
        company.drop("forms", [ANN, BOB, TOM])
        asking(company, running.address, days=2).night(1)
        yield company, running


@pytest.fixture
def known(three: tuple[Company, Nameserver], server: Nameserver, tmp_path: Path) -> Company:
    """Their company, to be worked on further, which asks a server of its own from now on."""
    return asking(three[0].twin(tmp_path / "known"), server.address)


def contacts(company: Company) -> dict[str, tuple[str, str | None]]:
    return {
        value: (verification, reason)
        for value, verification, reason in company.ask(
            "select value, verification, reason from contact_points where kind = 'email'"
        ).iter_rows()
    }


def names(company: Company) -> list[str]:
    return company.ask("select first_name from customers order by 1").to_series().to_list()


def assert_rebuild_is_the_same(company: Company, folder: Path, night: int) -> None:
    anew = company.anew(folder)
    anew.rebuild(night)
    assert differences(company.tables(), anew.tables()) == {}


def test_nobody_is_asked_unless_a_server_is_named(
    company: Company, server: Nameserver, tmp_path: Path
) -> None:
    silent = asking(company, None)
    silent.drop("forms", [TOM])

    silent.night(1)

    assert not server.asked
    assert contacts(silent) == {"tom@mail.org": ("unverified", "not_asked")}
    assert not (silent.settings.raw / "dns").exists()


def test_each_domain_is_asked_once_and_its_answer_kept_with_its_date_until_it_is_old(
    three: tuple[Company, Nameserver], known: Company, server: Nameserver
) -> None:
    company = known
    company.night(2)

    assert three[1].asked == {"mail.org": 1, "gone.org": 1}
    assert not server.asked
    kept = json.loads((company.settings.raw / "dns" / "R0001.json").read_text())
    assert set(kept) == {"asked_at", "answers"}
    assert kept["asked_at"] == "2026-03-02T02:15:00+00:00"
    assert sorted(kept["answers"], key=lambda one: str(one["domain"])) == [
        {"domain": name, "answer": "mx", "detail": "mail.org."} for name in ("gone.org", "mail.org")
    ]  # no address among them
    company.night(3)
    assert server.asked == {"mail.org": 1, "gone.org": 1}


def test_second_addresses_are_asked_for_too(company: Company, server: Nameserver) -> None:
    feed = company.settings.rules / "feeds" / "forms" / "feed.toml"
    feed.write_text(feed.read_text().replace('"city"     = "city"', '"city" = "email_2"'))
    company.drop("forms", [{**TOM, "city": "tom@second.org"}])

    company.night(1)

    assert contacts(company)["tom@second.org"] == ("invalid", "no_such_domain")
    assert contacts(company)["tom@mail.org"] == ("valid", None)


def test_who_has_no_other_contact_is_no_customer_while_the_domain_takes_no_mail(
    known: Company, server: Nameserver, tmp_path: Path
) -> None:
    company = known
    assert names(company) == ["Margaret", "Robert", "Tom"]
    before = company.ask("from customers where first_name = 'Robert'")
    server.zone["gone.org"] = "nxdomain"

    night = company.night(3)

    assert names(company) == ["Margaret", "Tom"]
    ann = company.ask("select email, phone from customers where first_name = 'Margaret'")
    assert ann.rows() == [(None, "+447911123401")]
    assert contacts(company)["margaret@gone.org"] == ("invalid", "no_such_domain")
    active = "select is_active from crosswalk join customers using (customer_id) where first_name ="
    assert company.ask(f"{active} 'Margaret'").item()
    assert company.ask("select count(*) from crosswalk where not is_active").item() == 1
    assert night.counts["validate"]["domains_invalid"] == 1
    assert "1 takes no mail" in summarise(summary_of(night))
    measures = company.ask("select measure from metrics where run_id = 'R0002'").to_series()
    assert {"domains_asked", "domains_invalid", "domains_unverified"} <= set(measures)

    server.zone["gone.org"] = "address"
    company.night(4)

    assert company.ask("from customers where first_name = 'Robert'").equals(before)
    assert_rebuild_is_the_same(company, tmp_path / "fourth", 4)


def test_no_answer_is_unverified_and_takes_nothing_back(
    company: Company, server: Nameserver
) -> None:
    """Silence and failure, each of a domain that never answered and of one that did before."""
    server.zone = {"mail.org": "mx mail.org", "post.org": "mx mail.org"}
    server.zone |= {"gone.org": "silent", "lost.org": "servfail"}
    company.drop("forms", [BOB, EVA, TOM, MIA])
    company.night(1)
    assert names(company) == ["Eva", "Mia", "Robert", "Tom"]
    assert contacts(company)["robert@gone.org"] == ("unverified", "timed_out")
    assert contacts(company)["eva@lost.org"] == ("unverified", "server_failure")

    server.zone = {"mail.org": "silent", "post.org": "servfail"}
    server.zone |= {"gone.org": "null mx", "lost.org": "null mx"}
    company.night(2)

    assert names(company) == ["Mia", "Tom"]
    assert contacts(company)["tom@mail.org"] == ("valid", None)
    assert contacts(company)["mia@post.org"] == ("valid", None)


def test_answers_that_change_from_night_to_night_end_as_in_a_rebuild(
    company: Company, server: Nameserver, tmp_path: Path
) -> None:
    other = {**ANN, "email": "maggie@mail.org"}
    zones = [
        {"gone.org": "nxdomain", "mail.org": "silent"},
        {"gone.org": "mx mail.org", "mail.org": "null mx"},
        {"gone.org": "silent", "mail.org": "servfail"},
        {"gone.org": "nothing", "mail.org": "address"},
    ]
    drops = [[ANN, BOB], [other, TOM], [], [{**BOB, "phone": "07911 123402"}]]
    for number, (zone, rows) in enumerate(zip(zones, drops, strict=True), start=1):
        server.zone = zone
        people = [{"no": str(n), **row} for n, row in enumerate(rows)]
        company.drop("forms", rows)
        company.drop("partner", [{**row, "op": "upsert", "id": row["no"]} for row in people])

        company.night(number)

    assert_rebuild_is_the_same(company, tmp_path / "anew", len(zones))


def test_made_up_nights_with_answers_that_change_end_as_in_a_rebuild(
    company: Company, server: Nameserver, tmp_path: Path
) -> None:
    domains = ("millers.org", "stone.org", "mail.org", "post.de")
    says = ("nxdomain", "mx a.org", "servfail", "null mx", "address", "nothing", "refused")

    def change(number: int) -> None:
        server.zone = {name: says[(number * 3 + n) % 7] for n, name in enumerate(domains)}

    change(0)
    live_through(company, some_company(5)[:2], change)

    assert_rebuild_is_the_same(company, tmp_path / "anew", 2)


def test_a_rebuild_asks_nobody_and_the_next_night_asks_what_is_left(
    company: Company, server: Nameserver, tmp_path: Path
) -> None:
    company.drop("forms", [TOM])
    company.night(1)
    server.asked.clear()

    anew = asking(company.anew(tmp_path / "anew"), server.address)
    anew.rebuild(2)
    assert not server.asked
    anew.drop("forms", [BOB])
    anew.night(3)

    assert server.asked == {"mail.org": 1, "gone.org": 1}


def test_what_there_was_no_time_for_is_asked_the_next_night(
    company: Company, server: Nameserver
) -> None:
    hurried = asking(company, server.address, seconds=0)
    hurried.drop("forms", [BOB, TOM])

    night = hurried.night(1)

    assert night.counts["validate"]["domains_waiting"] == 2
    assert "2 wait for the next night" in summarise(summary_of(night))
    assert set(contacts(hurried).values()) == {("unverified", "not_asked")}
    assert company.night(2).counts["validate"]["domains_waiting"] == 0
    assert set(contacts(company).values()) == {("valid", None)}


def test_a_run_that_died_after_it_asked_does_not_ask_again(
    company: Company, server: Nameserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.drop("forms", [TOM])

    def dies(*_given: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("flows.stages.deliverability._learn", dies)
        with pytest.raises(MemoryError):
            company.night(1)
    server.zone["mail.org"] = "nxdomain"
    company.night(1)

    assert server.asked == {"mail.org": 1}
    assert contacts(company) == {"tom@mail.org": ("valid", None)}


def test_a_night_with_no_network_says_so_and_publishes(company: Company, tmp_path: Path) -> None:
    company = asking(company, "127.0.0.1:9")
    company.drop("forms", [TOM])

    company.night(1)

    assert contacts(company) == {"tom@mail.org": ("unverified", "timed_out")}
