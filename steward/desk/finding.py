"""Find customers by what a person types: names, an e-mail address, a phone number or any id."""

import re
from datetime import date
from typing import NamedTuple

import polars as pl

from steward.desk.index import EMAIL, KEY, NAME, PHONE, dialled, prepare
from store.opened import Row, Snapshot
from store.scoped import Scoped
from transforms.classify import ARRIVALS
from transforms.standardise.fold import folded

PAGE = 50
"""Customers on one page."""
LONGEST = 200
"""Letters of a search that are read."""

_ID = re.compile(r"\s*c(\d{1,6})-(\d{1,9})\s*", re.IGNORECASE)
_NUMBER = re.compile(r"[+(]?[0-9][0-9 ()./+-]{5,30}")
_LAST = "\U0010ffff"


class Asked(NamedTuple):
    """A search as it was asked."""

    text: str = ""
    source: str = ""
    campaign: str = ""
    is_contested: bool = False
    is_active: bool | None = None
    """Whether it has a name and a contact point; none where that is all the same."""
    is_verified: bool | None = None
    """Whether one of its contact points is known to work."""
    since: date | None = None
    after: tuple[int, int] | None = None
    """The rank and founder of the last customer of the page before."""


class Hit(NamedTuple):
    """A customer who was found, and how closely: 0 exactly, 1 by the beginning of a word."""

    founder: int
    rank: int


class _Word(NamedTuple):
    """A stretch of the sorted words."""

    exact: str
    end: str


def founder_of(customer_id: str) -> int | None:
    """The founder whom a customer_id names; none if the text is not one."""
    found = _ID.fullmatch(customer_id)
    return int(found[1]) * ARRIVALS + int(found[2]) if found else None


def named_after(founder: int) -> str:
    """The customer_id that a founder gives: the inverse of `founder_of`."""
    return f"C{founder // ARRIVALS}-{founder % ARRIVALS}"


def find(snapshot: Snapshot, asked: Asked, scope: Scoped) -> list[Hit]:
    """The customers on one page and the first of the next; `scope` is of rows called r."""
    words = words_of(asked.text[:LONGEST])
    where, values = _where(asked, words)
    if asked.is_contested:
        where += f" and r.founder in ({_contested(scope)})"
    if asked.is_active is not None:
        where += f" and r.founder {_not(asked.is_active)} ({_active(scope)})"
    if asked.is_verified is not None:
        where += f" and r.founder {_not(asked.is_verified)} ({_verified(scope)})"
    page = dict(zip(("rank", "founder"), asked.after or (-1, -1), strict=True))
    query = f"""
        select founder, min(rank)::integer as rank
        from ({_ranked(bool(words))} where {scope.sql} {where} {"" if words else _NEXT})
        group by founder having (min(rank), founder) > ($rank, $founder)
        order by rank, founder limit {PAGE + 1}"""
    with snapshot.indexed() as index:
        prepare(index)
        rows = index.rows(query, scope.values | values | page)
    return [Hit(row["founder"], row["rank"]) for row in rows]


def _ranked(is_by_word: bool) -> str:
    if not is_by_word:
        return "select r.founder, 0 as rank from memory.people r"
    return (
        "select r.founder, case when r.word = $word0 then 0 else 1 end as rank "
        "from memory.entries r"
    )


_NEXT = f"and r.founder > $founder order by r.founder limit {PAGE * 100}"
"""Where nothing is typed, the next records in order are enough, and not all are grouped."""


def words_of(text: str) -> list[_Word]:
    """What is looked for; several words of a name must all be of one record, the longest first."""
    plain = text.strip().lower()
    if not plain:
        return []
    if "@" in plain:
        return [_beginning(EMAIL, plain)]
    if _NUMBER.fullmatch(plain):
        return [_whole(PHONE, pl.select(dialled(pl.lit(plain))).item())]
    if ":" in plain or (re.search(r"[0-9]", plain) and " " not in plain):
        return [_whole(KEY, plain.partition(":")[2] or plain)]
    names = (folded(pl.Series([text], dtype=pl.String)).item() or "").split()
    rarest = sorted(set(names), key=lambda name: (-len(name), name))
    return [_beginning(NAME, name) for name in rarest] or [_whole(NAME, plain)]


def _beginning(kind: str, text: str) -> _Word:
    return _Word(kind + text, kind + text + _LAST)


def _whole(kind: str, text: str) -> _Word:
    return _Word(kind + text, kind + text + "\x01")


def _where(asked: Asked, words: list[_Word]) -> tuple[str, Row]:
    """What a row must be beside in scope; its values by name."""
    wanted: list[tuple[str, Row]] = []
    for number, word in enumerate(words):
        bounds = f"word >= $word{number} and word < $end{number}"
        if number:
            bounds = f"record_number in (select record_number from memory.entries where {bounds})"
        wanted.append((f"r.{bounds}", {f"word{number}": word.exact, f"end{number}": word.end}))
    if ":" in asked.text:
        wanted.append(("r.source = $named", {"named": asked.text.strip().partition(":")[0]}))
    if asked.source:
        wanted.append(("r.source = $source", {"source": asked.source}))
    if asked.campaign:
        wanted.append(("r.campaign = $campaign", {"campaign": asked.campaign}))
    if asked.since:
        wanted.append(("r.seen >= $since", {"since": asked.since}))
    values: Row = {}
    for _, some in wanted:
        values |= some
    return "".join(f" and {sql}" for sql, _ in wanted), values


def _not(is_wanted: bool) -> str:
    return "in" if is_wanted else "not in"


def _active(scope: Scoped) -> str:
    """Customers who have a name and a contact point, as far as the reader may know.

    Who sees all records sees what was published; for others it is what the records in scope say, as
    on the line that they read, so that nobody learns what another campaign knows.
    """
    if scope.is_all:
        return "select r.founder from memory.people r where r.is_active"
    here = f"coalesce({scope.sql}, false)"
    return (
        "select r.founder from memory.people r group by r.founder having "
        f"case when bool_and({here}) then bool_or(r.is_active) "
        f"else bool_or(r.has_name and {here}) and bool_or(r.has_contact and {here}) end"
    )


def _verified(scope: Scoped) -> str:
    """Customers with a record in scope whose e-mail address or phone number is verified."""
    return f"select r.founder from memory.people r where r.is_verified and {scope.sql}"


def _contested(scope: Scoped) -> str:
    """Customers with a conflict both of whose sides are in scope."""
    rival = scope.sql.replace("r.", "r.rival_")
    return f"select r.founder from memory.contested r where {scope.sql} and {rival}"
