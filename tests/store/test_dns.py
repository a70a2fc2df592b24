"""Whether domains take mail, asked of a real server on loopback."""

from collections.abc import Iterator

import pytest

import store.dns
from store.dns import ask_domains, resolver_at
from store.errors import TouchstoneError
from tests.store.nameserver import Nameserver, nameserver
from transforms.deliverability import VERDICTS


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Nameserver]:
    """A server that answers; a machine with much else to do has time enough to hear it."""
    monkeypatch.setattr(store.dns, "PATIENCE", 15.0)
    with nameserver() as running:
        yield running


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a question up soon, where no answer comes however long one waits."""
    monkeypatch.setattr(store.dns, "PATIENCE", 0.6)
    monkeypatch.setattr(store.dns, "_TRY", 0.3)


def answers(server: Nameserver, *domains: str, seconds: float = 20) -> dict[str, str]:
    asked = ask_domains(list(domains), server.address, seconds)
    return {found.domain: found.answer for found in asked.answers}


@pytest.mark.parametrize(
    ("says", "expect"),
    [
        ("mx mail.example", "mx"),
        ("null mx", "null_mx"),
        ("address", "address"),
        ("address 6", "address"),
        ("nothing", "no_mail_server"),
        ("nxdomain", "no_such_domain"),
        ("servfail", "server_failure"),
        ("refused", "server_failure"),
        ("formerr", "server_failure"),
        ("notimp", "server_failure"),
        ("silent", "timed_out"),
        ("address unclear", "server_failure"),
        ("contradiction", "contradiction"),
        ("garbage", "timed_out"),
        ("other id", "timed_out"),
        ("pointer loop", "timed_out"),
        ("other name", "no_mail_server"),
        ("cname taken.example", "mx"),
        ("cname gone.example", "no_such_domain"),
        ("cname shop.example", "server_failure"),
    ],
)
def test_each_answer_has_its_word(
    server: Nameserver, says: str, expect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if expect == "timed_out":
        impatient(monkeypatch)
    server.zone = {"shop.example": says, "taken.example": "mx mail.example"}

    assert answers(server, "shop.example") == {"shop.example": expect}
    assert expect in VERDICTS


def test_only_a_clear_no_is_invalid() -> None:
    no = {answer for answer, verdict in VERDICTS.items() if verdict == "invalid"}

    assert no == {"null_mx", "no_mail_server", "no_such_domain"}


@pytest.mark.parametrize("says", ["truncated", "many"])
def test_an_answer_that_is_cut_short_is_asked_for_over_tcp(server: Nameserver, says: str) -> None:
    server.zone = {"long.example": says}

    asked = ask_domains(["long.example"], server.address, 20)

    assert [found.answer for found in asked.answers] == ["mx"]
    assert server.over_tcp["long.example"] == 1
    assert len(asked.answers[0].detail) <= 300


def test_a_domain_in_another_script_is_asked_for_in_its_ascii_form(server: Nameserver) -> None:
    server.zone = {"xn--bcher-kva.example": "mx mail.example"}

    assert answers(server, "bücher.example") == {"bücher.example": "mx"}


def test_a_name_that_cannot_be_asked_for_is_unverified(server: Nameserver) -> None:
    assert answers(server, "a..example", "x" * 64 + ".example") == {
        "a..example": "bad_name",
        "x" * 64 + ".example": "bad_name",
    }


def test_a_domain_is_asked_for_as_it_stands_and_never_below_another(server: Nameserver) -> None:
    server.zone = {"shop.local.example": "mx mail.example"}

    answers(server, "shop")

    assert set(server.asked) == {"shop"}


def test_many_domains_are_asked_together_each_once(server: Nameserver) -> None:
    domains = [f"d{number}.example" for number in range(300)]
    server.zone = dict.fromkeys(domains, "mx mail.example")

    found = answers(server, *domains)

    assert found == dict.fromkeys(domains, "mx")
    assert set(server.asked) == set(domains)


def test_what_there_is_no_time_for_waits(server: Nameserver) -> None:
    server.zone = {"good.example": "mx mail.example"}

    asked = ask_domains(["good.example"], server.address, 0)

    assert asked.answers == []
    assert asked.waiting == 1
    assert not server.asked


def test_a_question_that_our_own_time_cut_short_waits(server: Nameserver) -> None:
    server.zone = {"slow.example": "silent"}

    asked = ask_domains(["slow.example"], server.address, 0.1)

    assert asked.answers == []
    assert asked.waiting == 1


def test_where_nobody_answers_the_rest_is_not_asked(
    server: Nameserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(monkeypatch)
    domains = [f"d{number}.example" for number in range(400)]
    server.zone = dict.fromkeys(domains, "silent")

    asked = ask_domains(domains, server.address, 60)

    assert len(asked.answers) <= store.dns.SILENCE + store.dns.AT_ONCE
    assert asked.waiting == 400 - len(asked.answers)


def test_one_answer_shows_that_the_network_is_up(
    server: Nameserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.dns, "AT_ONCE", 1)
    dead = [f"d{number}.example" for number in range(60)]
    server.zone = {**dict.fromkeys(dead, "servfail"), "good.example": "mx mail.example"}

    found = answers(server, "good.example", *dead)

    assert len(found) == 61


@pytest.mark.parametrize("wrong", ["", "dns.example", "127.0.0.1:0", "127.0.0.1:x", "[::1", "1.2"])
def test_a_server_that_is_no_address_is_refused(wrong: str) -> None:
    with pytest.raises(TouchstoneError, match="TOUCHSTONE_DNS is"):
        resolver_at(wrong)


@pytest.mark.parametrize(
    ("given", "address", "port"),
    [
        ("192.0.2.53", "192.0.2.53", 53),
        ("127.0.0.1:5353", "127.0.0.1", 5353),
        ("2001:db8::53", "2001:db8::53", 53),
        ("[2001:db8::53]:5353", "2001:db8::53", 5353),
        ("[2001:db8::53]", "2001:db8::53", 53),
    ],
)
def test_a_server_is_an_address_with_or_without_a_port(given: str, address: str, port: int) -> None:
    resolver = resolver_at(given)

    assert (list(resolver.nameservers), resolver.port) == ([address], port)
