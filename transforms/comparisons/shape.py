"""Say what a comparison is: its levels, best first, and in words.

The text distance of a comparison stands in its null level too: evaluated there for every pair, it
is worked out once instead of once per level. The default m and u are what a level weighs when the
training data never showed it: cautious round numbers, listed in the model's manifest when used.
"""

from typing import NamedTuple


class Level(NamedTuple):
    """One way in which two values agree or differ."""

    label: str
    sql: str
    match: float
    household: float
    stranger: float
    term: str | None = None
    """The column whose value's frequency refines the weight, if there is one."""
    is_known: bool = False
    """Whether its shares are these and not learnt: what it means is known without looking."""
    in_families: tuple[tuple[str, int], tuple[str, int]] | None = None
    """Two levels, by comparison and number: people of one household reach this level as often as
    one person reaches the first and a household the second."""


class Comparison(NamedTuple):
    """Levels from the best to the worst; the last one takes what is left."""

    columns: tuple[str, ...]
    """What it compares; pairs chosen to agree on one of these teach nothing about it."""
    missing: str
    levels: tuple[Level, ...]
    is_correction: bool = False
    """Whether it only corrects for others that are not independent: its levels are not learnt."""
    goes_with_names: bool = False
    """Whether strangers of one name are more alike in it than strangers at random."""
    is_personal: bool = False
    """Whether people of one household differ in it as strangers do."""
    is_name: bool = False
    """Whether it is a part of a name: two people may have one name."""
    is_contact: bool = False
    """Whether people who are no family may share it: colleagues, or a number given out twice."""
