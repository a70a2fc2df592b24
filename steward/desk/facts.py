"""Say in words what makes a refused link a question, and what the run proposes."""

from itertools import combinations

from steward.desk.comparison import Comparison
from steward.desk.seen import Seen
from steward.desk.sketch import MOST
from steward.desk.words import plain, signed
from store.opened import Row

NAMED = 5
"""Records of one side that are named; of more only the first, and how many others."""
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


def facts_of(seen: Seen, labels: dict[int, str], comparison: Comparison) -> list[tuple[str, str]]:
    """The reason first and the question last; between them what a score tells."""
    why = str(seen.item["why"] or "")
    facts = [
        WHY.get(why, (plain(why).capitalize() or "In the band between", seen.item["question"]))
    ]
    across = [pair for pair in seen.pairs if _is_across(seen, pair)]
    facts.append(_bridges(across, labels))
    facts += _disagreements(comparison)
    facts += _triangle(seen, labels) or _against(across, labels)
    here, there = (labels[row["record_number"]] for row in seen.sides())
    return [
        *facts,
        ("The question", f"Do {here} and {there}, with all records behind them, belong together?"),
    ]


def proposal(seen: Seen, labels: dict[int, str]) -> str:
    """The cut that the run would make: the two customers as they are, by their records."""
    groups: dict[str, list[str]] = {}
    for row in seen.records:
        groups.setdefault(row["customer_id"], []).append(labels[row["record_number"]])
    first_a = sorted(groups.values(), key=lambda group: "A" not in group)
    return f"Cut into {' and '.join(map(listed, first_a))}."


def listed(names: list[str]) -> str:
    """Labels of records in their order, the first with how many others where they are many."""
    names = sorted(names, key=_letters_first)
    if len(names) > NAMED:
        return f"{names[0]} with {len(names) - 1} others"
    return " ".join(names)


def _letters_first(label: str) -> tuple[bool, int, str]:
    """A and B, which are asked about, before the numbers of the others."""
    return label.isdigit(), len(label), label


def _disagreements(comparison: Comparison) -> list[tuple[str, str]]:
    """What differs between the two records that are asked about."""
    found = [line.title.lower() for line in comparison.lines if (line.weight or 0.0) < -0.05]
    if not found:
        return []
    *rest, last = found
    listed = f"{', '.join(rest)} and {last}" if rest else last
    count = "One disagreement" if not rest else f"{len(found)} disagreements"
    verb = "differs" if not rest else "differ"
    return [(count, f"{listed.capitalize()} {verb} between A and B.")]


def _triangle(seen: Seen, labels: dict[int, str]) -> list[tuple[str, str]]:
    """Three records of which two links say what the third pair denies most strongly."""
    weights = {
        frozenset((pair["record_a"], pair["record_b"])): float(pair["match_weight"])
        for pair in seen.pairs
    }
    numbers = [row["record_number"] for row in seen.records][:MOST]
    numbers.sort(key=lambda number: _letters_first(labels[number]))
    found = []
    for corners in combinations(numbers, 3):
        sides = [(weights.get(frozenset(two)), two) for two in combinations(corners, 2)]
        denied = [(w, two) for w, two in sides if w is not None and w < 0]
        linked = [two for w, two in sides if w is not None and w > 0]
        if len(denied) == 1 and len(linked) == 2:
            found.append((*denied[0], linked))
    if not found:
        return []
    weight, ends, linked = min(found, key=lambda one: one[0])
    told = " and ".join(" = ".join(labels[number] for number in two) for two in linked)
    denied_ends = " ≠ ".join(labels[number] for number in ends)
    return [("A triangle that cannot be", f"{told}, but {denied_ends} ({signed(weight)}).")]


def _against(across: list[Row], labels: dict[int, str]) -> list[tuple[str, str]]:
    against = min(across, key=lambda pair: float(pair["match_weight"]), default=None)
    if against is None or against["match_weight"] >= 0:
        return []
    ends = f"{labels[against['record_a']]} and {labels[against['record_b']]}"
    weight = signed(float(against["match_weight"]))
    says = f"{ends} weigh {weight}: on their own they would be taken for two customers."
    return [("A pair that speaks against", says)]


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
