"""Tell a program of one customer: each golden value with its source, within the asker's scope."""

from typing import Any, NamedTuple

from steward.desk.behind import Behind
from steward.desk.cards import published_values
from steward.desk.finding import founder_of
from steward.desk.survivors import Golden, Values, stands, survivors
from store.cabinet import Cabinet
from store.opened import Row
from store.rulebook import Rulebook
from store.scoped import Scoped

Told = dict[str, Any]
"""Part of an answer; `Any` is whatever JSON can hold."""


class Found(NamedTuple):
    """A customer as the asker may see them."""

    one: Behind
    golden: Row | None
    """The published row; none where some records are out of scope."""
    values: Values


def find_customer(
    cabinet: Cabinet, founder: int, scope: Scoped, rulebook: Rulebook
) -> Found | None:
    """The customer, unless no record of it is in scope; values of the records in scope alone."""
    rows = cabinet.records.of(founder)
    seen = [row for row in rows if scope.admits(row["campaign"], row["source"])]
    if not seen:
        return None
    one = Behind(founder, seen[0]["customer_id"], seen, len(seen) == len(rows))
    published = cabinet.golden(founder)
    if one.is_whole and published is not None:
        return Found(one, published, published_values(published, rulebook))
    values = survivors([seen], rulebook, [[]])[0]
    for name in rulebook.survivorship.names():  # a refusal holds for every reader
        if published is not None and name.startswith("consent_") and published[name] is False:
            values[name] = Golden("false", None, "refused")
    return Found(one, None, values)


def current_id(cabinet: Cabinet, old: str, scope: Scoped, rulebook: Rulebook) -> str | None:
    """The name that a customer has now, of whom the asker knows the record with the old name."""
    target = cabinet.redirects.get(old)
    founder, was = founder_of(target or ""), founder_of(old)
    found = find_customer(cabinet, founder, scope, rulebook) if founder is not None else None
    if found is None or not (found.one.is_whole or was in found.one.numbers):
        return None
    return target


def tell_customer(cabinet: Cabinet, found: Found) -> Told:
    """The whole answer."""
    one = found.one
    named = {row["record_number"]: row for row in one.records}
    return {
        "customer_id": one.customer_id,
        "is_customer": stands(found.values),
        "values": {
            field: _value(field, golden, named.get(golden.record_number or 0), found.golden)
            for field, golden in found.values.items()
        },
        "contact_points": _contact_points(cabinet, one),
        "records": [_record(row) for row in one.records],
        "record_count": len(one.records),
        "source_count": len({row["source"] for row in one.records}),
        "run_id": cabinet.run_id,
    }


def _value(field: str, golden: Golden, record: Row | None, published: Row | None) -> Told:
    is_yes_or_no = field.startswith("consent_")
    since = None
    if published is not None:
        since = published.get(f"{field}_since") or published["changed_at"]
    return {
        "value": golden.value == "true" if is_yes_or_no else golden.value,
        "record_id": record["record_id"] if record else None,
        "source": record["source"] if record else None,
        "decided_by": golden.decided_by,
        "valid_from": since.isoformat() if since else None,
    }


def _record(row: Row) -> Told:
    return {
        "record_id": row["record_id"],
        "source": row["source"],
        "source_key": row["source_key"],
        "campaign": row["campaign"],
        "is_active": row["is_active"],
        "received_at": row["received_at"].isoformat(),
    }


def _contact_points(cabinet: Cabinet, one: Behind) -> list[Told]:
    """Of a customer who is not seen whole, what its records in scope say, and not who shares it."""
    said = {row[name] for row in one.records for name in ("email", "email_2", "phone", "phone_2")}
    shown = ("kind", "value", "verification", "reason", "type")
    whole = ("is_primary", "usage", "record_count") if one.is_whole else ()
    return [
        {name: row[name] for name in (*shown, *whole)}
        for row in cabinet.contacts.of(one.founder)
        if one.is_whole or row["value"] in said
    ]
