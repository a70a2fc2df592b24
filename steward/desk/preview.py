"""Work out what the golden record would be, by the same rules as the next run."""

from collections.abc import Sequence
from typing import NamedTuple

from rules.number_kinds import NumberKinds
from steward.desk.numbered import shown
from steward.desk.survivors import Choice, Golden, Values, as_text, survivors
from store.opened import Row, Snapshot
from store.rulebook import Rulebook
from transforms.survive import ORDER

SHOWN = {
    "name": "Name",
    "birth_date": "Birth date",
    "person_number": "Person number",
    "email": "E-mail",
    "phone": "Phone",
    "place": "Address",
    "company": "Company",
    "job_title": "Job",
    "gender": "Gender",
    "language": "Language",
    "consent_email": "May e-mail",
    "consent_phone": "May call",
    "consent_post": "May post",
}
"""What a field of survivorship.toml is called; others go by their names."""

_BOTH, _A, _B = 0, 1, 2
"""The groups that are worked out together: the merged customer, and each of the two alone."""


class Chosen(NamedTuple):
    """One field of the golden record to come."""

    field: str
    title: str
    value: str
    why: str
    side: str
    """Whose value it is: `a`, `b`, or `ab` where both say so."""
    rivals: dict[str, str]
    """By side the value that stands there now, where that is another one."""


class Preview(NamedTuple):
    """The golden record to come."""

    fields: list[Chosen]
    has_name: bool
    has_contact: bool


def preview_merge(
    snapshot: Snapshot, ours: list[Row], theirs: list[Row], rulebook: Rulebook
) -> Preview:
    """What becomes of two customers' records when they are one."""
    return preview_merges(snapshot, [(ours, theirs)], rulebook)[0]


def preview_merges(
    snapshot: Snapshot, merges: Sequence[tuple[list[Row], list[Row]]], rulebook: Rulebook
) -> list[Preview]:
    """The same for several: many cost little more than one."""
    groups = [[ours + theirs, ours, theirs] for ours, theirs in merges]
    said = [one for some in groups for one in _said(snapshot, some, rulebook)]
    found = survivors([records for some in groups for records in some], rulebook, said)
    whole = [_read(values, rulebook) for values in found]
    return [
        _preview(whole[at * len(some) : (at + 1) * len(some)], some[_A], rulebook.number_kinds)
        for at, some in enumerate(groups)
    ]


def _preview(whole: list["_Whole"], ours: list[Row], kinds: NumberKinds) -> Preview:
    numbers = {row["record_number"] for row in ours}
    fields = [_chosen(field, whole, numbers, kinds) for field in whole[_BOTH]]
    known = {one.field for one in fields}
    return Preview(fields, bool({"name", "company"} & known), bool({"email", "phone"} & known))


def golden_values(snapshot: Snapshot, records: list[Row], rulebook: Rulebook) -> Preview:
    """What records make that are one customer."""
    return preview_merge(snapshot, records, [], rulebook)


_Whole = dict[str, Golden]
"""By field of survivorship.toml; of fields that are taken whole, in one text."""


def _read(values: Values, rulebook: Rulebook) -> _Whole:
    told: _Whole = {}
    for field, rule in rulebook.survivorship.fields.items():
        said = [values[name] for name in rule.group or (field,) if name in values]
        if said:
            told[field] = said[-1]._replace(value=" ".join(one.value for one in said))
    return told


def _said(snapshot: Snapshot, groups: list[list[Row]], rulebook: Rulebook) -> list[list[Choice]]:
    """Values that stewards have chosen for these customers, the newest of each field."""
    every = _stewards(snapshot, groups[_BOTH], rulebook)
    chosen = []
    for records in groups:
        founders = {row["founder"] for row in records}
        told = {
            field: Choice(field, value, record)
            for field, value, record, founder in reversed(every)
            if founder in founders
        }
        chosen.append(list(told.values()))
    return chosen


def _stewards(
    snapshot: Snapshot, records: list[Row], rulebook: Rulebook
) -> list[tuple[str, str, int | None, int]]:
    """Field, value, record and founder of each value that a steward chose, the newest first."""
    names = rulebook.survivorship.names()
    theirs = {row["founder"] for row in records}
    chosen = snapshot.remember(("chosen by stewards",), lambda: _chosen_for(snapshot, names))
    if theirs.isdisjoint(chosen):
        return []
    found = snapshot.rows(
        "select * from noted_values where founder = any($founders)", {"founders": sorted(theirs)}
    )
    said = [
        (row[f"{field}_since"] or row["changed_at"], field, row)
        for row in found
        for field in names
        if row[f"{field}_by"] == "steward" and row[field] is not None
    ]
    return [
        (field, str(as_text(row[field])), row[f"{field}_record"] or None, row["founder"])
        for _, field, row in sorted(said, key=lambda one: one[0], reverse=True)
    ]


def _chosen_for(snapshot: Snapshot, names: Sequence[str]) -> frozenset[int]:
    """The customers of whom a steward chose anything: of most it need not be asked."""
    is_chosen = " or ".join(f"{field}_by = 'steward'" for field in names)
    found = snapshot.rows(f"select distinct founder from noted_values where {is_chosen}")
    return frozenset(row["founder"] for row in found)


def _chosen(field: str, whole: list[_Whole], ours: set[int], kinds: NumberKinds) -> Chosen:
    found = whole[_BOTH][field]
    alone = {
        side: whole[group][field].value
        for side, group in (("a", _A), ("b", _B))
        if field in whole[group]
    }
    sides = "".join(side for side, value in alone.items() if value == found.value)
    return Chosen(
        field,
        SHOWN.get(field, field),
        shown(field, found.value, kinds),
        found.decided_by,
        sides or ("a" if found.record_number in ours else "b"),
        {side: shown(field, value, kinds) for side, value in alone.items() if value != found.value},
    )


WHY = dict.fromkeys(ORDER, "") | {
    "only_value": "",
    "steward": "a steward chose it",
    "most_trusted": "most trusted source",
    "most_recent": "most recent",
    "most_frequent": "most frequent",
    "most_complete": "most complete",
    "most_personal": "a person's own",
    "most_whole": "least is missing",
    "refusal_first": "a refusal wins",
    "first_to_arrive": "first to arrive",
}
"""What decided, in words."""
