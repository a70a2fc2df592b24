"""What a person may be handed reaches as far as what the app shows them, and no farther."""

from itertools import product
from pathlib import Path
from typing import get_args

import pytest

import rules
from flows.sharing.reach import reach_of
from rules.access import Action, Function, Rights, Role
from steward.desk.scope import scoped
from steward.permission import Actor
from store.rulebook import read_rule
from store.state.people import User

RIGHTS = read_rule(Path(rules.__file__).parent / "roles.toml", Rights)
SPRING, CRM = frozenset({"spring"}), frozenset({"crm"})


@pytest.mark.parametrize("action", get_args(Action))
def test_a_share_reaches_as_far_as_the_app(action: Action) -> None:
    functions = [frozenset(), *(frozenset({one}) for one in get_args(Function))]
    for role, held in product(get_args(Role), functions):
        user = User("ann", role, True, SPRING, CRM, held)

        handed = reach_of(user, action, RIGHTS)
        shown = scoped(Actor("ann", role, SPRING, CRM, held), RIGHTS, action=action)

        assert handed.is_all == shown.is_all
        if not shown.is_all:
            assert handed == shown.reach


def test_who_is_switched_off_is_handed_nothing() -> None:
    user = User("ann", "administrator", False, SPRING, CRM, frozenset())

    handed = reach_of(user, "see", RIGHTS)

    assert (handed.is_all, handed.campaigns, handed.datasets) == (False, frozenset(), frozenset())
