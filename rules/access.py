"""Describe who may do what: roles, functions, scopes and the matrix in roles.toml."""

from typing import Literal

from pydantic import Field

from rules.base import Rule

Role = Literal["viewer", "editor", "administrator"]
Function = Literal["data_steward", "account_manager"]
Action = Literal[
    "see",
    "see_unmasked",
    "export",
    "create",
    "comment",
    "decide",
    "decide_conflict",
    "second_look",
    "undo",
    "bulk",
    "unmerge",
    "ignore",
    "escalate",
    "reassign",
    "run",
    "configure",
    "read_audit",
]
Scope = Literal[
    "all",
    "assigned",
    "own_campaigns",
    "whole_in_campaigns",
    "own_accounts",
    "own",
    "own_until_next_run",
    "not_own",
]
"""How far a right reaches; `permission` in the app gives each word its meaning."""


class Right(Rule):
    """One action, and how far it reaches for each kind of person; an empty list: not at all.

    Words inside an inner list must all hold; one of the inner lists is enough.
    """

    title: str = Field(description="what the action is, in words that follow 'may not'")
    viewer: tuple[tuple[Scope, ...], ...] = ()
    editor: tuple[tuple[Scope, ...], ...] = ()
    data_steward: tuple[tuple[Scope, ...], ...] = ()
    account_manager: tuple[tuple[Scope, ...], ...] = ()
    administrator: tuple[tuple[Scope, ...], ...] = ()


class Rights(Rule):
    """The matrix: every action has its right.

    One that came with a later version is an administrator's where the file does not name it.
    """

    see: Right
    see_unmasked: Right
    export: Right
    create: Right
    comment: Right
    decide: Right
    decide_conflict: Right
    second_look: Right
    undo: Right
    bulk: Right
    unmerge: Right
    ignore: Right = Right(title="leave a value out of matching", administrator=(("all",),))
    escalate: Right
    reassign: Right
    run: Right
    configure: Right
    read_audit: Right

    def of(self, action: Action) -> Right:
        """The right for an action."""
        right: Right = getattr(self, action)
        return right
