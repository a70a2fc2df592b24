"""Put the records of an item into groups by hand: what that decides, and the customers it makes.

What is shown while a steward groups and what is stored come of the same groups, so that the next
run publishes what was on the screen.
"""

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from rules.decision import Different, Same
from steward.desk.around import decisions
from steward.desk.cards import name_of
from steward.desk.facts import listed
from steward.desk.finding import named_after
from steward.desk.scope import scoped
from steward.desk.seen import Seen
from steward.desk.sketch import labels_of
from steward.desk.survivors import stands, survivors
from steward.desk.unmerge import chosen
from steward.desk.visit import Visit
from store.opened import Row, Snapshot
from transforms.answer import AnswerError
from transforms.match import match_weight

MOST_GROUPS = 9
"""As many as there are digits to press."""
MOST_GROUPED = 400
"""More records are not grouped by hand: no form would carry them, and nobody would look at them."""
NUMBERS = tuple(str(number) for number in range(1, MOST_GROUPS + 1))

Groups = dict[str, list[Row]]
"""By the number of its group, the records; groups without one are not there."""


class Split(NamedTuple):
    """What groups decide."""

    different: Different
    joined: tuple[Same, ...]
    """Groups that a run would not make by itself: of two customers, or of a part of one."""


class Made(NamedTuple):
    """A customer as a group would make it."""

    number: str
    name: str
    customer_id: str
    is_kept: bool
    """Whether it has the id already; else the id is that of its first record."""
    leads_here: tuple[str, ...]
    """Ids that others of its records have now."""
    record_count: int
    records: str
    contacts: tuple[str, ...]
    stands: bool
    fits_others: bool
    """Whether a run may join it with a customer that is not on the page, once it is apart."""


def groups_of(records: list[Row], form: Mapping[str, str]) -> Groups:
    """The records by the groups that a form puts them into."""
    groups: Groups = {}
    for row in records:
        groups.setdefault(form.get(f"group_{row['record_number']}", ""), []).append(row)
    if not set(groups) <= set(NUMBERS):
        raise AnswerError("Put each record into a group.")
    return dict(sorted(groups.items()))


def groups_now(seen: Seen) -> Groups:
    """The two customers of an item as they are."""
    one, _ = seen.sides()
    groups: Groups = {}
    for row in seen.records:
        groups.setdefault("1" if row["customer_id"] == one["customer_id"] else "2", []).append(row)
    return dict(sorted(groups.items()))


def split_of(groups: Groups) -> Split:
    """What two groups or more decide.

    Records of different groups are never linked. A group that is not a whole customer is held
    together by a must-link: what linked its records may have gone into another group.
    """
    if len(groups) < 2:
        raise AnswerError("Put the records into two groups or more; one group is Same.")
    named = [tuple(row["record_id"] for row in rows) for rows in groups.values()]
    parted = parted_of(groups)
    joined = tuple(
        Same(records=records)
        for rows, records in zip(groups.values(), named, strict=True)
        for homes in [{row["customer_id"] for row in rows}]
        if len(records) > 1 and (len(homes) > 1 or homes & parted)
    )
    return Split(Different(groups=tuple(named)), joined)


def parted_of(groups: Groups) -> set[str]:
    """The customers of whom there are records in more than one group."""
    homes = [{row["customer_id"] for row in rows} for rows in groups.values()]
    return {one for some in homes for one in some if sum(one in other for other in homes) > 1}


def made_of(visit: Visit, snapshot: Snapshot, seen: Seen, groups: Groups) -> list[Made]:
    """The customers that the next run would publish, each with what people chose for it."""
    told = visit.state.told.about([row["record_id"] for row in seen.records])
    told = decisions(snapshot, told, scoped(visit.actor, visit.desk.rights))
    choices = [chosen(rows, told) for rows in groups.values()]
    made = survivors(list(groups.values()), visit.desk.rulebook, choices)
    labels = labels_of(seen, *seen.sides())
    names = names_of(groups, seen.records)
    fits = _fits_others(visit, snapshot, seen)
    return [
        Made(
            number,
            name_of(values),
            *names[number],
            len(rows),
            listed([labels[row["record_number"]] for row in rows]),
            tuple(values[field].value for field in ("email", "phone") if field in values),
            stands(values),
            any(row["record_number"] in fits for row in rows),
        )
        for (number, rows), values in zip(groups.items(), made, strict=True)
    ]


def _fits_others(visit: Visit, snapshot: Snapshot, seen: Seen) -> set[int]:
    """Those records that fit a record elsewhere, as far as the reader may know of that one."""
    rulebook, scope = visit.desk.rulebook, scoped(visit.actor, visit.desk.rights)
    ends = "select record_{0} as mine, record_{1} as theirs, * from pair_weights"
    seen_numbers = [row["record_number"] for row in seen.records]
    sides = " union all by name ".join(
        f"({ends.format(*two)} where record_{two[0]} = any($seen))" for two in ("ab", "ba")
    )
    pairs = snapshot.frame(
        f"select p.* from ({sides}) p join crosswalk r on r.record_number = p.theirs "
        f"where not r.record_number = any($seen) and {scope.sql}",
        scope.values | {"seen": seen_numbers},
    ).with_columns(weight=match_weight(rulebook.model.manifest.prior))
    return set(pairs.filter(pl.col("weight") >= rulebook.matching.thresholds.link)["mine"])


def names_of(groups: Groups, records: list[Row]) -> dict[str, tuple[str, bool, tuple[str, ...]]]:
    """By group its id, whether a customer has that id now, and the other ids that lead there.

    The first record of a customer carries its id; any other would found one of its own.
    """
    first: dict[str, Row] = {}
    for row in sorted(records, key=lambda row: int(row["record_number"])):
        first.setdefault(row["customer_id"], row)
    carried = {row["record_number"]: int(row["founder"]) for row in first.values()}
    found = {}
    for number, rows in groups.items():
        held = sorted(carried[n] for row in rows if (n := row["record_number"]) in carried)
        founder = min([*held, *(row["record_number"] for row in rows)])
        others = tuple(named_after(one) for one in held if one != founder)
        found[number] = (named_after(founder), founder in held, others)
    return found
