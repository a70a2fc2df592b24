"""What makes a refused link a question is said in words: disagreements, a triangle, a proposal."""

from typing import Any

from steward.desk.comparison import Comparison, Line, Side
from steward.desk.facts import facts_of, proposal
from steward.desk.seen import Seen

LABELS = {1: "A", 2: "B", 3: "1", 4: "2"}
NOTHING = Side([], None, None)


def seen(*pairs: tuple[int, int, float]) -> Seen:
    """A and 2 are one customer, B and 1 another."""
    homes = {2: "C2-2", 3: "C2-2", 1: "C1-1", 4: "C1-1"}
    records = [
        {"record_number": number, "record_id": f"crm:{number}", "customer_id": home}
        for number, home in homes.items()
    ]
    item: dict[str, Any] = {"why": "weak_average", "record_ids": ["crm:1", "crm:2"], "question": ""}
    told = [dict(zip(("record_a", "record_b", "match_weight"), one, strict=True)) for one in pairs]
    return Seen(item, records, told, {})


def compared(**weights: float) -> Comparison:
    lines = [
        Line(title, "same", "=", "", NOTHING, NOTHING, weight, None)
        for title, weight in weights.items()
    ]
    return Comparison(lines, None, None, 0.0, [])


def test_disagreements_are_counted_and_named() -> None:
    none = facts_of(seen(), LABELS, compared(Name=3.0))
    one = facts_of(seen(), LABELS, compared(Name=3.0, Phone=-2.0))
    several = facts_of(seen(), LABELS, compared(Name=-3.0, Phone=-2.0, City=-0.01, Email=-1.0))

    assert not [head for head, _ in none if "disagreement" in head]
    assert ("One disagreement", "Phone differs between A and B.") in one
    assert ("3 disagreements", "Name, phone and email differ between A and B.") in several


def test_the_strongest_impossible_triangle_is_told_instead_of_a_pair() -> None:
    told = facts_of(
        seen((1, 2, 3.0), (2, 3, 9.0), (1, 3, -4.0), (1, 4, 5.0), (2, 4, -9.8)),
        LABELS,
        compared(),
    )

    assert ("A triangle that cannot be", "A = B and A = 2, but B ≠ 2 (−9.8).") in told
    assert not [head for head, _ in told if "speaks against" in head]


def test_without_a_triangle_the_pair_that_speaks_against_is_told() -> None:
    told = facts_of(seen((1, 3, -4.0)), LABELS, compared())

    assert [head for head, _ in told if "speaks against" in head]
    assert told[-1][0] == "The question"


def test_what_is_proposed_are_the_two_customers_as_they_are() -> None:
    assert proposal(seen(), LABELS) == "Cut into A 2 and B 1."
