"""Who may do what: the matrix, asked as the app asks it."""

from itertools import product
from pathlib import Path
from typing import get_args

import pytest

import rules
from rules.access import Action, Rights
from steward.permission import Actor, Allowed, Denied, Resource, permission
from store.rulebook import read_rule

RIGHTS = read_rule(Path(rules.__file__).parent / "roles.toml", Rights)
OURS = Resource(records=(("spring", "expo"), ("spring", "web")))
MIXED = Resource(records=(("spring", "expo"), ("autumn", "web")))
THEIRS = Resource(records=(("autumn", "web"),))
NOBODYS = Resource(records=((None, "desk"),))

VIEWER = Actor("vera", "viewer", campaigns=frozenset({"spring"}), datasets=frozenset({"desk"}))
EDITOR = Actor("edda", "editor", campaigns=frozenset({"spring"}))
STEWARD = EDITOR._replace(name="stan", functions=frozenset({"data_steward"}))
MANAGER = EDITOR._replace(name="mona", functions=frozenset({"account_manager"}))
ADMINISTRATOR = Actor("adam", "administrator")


@pytest.mark.parametrize(
    ("actor", "action", "resource", "is_allowed"),
    [
        (VIEWER, "see", OURS, True),
        (VIEWER, "see", NOBODYS, True),
        (VIEWER, "see", THEIRS, False),
        (VIEWER, "comment", OURS, False),
        (VIEWER, "see_unmasked", OURS, False),
        (EDITOR, "see", MIXED, True),
        (EDITOR, "see", NOBODYS, False),
        (EDITOR, "create", OURS, True),
        (EDITOR, "decide", OURS, False),
        (STEWARD, "decide", OURS, True),
        (STEWARD, "decide", MIXED, False),
        (STEWARD, "decide", Resource(), False),
        (MANAGER, "decide", THEIRS._replace(account_manager="mona"), True),
        (MANAGER, "decide", OURS, False),
        (STEWARD, "second_look", OURS._replace(author="edda"), True),
        (STEWARD, "second_look", OURS._replace(author="stan"), False),
        (ADMINISTRATOR, "second_look", OURS._replace(author="adam"), False),
        (EDITOR, "undo", OURS._replace(author="edda"), True),
        (EDITOR, "undo", OURS._replace(author="edda", is_obeyed=True), False),
        (STEWARD, "undo", OURS._replace(author="stan", is_obeyed=True), True),
        (STEWARD, "undo", OURS._replace(author="edda"), False),
        (ADMINISTRATOR, "see", THEIRS, True),
    ],
)
def test_the_matrix_is_obeyed(
    actor: Actor, action: Action, resource: Resource, is_allowed: bool
) -> None:
    answer = permission(actor, action, resource, RIGHTS)

    assert isinstance(answer, Allowed if is_allowed else Denied)
    assert bool(answer) is is_allowed
    assert answer.reason


@pytest.mark.parametrize("action", sorted({"run", "configure", "reassign"}))
def test_only_administrators_run_and_configure(action: Action) -> None:
    people = [VIEWER, EDITOR, STEWARD, MANAGER]

    assert not any(permission(actor, action, OURS, RIGHTS) for actor in people)
    assert permission(ADMINISTRATOR, action, OURS, RIGHTS)


def test_a_function_without_the_role_of_an_editor_gives_nothing() -> None:
    viewer = VIEWER._replace(functions=frozenset({"data_steward", "account_manager"}))

    granted = [action for action in get_args(Action) if permission(viewer, action, OURS, RIGHTS)]

    assert set(granted) == {"see", "export"}


def test_a_person_without_campaigns_may_do_nothing_but_what_is_their_own() -> None:
    people = [Actor("new", role) for role in ("viewer", "editor")]
    resources = [OURS, MIXED, THEIRS, NOBODYS, Resource()]

    granted = [
        (actor.role, action)
        for actor, action, resource in product(people, get_args(Action), resources)
        if permission(actor, action, resource, RIGHTS)
    ]

    assert granted == []
