"""Say in a line who a customer is, as far as the reader may know."""

from collections.abc import Iterator
from typing import NamedTuple

from steward.desk.behind import Behind, behind, crosswalk
from steward.desk.survivors import Golden, Values, as_text, stands, survivors
from store.opened import Row, Snapshot
from store.rulebook import Rulebook
from store.scoped import Scoped

NAME = ("title", "first_name", "middle_name", "last_name", "suffix")
PLACE = ("address", "postcode", "city", "region", "country")


class Card(NamedTuple):
    """A customer in a line."""

    founder: int
    customer_id: str
    name: str
    email: str
    phone: str
    place: str
    birth_date: str
    record_count: int
    sources: tuple[str, ...]
    is_customer: bool
    """Whether it has a name and a contact point; else it is a draft."""


def cards(
    snapshot: Snapshot, founders: list[int], scope: Scoped, rulebook: Rulebook
) -> dict[int, Card]:
    """By founder, who these customers are; who is out of scope is not there."""
    named = crosswalk(snapshot, founders, scope)
    whole = [f for f, rows in named.items() if all(row["in_scope"] for row in rows)]
    golden = snapshot.rows(
        f"select {', '.join(_columns(rulebook))} from golden_values where founder = any($whole)",
        {"whole": whole},
    )
    found = {row["founder"]: _card(named[row["founder"]], row, rulebook) for row in golden}
    rest = behind(snapshot, [founder for founder in named if founder not in found], scope)
    groups = [one.records for one in rest.values()]
    worked_out = survivors(groups, rulebook, [[] for _ in groups])
    for founder, values in zip(rest, worked_out, strict=True):
        said = {field: value.value for field, value in values.items()}
        card = _card(named[founder], said | {"founder": founder}, rulebook)
        found[founder] = card._replace(is_customer=stands(values))
    return found


def _columns(rulebook: Rulebook) -> list[str]:
    """What a line shows, of the golden fields that there are."""
    shown = (*NAME, "company", "email", "phone", "birth_date", *PLACE)
    known = rulebook.survivorship.names()
    return ["founder", *(field for field in shown if field in known)]


def values_of(
    snapshot: Snapshot, known: dict[int, Behind], rulebook: Rulebook
) -> dict[int, Values]:
    """The golden values of customers: as published, or of the records in scope alone.

    But a refusal holds for everybody: who sees only a consent that a record elsewhere has taken
    back would reach somebody who does not want it.
    """
    whole = [founder for founder, one in known.items() if one.is_whole]
    rows = snapshot.rows(
        "select * from golden_values where founder = any($founders)", {"founders": whole}
    )
    found = {row["founder"]: published_values(row, rulebook) for row in rows}
    rest = [founder for founder in known if founder not in found]
    groups = [known[founder].records for founder in rest]
    worked_out = survivors(groups, rulebook, [[] for _ in rest])
    told = dict(zip(rest, worked_out, strict=True))
    for founder, field in _refused(snapshot, rest, rulebook):
        told[founder][field] = Golden("false", None, "refused")
    return found | told


def _refused(
    snapshot: Snapshot, founders: list[int], rulebook: Rulebook
) -> Iterator[tuple[int, str]]:
    """Consents that the published golden records of these customers deny."""
    fields = [name for name in rulebook.survivorship.names() if name.startswith("consent_")]
    rows = snapshot.rows(
        f"select {', '.join(['founder', *fields])} from golden_values "
        "where founder = any($founders)",
        {"founders": founders},
    )
    for row in rows:
        yield from ((row["founder"], field) for field in fields if row[field] is False)


def published_values(row: Row, rulebook: Rulebook) -> Values:
    """What a row of golden_values says; what most customers share is left out in it."""
    found = {}
    for field in rulebook.survivorship.names():
        value = as_text(row.get(field))
        if value is None:
            continue
        own = row.get(f"{field}_record")
        record = row["record"] if own is None else own or None
        found[field] = Golden(value, record, row.get(f"{field}_by") or "only_value")
    return found


def name_of(values: Values) -> str:
    """The name that a customer goes by."""
    return spelt_name({field: golden.value for field, golden in values.items()})


def spelt_name(said: dict[str, str]) -> str:
    """A name in one line; of a company where there is no person's."""
    name = " ".join(said[field] for field in NAME if said.get(field))
    return name or said.get("company", "No name")


def place_of(said: dict[str, str]) -> str:
    """An address in one line."""
    parts = {field: said[field] for field in PLACE if said.get(field)}
    town = " ".join(parts.pop(field) for field in ("postcode", "city") if field in parts)
    return ", ".join(part for part in (parts.pop("address", ""), town, *parts.values()) if part)


def _card(records: list[Row], row: Row, rulebook: Rulebook) -> Card:
    """A line of golden values; records: the names of all of its records."""
    seen = [record for record in records if record["in_scope"]]
    said = {field: str(value) for field, value in row.items() if value is not None}
    return Card(
        founder=row["founder"],
        customer_id=records[0]["customer_id"],
        name=spelt_name(said),
        email=said.get("email", ""),
        phone=said.get("phone", ""),
        place=place_of(said),
        birth_date=said.get("birth_date", ""),
        record_count=len(seen),
        sources=tuple(sorted({title_of(record["source"], rulebook) for record in seen})),
        is_customer=True,
    )


def title_of(source: str, rulebook: Rulebook) -> str:
    """What a source is called."""
    feed = rulebook.feeds.get(source)
    return feed.title if feed else source
