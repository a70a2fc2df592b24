"""Lay two records side by side: what each says, how they agree, and what that weighs."""

from typing import NamedTuple

from steward.desk.marks import Part, mark
from steward.desk.numbered import shown
from steward.desk.preview import SHOWN
from steward.desk.seen import Seen
from steward.desk.waterfall import Bar, Waterfall, lay_out
from steward.desk.words import plain
from store.opened import Row
from store.rulebook import Rulebook
from transforms.standardise.person_numbers import FIELD

READS: dict[str, tuple[str, ...]] = {
    "first_name": ("first_name",),
    "last_name": ("last_name",),
    "both_names": (),
    "birth_date": ("birth_date",),
    "email": ("email", "email_2"),
    "phone": ("phone", "phone_2"),
    "address": ("address", "postcode", "city"),
    "account": ("company",),
}
"""The fields that a comparison's row shows; of contact points the two that are most alike."""
CONTEXT = ("company", "job_title", "gender", "language", "consent_email", "consent_phone")
"""Fields that the model does not compare, shown where a record has them."""
GLYPHS = {"same": "=", "close": "≈", "diff": "≠", "null": "∅"}
VERIFIED = {
    "confirmed": ("ok", "confirmed"),
    "valid": ("ok", "valid"),
    "unverified": ("line", "not checked"),
    "invalid": ("bad", "takes no mail"),
}
"""How the verification of a contact point is shown."""


class Side(NamedTuple):
    """What one record says."""

    parts: list[Part]
    chip: tuple[str, str] | None
    more: str | None


class Line(NamedTuple):
    """One comparison."""

    title: str
    kind: str
    """`same`, `close`, `diff` or `null`: what it looks like."""
    glyph: str
    said: str
    one: Side
    other: Side
    weight: float | None
    bar: Bar | None
    met: tuple[str, str] | None = None
    """A record and field with the contact value that both have and that counts in matching."""


class Comparison(NamedTuple):
    """The whole table."""

    lines: list[Line]
    household: Line | None
    waterfall: Waterfall | None
    weight: float | None
    against: list[str]
    """What speaks most against one customer, strongest first."""


def compare(seen: Seen, one: Row, other: Row, rulebook: Rulebook) -> Comparison:
    """The table of two records; without a scored pair it has no evidence."""
    pair = seen.pair(one, other)
    one, other = (_for_the_eye(row, rulebook) for row in (one, other))
    words = _level_words(rulebook)
    found = [_found(name, pair, words) for name in rulebook.matching.comparisons]
    other_of_two = _other_of_two(pair)
    shown = [
        part for part in found if part[0] != other_of_two and (READS.get(part[0], ("",)) or part[3])
    ]
    waterfall, household = None, 0.0
    if pair is not None:
        prior = rulebook.model.manifest.prior
        household = pair["match_weight"] - pair["evidence"] - prior
        weights = [weight for *_, weight in shown]
        rest = pair["evidence"] - sum(weights)
        thresholds = rulebook.matching.thresholds
        waterfall = lay_out(prior, [*weights, household + rest], thresholds.review, thresholds.link)
    lines = [
        _line(seen, part, one, other, waterfall.steps[at] if waterfall else None)
        for at, part in enumerate(shown)
    ]
    told = sorted((line for line in lines if (line.weight or 0) < -0.5), key=_weight)
    return Comparison(
        [line for line in lines if _says_something(line)]
        + _context(one, other, rulebook.matching.comparisons),
        _household(waterfall, household, other_of_two),
        waterfall,
        None if pair is None else pair["match_weight"],
        [line.title.lower() for line in told[:2]],
    )


def _other_of_two(pair: Row | None) -> str:
    """Companies are compared as those of people or as customers; the one that was not."""
    level = None if pair is None else pair.get("level_account")
    return "account" if level is None or level < 0 else "company"


def _says_something(line: Line) -> bool:
    return bool(line.one.parts or line.other.parts) or abs(line.weight or 0.0) >= 0.05


def _weight(line: Line) -> float:
    return line.weight or 0.0


def _found(
    name: str, pair: Row | None, words: dict[str, dict[int, str]]
) -> tuple[str, str, str, float]:
    """A comparison's name, what it looks like, what it says and what it weighs."""
    if pair is None or pair.get(f"level_{name}") is None:
        return name, "null", "not compared", 0.0
    level, weight = int(pair[f"level_{name}"]), float(pair[f"w_{name}"] or 0.0)
    said = words[name].get(level, "?")
    if level < 0:
        return name, "null", said, weight
    kind = "same" if level == 0 else "close" if weight > 0 else "diff"
    return name, kind, said, weight


