"""The page of a cluster: a refused link between two customers, with all records behind them."""

from typing import Any, NamedTuple

from steward.desk.met import Said, values_said
from steward.desk.pair import pair_view, title_of
from steward.desk.seen import Seen
from steward.desk.sketch import labels_of, sketch
from steward.desk.visit import Visit
from steward.desk.words import plain, signed
from store.reading import Row, Snapshot

MOST_GROUPS = 4
MOST_SHARED = 6


class Shared(NamedTuple):
    """A contact value that both customers have."""

    said: Said
    records: int
    """How many of the records say it."""
    is_out: bool
    """Whether it is left out of matching."""


WHY = {
    "two_keys_of_one_source": (
        "Two keys of one source",
        "This source promises to have every customer once, and here it has two.",
    ),
    "weak_average": (
        "One good link, many poor ones",
        "Taken together the records of the two customers do not look alike.",
    ),
    "too_many_records": (
        "Too many records",
        "So many records are rarely one customer: a shared phone or address is the usual cause.",
    ),
    "fits_two_customers": (
        "Fits two customers",
        "One of the records fits another customer about as well as this one.",
    ),
    "name_alone": (
        "A name and nothing else",
        "Others have this name too, or what else is known of the two customers differs.",
    ),
    "another_generation": (
        "Father and son?",
        "One says Jr, Sr or the like and the other does not; a family shares names and home.",
    ),
    "cannot_link": ("Somebody said no before", "A decision keeps records of these two apart."),
}
"""Why a link was refused, by the word that the run gives for it."""


def cluster_view(visit: Visit, snapshot: Snapshot, seen: Seen) -> dict[str, Any]:
    """What the template of a cluster is given."""
    one, other = seen.sides()
    labels = labels_of(seen, one, other)
    return pair_view(visit, snapshot, seen) | {
        "sketch": sketch(seen, one, other, 560.0),
        "rows": sorted(
            (_row(visit, seen, row, labels, one) for row in seen.records),
            key=lambda row: (row["group"], not row["is_asked"]),
        ),
        "groups": range(1, MOST_GROUPS + 1),
        "facts": _facts(seen, one, other, labels),
        "shared": _shared(visit, seen, one),
    }


def _shared(visit: Visit, seen: Seen, one: Row) -> list[Shared]:
    """The contact values that records of both customers say: the usual cause of a false link."""
    here: dict[str, list[Said]] = {}
    for said in values_said(seen.records, visit.desk.rulebook):
        here.setdefault(said.digest, []).append(said)
    found = []
    for some in here.values():
        sides = {said.record["customer_id"] == one["customer_id"] for said in some}
        if len(sides) > 1:
            point = seen.contacts.get((some[0].record["customer_id"], some[0].text))
            is_out = point is not None and point["usage"] == "ignored"
            count = len({said.record["record_id"] for said in some})
            found.append(Shared(some[0], count, is_out))
    return sorted(found, key=lambda shared: -shared.records)[:MOST_SHARED]


def _row(visit: Visit, seen: Seen, row: Row, labels: dict[int, str], one: Row) -> dict[str, Any]:
    return {
        "label": labels[row["record_number"]],
        "number": row["record_number"],
        "source": title_of(visit, row),
        "key": row["source_key"],
        "name": " ".join(part for part in (row["first_name"], row["last_name"]) if part)
        or row["company"]
        or "",
        "birth_date": row["birth_date"] or "",
        "email": row["email"] or "",
        "phone": row["phone"] or "",
        "address": ", ".join(
            str(part) for part in (row["address"], row["postcode"], row["city"]) if part
        ),
        "group": 1 if row["customer_id"] == one["customer_id"] else 2,
        "is_asked": row["record_id"] in seen.item["record_ids"],
    }


def _facts(seen: Seen, one: Row, other: Row, labels: dict[int, str]) -> list[tuple[str, str]]:
    """What makes it a question, in words."""
    why = str(seen.item["why"] or "")
    facts = [
        WHY.get(why, (plain(why).capitalize() or "In the band between", seen.item["question"]))
    ]
    across = [pair for pair in seen.pairs if _is_across(seen, pair)]
    facts.append(_bridges(across, labels))
    against = min(across, key=lambda pair: float(pair["match_weight"]), default=None)
    if against is not None and against["match_weight"] < 0:
        ends = f"{labels[against['record_a']]} and {labels[against['record_b']]}"
        facts.append(
            (
                "A pair that speaks against",
                f"{ends} weigh {signed(float(against['match_weight']))}: on their own they would "
                "be taken for two customers.",
            )
        )
    here = labels[one["record_number"]], labels[other["record_number"]]
    facts.append(
        (
            "The question",
            f"Do {here[0]} and {here[1]}, with all records behind them, belong together?",
        )
    )
    return facts


def _bridges(across: list[Row], labels: dict[int, str]) -> tuple[str, str]:
    links = [pair for pair in across if pair["match_weight"] > 0]
    if not links:
        return "No link of their own", "No pair between the two customers is above even odds."
    best = max(links, key=lambda pair: float(pair["match_weight"]))
    ends = f"{labels[best['record_a']]} ↔ {labels[best['record_b']]}"
    weight = signed(float(best["match_weight"]))
    if len(links) == 1:
        return f"{ends} is a bridge", f"Without it ({weight}) nothing links the two customers."
    return f"{len(links)} links between them", f"The strongest is {ends} with {weight}."


def _is_across(seen: Seen, pair: Row) -> bool:
    customers = {row["record_number"]: row["customer_id"] for row in seen.records}
    return bool(customers[pair["record_a"]] != customers[pair["record_b"]])
