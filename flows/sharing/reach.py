"""How much of what a person may export goes into a share."""

from rules.access import Action, Rights
from rules.reach import Held, Reach
from rules.reach import reach_of as reach_of_held
from store.errors import TouchstoneError
from store.state.people import User


def reach_of(user: User, action: Action, rights: Rights) -> Reach:
    """How far a person may do something; nowhere for who is switched off."""
    if not user.is_active:
        return Reach(is_all=False)
    held = Held(user.role, user.functions, user.campaigns, user.datasets)
    return reach_of_held(held, action, rights)


def narrowed(reach: Reach, campaigns: frozenset[str], datasets: frozenset[str]) -> Reach:
    """No more than these campaigns and datasets, which must be within reach."""
    if not campaigns and not datasets:
        return reach
    asked = Reach(False, campaigns, datasets)
    if not reach.holds(asked):
        raise TouchstoneError("They may not be given that; leave out what is not theirs.")
    return asked