def _line(
    seen: Seen, found: tuple[str, str, str, float], one: Row, other: Row, bar: Bar | None
) -> Line:
    name, kind, said, weight = found
    here, there = _values(name, one, other)
    left, right = mark(here, there) if kind in {"close", "diff"} else mark(here, here)
    if kind not in {"close", "diff"}:
        left, right = mark(here, None)[0], mark(there, None)[0]
    is_out = _is_left_out(seen, one, name, here, there)
    if kind == "null":
        said = "left out of matching" if is_out else _missing(here, there)
    return Line(
        plain(READS["account"][0] if name == "account" else name).capitalize(),
        kind,
        GLYPHS[kind],
        said,
        _side(seen, one, here, left, name),
        _side(seen, other, there, right, name),
        weight if bar else None,
        bar,
        None if is_out else _met(one, name, here, there),
    )


def _met(row: Row, name: str, here: str | None, there: str | None) -> tuple[str, str] | None:
    if name not in {"email", "phone", "address"} or here is None or here != there:
        return None
    if name == "address":
        return (row["record_id"], "address") if row.get("address") else None
    return next(((row["record_id"], field) for field in READS[name] if row[field] == here), None)


def _is_left_out(seen: Seen, row: Row, name: str, here: str | None, there: str | None) -> bool:
    """Whether people left out of matching what both say."""
    if name not in {"email", "phone"} or here is None or here != there:
        return False
    point = seen.contacts.get((row["customer_id"], here))
    return point is not None and point["usage"] == "ignored"


def _missing(here: str | None, there: str | None) -> str:
    if here and not there:
        return "missing in B"
    if there and not here:
        return "missing in A"
    return "not compared" if here else "missing in both"


def _values(name: str, one: Row, other: Row) -> tuple[str | None, str | None]:
    """What the two records say; of several contact points those that agree, or else the first."""
    fields = READS.get(name, (name,))
    if name in {"email", "phone"}:
        here, there = ([row[field] for field in fields if row.get(field)] for row in (one, other))
        both = next((value for value in here if value in there), None)
        return both or next(iter(here), None), both or next(iter(there), None)
    return _joined(one, fields), _joined(other, fields)


def _joined(row: Row, fields: tuple[str, ...]) -> str | None:
    return ", ".join(_plain(row[field]) for field in fields if row.get(field) is not None) or None


def _for_the_eye(row: Row, rulebook: Rulebook) -> Row:
    """The record, with its person's number as people are shown it."""
    number = row.get(FIELD)
    return row if number is None else row | {FIELD: shown(FIELD, number, rulebook.number_kinds)}


def _plain(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _side(seen: Seen, row: Row, value: str | None, parts: list[Part], name: str) -> Side:
    if name not in {"email", "phone"} or value is None:
        return Side(parts, None, None)
    point = seen.contacts.get((row["customer_id"], value))
    second = [row[field] for field in READS[name] if row.get(field) not in {None, value}]
    more = f"also {second[0]}" if second else None
    return Side(parts, VERIFIED.get(point["verification"]) if point else None, more)


def _context(one: Row, other: Row, compared: tuple[str, ...]) -> list[Line]:
    lines = []
    for field in CONTEXT:
        if field in compared:
            continue
        here, there = _joined(one, (field,)), _joined(other, (field,))
        if here is None and there is None:
            continue
        kind = "null" if here is None or there is None else "same" if here == there else "diff"
        said = _missing(here, there) if kind == "null" else "same" if kind == "same" else "other"
        lines.append(_plain_line(field, kind, said, here, there))
    return lines


def _plain_line(field: str, kind: str, said: str, here: str | None, there: str | None) -> Line:
    one, other = (
        Side([Part(value, is_marked=False)] if value else [], None, None) for value in (here, there)
    )
    title = SHOWN.get(field, plain(field).capitalize())
    return Line(title, kind, GLYPHS[kind], said, one, other, None, None)


def _household(waterfall: Waterfall | None, weight: float, other_of_two: str) -> Line | None:
    """That two people of one household, or companies of one house, look much like one customer."""
    if waterfall is None or abs(waterfall.steps[-1].weight) < 0.05:
        return None
    nothing = Side([], None, None)
    two = "people of one household" if other_of_two == "account" else "companies of one address"
    says = f"Two {two} would look much alike"
    return Line(
        "Household", "diff", GLYPHS["diff"], says, nothing, nothing, weight, waterfall.steps[-1]
    )


def _level_words(rulebook: Rulebook) -> dict[str, dict[int, str]]:
    """Each comparison's levels in words: 0 is the best, -1 a missing value."""
    return {
        comparison["output_column_name"]: {
            number: level["label_for_charts"]
            for number, level in enumerate(comparison["comparison_levels"], -1)
        }
        for comparison in rulebook.model.settings["comparisons"]
    }
