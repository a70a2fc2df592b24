"""What SQL leaves out is what permission refuses: the two say the same of every record."""

import itertools
from pathlib import Path
from typing import get_args

import pytest

import rules
from rules.access import Function, Rights, Role
from steward.desk.scope import scoped
from steward.permission import Actor, Resource, permission
from store.rulebook import read_rule

RIGHTS = read_rule(Path(rules.__file__).parent / "roles.toml", Rights)
FUNCTIONS: tuple[frozenset[Function], ...] = (
    frozenset(),
    frozenset({"data_steward"}),
    frozenset({"account_manager"}),
)


@pytest.mark.parametrize("role", get_args(Role))
@pytest.mark.parametrize("functions", FUNCTIONS)
@pytest.mark.parametrize("campaign", [None, "spring", "dach"])
@pytest.mark.parametrize("source", ["forms", "members"])
def test_a_record_is_in_scope_exactly_when_it_may_be_seen(
    role: Role, functions: frozenset[Function], campaign: str | None, source: str
) -> None:
    for campaigns, datasets in itertools.product([(), ("spring",)], [(), ("forms",)]):
        actor = Actor("sam", role, frozenset(campaigns), frozenset(datasets), functions)

        allowed = bool(permission(actor, "see", Resource(((campaign, source),)), RIGHTS))

        assert scoped(actor, RIGHTS).admits(campaign, source) == allowed
