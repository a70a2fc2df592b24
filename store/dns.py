"""Ask DNS which domains take mail: many at once, within a number of seconds.

One question for each domain, for its mail servers (MX). Only a domain that names none is asked for
its own address (A, then AAAA), since RFC 5321 lets mail go there. RFC 7505 lets a domain say that
it takes none: a single mail server with no name.

Whatever keeps an answer from coming is no answer, never a no. When nothing at all is answered, the
network is taken to be down and the rest is left for another night.
"""

import ipaddress
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from typing import Any, NamedTuple

import dns.exception
import dns.rdatatype
import dns.resolver
import idna

from store.answers import Answer
from store.errors import TouchstoneError

AT_ONCE = 50
"""Questions that are under way together."""

PATIENCE = 5.0
"""Seconds after which a question is given up, its repeats included."""

_TRY = 2.0
"""Seconds after which a question is put again."""

SILENCE = 25
"""After so many questions without a single answer the network is taken to be down."""

_LONGEST = 300
"""Characters that are kept of an answer: who is asked decides how long it is."""

_NO_ANSWER = frozenset({"timed_out", "server_failure"})


class Asked(NamedTuple):
    """What came of the questions of one night."""

    answers: list[Answer]
    waiting: int
    """Domains that there was no time to ask about."""


def ask_domains(domains: list[str], server: str, seconds: float) -> Asked:
    """Ask `server` about each domain, the first ones first, for at most so many seconds."""
    round_ = _Round(resolver_at(server), time.monotonic() + seconds)
    with ThreadPoolExecutor(max(1, min(AT_ONCE, len(domains))), "dns") as pool:
        asked = [pool.submit(round_.ask, domain) for domain in domains]
        answers = list(_as_they_come(asked))
    return Asked(answers, len(domains) - len(answers))


def resolver_at(server: str) -> dns.resolver.Resolver:
    """The resolver that a setting names: `system`, or an address with or without a port."""
    if server == "system":
        try:
            resolver = dns.resolver.Resolver()
        except (dns.exception.DNSException, OSError) as error:
            raise TouchstoneError(
                "This system names no DNS server; give one with TOUCHSTONE_DNS, or unset it."
            ) from error
    else:
        address, port = _address(server)
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = [address], port
    resolver.timeout = _TRY
    resolver.use_edns(0, 0, 1232)
    return resolver


class _Round:
    """The questions of one night; `over` ends them."""

    def __init__(self, resolver: dns.resolver.Resolver, deadline: float) -> None:
        self.resolver = resolver
        self.deadline = deadline
        self.over = threading.Event()
        self._silent = 0
        self._turn = threading.Lock()

    def ask(self, domain: str) -> Answer | None:
        """The answer for one domain; none when there is no time left to ask."""
        answer = self._ask(domain)
        if answer is not None:
            self._note(answer)
        return answer

    def _note(self, answer: Answer) -> None:
        """End the round when nobody answers; noted before this thread asks anything further."""
        with self._turn:
            if answer.answer not in _NO_ANSWER:
                self._silent = -1  # somebody answers: silence is not counted any more
            elif self._silent >= 0:
                self._silent += 1
            if self._silent >= SILENCE:
                self.over.set()

    def _ask(self, domain: str) -> Answer | None:
        if self.over.is_set() or self.deadline - time.monotonic() < 0.05:
            return None
        try:
            name = idna.encode(domain, uts46=True).decode() + "."
        except idna.IDNAError:
            return Answer(domain, "bad_name", "")
        answer, detail = self._mail(name)
        if answer == "timed_out" and time.monotonic() >= self.deadline:
            return None  # it was our time that was up, perhaps, and not theirs
        return Answer(domain, answer, detail[:_LONGEST])

    def _mail(self, name: str) -> tuple[str, str]:
        answer, detail = self._question(name, "MX")
        if answer != "nothing":
            return answer, detail
        missing = []
        for kind in ("A", "AAAA"):
            answer, detail = self._question(name, kind)
            if answer == "address":
                return answer, detail
            missing.append((answer, detail))
        unclear = [found for found in missing if found[0] != "nothing"]
        if not unclear:
            return "no_mail_server", ""
        if unclear[0][0] == "no_such_domain":  # and yet it was there when asked for its mail
            return "contradiction", unclear[0][1]
        return unclear[0]

    def _question(self, name: str, kind: str) -> tuple[str, str]:
        """The answer to one question; `nothing` says that there are no such records."""
        patience = min(PATIENCE, max(0.05, self.deadline - time.monotonic()))
        try:
            found = self.resolver.resolve(
                name, kind, search=False, lifetime=patience, raise_on_no_answer=False
            )
        except dns.resolver.NXDOMAIN:
            return "no_such_domain", "NXDOMAIN"
        except dns.resolver.LifetimeTimeout:
            return "timed_out", ""
        except (dns.exception.DNSException, OSError, ValueError) as error:
            return "server_failure", type(error).__name__
        return ("nothing", "") if found.rrset is None else _said(kind, list(found.rrset))


def _said(kind: str, records: list[Any]) -> tuple[str, str]:  # of classes that dnspython makes
    if kind != "MX":
        return "address", " ".join(record.to_text() for record in records[:3])
    hosts = [record.exchange.to_text() for record in records]
    if all(host == "." for host in hosts):
        return "null_mx", "MX ."
    return "mx", " ".join(hosts[:5])


def _as_they_come(asked: list["Future[Answer | None]"]) -> Iterator[Answer]:
    for future in as_completed(asked):
        answer = future.result()
        if answer is not None:
            yield answer


def _address(server: str) -> tuple[str, int]:
    found = re.fullmatch(
        r"\[([\da-fA-F:]+)\](?::(\d+))?|([\d.]+)(?::(\d+))?|([\da-fA-F:]+)", server
    )
    with suppress(ValueError):
        host, port = "", 53
        if found is not None:
            host = found[1] or found[3] or found[5]
            port = int(found[2] or found[4] or 53)
        if 0 < port < 65536:
            return str(ipaddress.ip_address(host)), port
    raise TouchstoneError(
        f"TOUCHSTONE_DNS is {server!r}, and should be `system` or an address such as 192.0.2.53 "
        "or 127.0.0.1:5353."
    )
