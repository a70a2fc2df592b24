"""Choose by chance what is judged blind or twice, and say how well those who judge agree.

Chance is a digest of an item's name, so that nobody can choose it, and the same item is chosen
however often it is asked about. Only what was chosen by chance is counted: items that two people
had to see, and those that a third settled, would say more about the rules than about people.
"""

import hashlib
from collections.abc import Sequence
from typing import Literal, NamedTuple

from transforms.evaluate import Share, share_of

Purpose = Literal["blind", "twice"]
SURE = ("same", "different")


class Agreement(NamedTuple):
    """How often two people who did not know of each other said the same."""

    agreed: Share
    kappa: float | None
    """Cohen's kappa: 1 where they always agree, 0 where no more than by chance."""


def is_drawn(item_id: str, purpose: Purpose, share: float) -> bool:
    """Whether an item is of the share that is chosen for this purpose."""
    digest = hashlib.sha256(f"{purpose}\x1f{item_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2.0**64


def agreement(answers: Sequence[tuple[str, str]]) -> Agreement:
    """Of each item the first and the second person's answer."""
    count = len(answers)
    agreed = share_of(sum(one == other for one, other in answers), count)
    if agreed.value is None:
        return Agreement(agreed, None)
    by_chance = sum(
        sum(one == word for one, _ in answers) * sum(other == word for _, other in answers)
        for word in SURE
    ) / (count * count)
    if by_chance >= 1:
        return Agreement(agreed, None)
    return Agreement(agreed, (agreed.value - by_chance) / (1 - by_chance))
