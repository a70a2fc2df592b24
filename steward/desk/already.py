"""Find the customers who may be the one that is being entered.

They are looked for among those whom the reader may see, and nowhere else.
"""

from typing import NamedTuple

import polars as pl

from steward.desk.cards import Card, cards
from steward.desk.index import EMAIL, NAME, NUMBER, PHONE, dialled, prepare
from steward.desk.scope import scoped
from steward.desk.visit import Visit
from steward.judge import ContactPoint
from store.opened import Snapshot
from transforms.standardise.fold import folded

MOST_LOOKED_AT = 40
SHOWN = 6
_SAYS = {
    "email": "same e-mail",
    "phone": "same phone",
    "person_number": "same person number",
    "birth_date": "same birth date",
}


class Duplicate(NamedTuple):
    """A customer who may be the same, and what says so."""

    card: Card
    says: tuple[str, ...]
    is_exact: bool
    """The name fits and so does an address, a number or the birth date, and none is another.

    Father and son of one name and one telephone are told apart by when they were born.
    """


def duplicates(
    visit: Visit, said: dict[str, str], points: list[ContactPoint], number: str | None
) -> list[Duplicate]:
    """Customers in scope who share a contact point or number, or the name and the birth date.

    `number` is a person's number as it will be kept, its kind before it.
    """
    names = _folded(f"{said.get('first_name', '')} {said.get('last_name', '')}")
    words = {_word(point): point.kind for point in points if point.value}
    if number:
        words[NUMBER + number] = "person_number"
    with visit.desk.snapshots.reading() as snapshot:
        says = _sharing(visit, snapshot, words)
        for founder in _namesakes(snapshot, names, said.get("birth_date", ""), visit):
            says.setdefault(founder, []).append("birth_date")
        scope = scoped(visit.actor, visit.desk.rights)
        who = cards(snapshot, list(says), scope, visit.desk.rulebook)
    born = said.get("birth_date", "")
    found = [_duplicate(card, says[founder], names, born) for founder, card in who.items()]
    return sorted(found, key=lambda one: (not one.is_exact, -len(one.says)))[:SHOWN]


def _sharing(visit: Visit, snapshot: Snapshot, words: dict[str, str]) -> dict[int, list[str]]:
    """By customer in scope, what is shared with the entry."""
    scope = scoped(visit.actor, visit.desk.rights)
    query = f"""
        select r.founder, list(distinct r.word) as words from memory.entries r
        where r.word = any($words) and {scope.sql}
        group by r.founder order by r.founder limit {MOST_LOOKED_AT}"""
    with snapshot.indexed() as index:
        prepare(index)
        rows = index.rows(query, scope.values | {"words": list(words)})
    return {row["founder"]: [words[word] for word in row["words"]] for row in rows}


def _namesakes(snapshot: Snapshot, names: set[str], born: str, visit: Visit) -> list[int]:
    """Customers in scope with these names and this birth date."""
    if len(names) < 2 or not born:
        return []
    scope = scoped(visit.actor, visit.desk.rights)
    rarest = sorted(names, key=lambda name: (-len(name), name))[:2]
    query = f"""
        select r.founder, any_value(r.record_number) as record_number
        from memory.entries r where r.word = $one and {scope.sql} and r.record_number in (
            select record_number from memory.entries where word = $other)
        group by r.founder limit 500"""
    with snapshot.indexed() as index:
        rows = index.rows(
            query, scope.values | {"one": NAME + rarest[0], "other": NAME + rarest[1]}
        )
    who = cards(snapshot, [row["founder"] for row in rows], scope, visit.desk.rulebook)
    return [founder for founder, card in who.items() if card.birth_date == born]


def _duplicate(card: Card, says: list[str], names: set[str], born: str) -> Duplicate:
    is_named = len(names) > 1 and names <= _folded(card.name)
    is_born_otherwise = bool(born and card.birth_date and card.birth_date != born)
    reasons = (
        *(("same name",) if is_named else ()),
        *dict.fromkeys(_SAYS[word] for word in says),
        *(("another birth date",) if is_born_otherwise else ()),
    )
    return Duplicate(card, reasons, is_named and not is_born_otherwise)


def _folded(text: str) -> set[str]:
    return set((folded(pl.Series([text], dtype=pl.String)).item() or "").split())


def _word(point: ContactPoint) -> str:
    if point.kind == "email":
        return EMAIL + str(point.value)
    return PHONE + str(pl.select(dialled(pl.lit(point.value))).item())
