"""Say of each golden value where it came from, why it is the one, and what else was said."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from steward.desk.behind import Behind
from steward.desk.cards import place_of, title_of
from steward.desk.numbered import shown
from steward.desk.survivors import Golden, Values, as_text
from store.opened import Row
from store.rulebook import Rulebook
from store.state.told import Told

TITLES = {
    "name": "Name",
    "email": "E-mail",
    "phone": "Phone",
    "place": "Address",
    "birth_date": "Birth date",
    "consent_email": "Consent to e-mail",
    "consent_phone": "Consent to calls",
    "consent_post": "Consent to post",
    "job_title": "Job title",
}
ORDER = ("name", "email", "phone", "place", "birth_date", "company", "job_title")
"""The fields that come first; the others follow as in survivorship.toml."""

WHY = {
    "only_value": "the only value",
    "steward": "chosen by a person",
    "most_trusted": "most trusted source",
    "most_recent": "newest",
    "most_frequent": "said most often",
    "most_complete": "most complete",
    "most_personal": "a person's own",
    "most_whole": "least is missing",
    "refusal_first": "a refusal comes first",
    "first_to_arrive": "the first to arrive stays",
}
"""What decided for a value, in words."""

CHECKED = {
    "confirmed": ("ok", "confirmed"),
    "valid": ("ok", "valid"),
    "unverified": ("line", "not checked"),
    "invalid": ("bad", "takes no mail"),
}
"""How a contact point is verified: the look of its chip, and the word on it."""


class Other(NamedTuple):
    """A value that did not survive and is kept."""

    value: str
    sources: list[str]
    at: datetime
    """When it last came."""


class Line(NamedTuple):
    """One row of a golden record."""

    field: str
    title: str
    value: str
    sources: list[str]
    """Who says so."""
    record_id: str
    """Of the record that it was taken from."""
    checked: tuple[str, str]
    """A chip: its look and its words."""
    why: str
    others: list[Other]
    chosen: Told | None
    """The decision that pins it."""


class Known(NamedTuple):
    """What the rows of a golden record are made of."""

    one: Behind
    values: Values
    rulebook: Rulebook
    points: dict[tuple[str, str], Row]
    """Contact points by kind and value."""
    decisions: list[Told]


def lines(known: Known) -> list[Line]:
    """The rows of a golden record, as its reader may see them."""
    rules = known.rulebook.survivorship.fields
    names = [*(name for name in ORDER if name in rules), *(n for n in rules if n not in ORDER)]
    found = [_line(name, known) for name in names]
    return [line for line in found if line.value or line.others]


def _line(name: str, known: Known) -> Line:
    values, records, kinds = known.values, known.one.records, known.rulebook.number_kinds
    fields = known.rulebook.survivorship.fields[name].group or (name,)
    golden = [values[field] for field in fields if field in values]
    value = spelt(name, {field: values[field].value for field in fields if field in values})
    said = list(_said(name, known.one, known.rulebook))
    backing = [row for row, text in said if text == value]
    record = next((row for row in records if golden and _is_from(row, golden[0])), None)
    by = golden[0].decided_by if golden else "only_value"
    chosen = _chosen({*fields, name}, known.decisions) if by == "steward" else None
    return Line(
        field=name,
        title=TITLES.get(name, name.replace("_", " ").capitalize()),
        value=shown(name, value, kinds),
        sources=sources(backing or ([record] if record else []), known.rulebook),
        record_id=record["record_id"] if record else "",
        checked=_checked(known.points.get((name, value)), backing, [row for row, _ in said]),
        why=_why(by, len(backing), chosen) if value else "",
        others=[
            other._replace(value=shown(name, other.value, kinds))
            for other in _others(value, said, known.rulebook)
        ],
        chosen=chosen,
    )


def spelt(name: str, said: dict[str, str]) -> str:
    """A value as people read it; of several fields in one line."""
    if name == "place":
        return place_of(said)
    text = " ".join(said.values())
    return {"true": "yes", "false": "no"}.get(text, text) if name.startswith("consent_") else text


def sources(records: Iterable[Row], rulebook: Rulebook) -> list[str]:
    """Who sent these records."""
    return list(dict.fromkeys(title_of(row["source"], rulebook) for row in records))


def _said(name: str, one: Behind, rulebook: Rulebook) -> Iterable[tuple[Row, str]]:
    """What each record says, newest first."""
    rule = rulebook.survivorship.fields[name]
    for row in sorted(one.records, key=lambda row: row["received_at"], reverse=True):
        for fields in (rule.group or (name,), *((also,) for also in rule.also)):
            said = {field: as_text(row.get(field)) or "" for field in fields}
            text = spelt(name, {field: value for field, value in said.items() if value})
            if text:
                yield row, text


def _is_from(row: Row, golden: Golden) -> bool:
    return bool(row["record_number"] == golden.record_number)


def _others(value: str, said: list[tuple[Row, str]], rulebook: Rulebook) -> list[Other]:
    by_text: dict[str, list[Row]] = {}
    for row, text in said:
        if text != value:
            by_text.setdefault(text, []).append(row)
    return [
        Other(text, sources(rows, rulebook), rows[0]["received_at"])
        for text, rows in by_text.items()
    ]


def _checked(point: Row | None, backing: list[Row], saying: list[Row]) -> tuple[str, str]:
    """How a contact point is verified; of any other value how many records that speak say it."""
    if point is not None:
        return CHECKED.get(point["verification"], ("line", point["verification"]))
    here, all_of_them = _count(backing), _count(saying)
    return ("", f"{here} of {all_of_them}" if all_of_them > 1 and here else "")


def _count(rows: list[Row]) -> int:
    return len({row["record_number"] for row in rows})


def _why(by: str, backing: int, chosen: Told | None) -> str:
    if by == "steward":
        return f"chosen by {chosen.decided_by}" if chosen else WHY[by]
    if by == "only_value" and backing > 1:
        return "all say so"
    return WHY.get(by, by.replace("_", " "))


def _chosen(fields: set[str], decisions: list[Told]) -> Told | None:
    """The newest decision that chose a value of these fields and holds."""
    values = (told for told in decisions if told.kind == "value" and told.holds)
    return next((told for told in values if told.subject["field"] in fields), None)
