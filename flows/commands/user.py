"""`touchstone user`: who may use the steward app, with which role and scope."""

import argparse
import sys
from pathlib import Path

import polars as pl

from flows.cli import show
from rules.access import Function, Role
from store.errors import TouchstoneError
from store.known_accounts import unknown_accounts
from store.rulebook import read_rulebook
from store.settings import Settings
from store.snapshot import current_run, open_snapshot
from store.state.accounts import CUSTOMER
from store.state.open import State, open_state
from store.state.people import INVITATION_LASTS, User

ROLES: tuple[Role, ...] = ("viewer", "editor", "administrator")
FUNCTIONS: tuple[Function, ...] = ("data_steward", "account_manager")


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("action", choices=sorted(ACTIONS), help="what to do")
    parser.add_argument("name", nargs="?", metavar="NAME", help="the person")
    parser.add_argument(
        "--role", type=str.lower, choices=ROLES, help="viewer reads, editor decides and enters"
    )
    parser.add_argument(
        "--campaign", action="append", metavar="NAME", help="a campaign of theirs; repeat for more"
    )
    parser.add_argument(
        "--dataset", action="append", metavar="SOURCE", help="a source that a viewer may read"
    )
    parser.add_argument(
        "--function", action="append", choices=FUNCTIONS, help="what an editor may also do"
    )
    parser.add_argument(
        "--account",
        action="append",
        metavar="KIND:NAME",
        help="what an account manager answers for: campaign:NAME, source:NAME or customer:ID",
    )
    parser.add_argument(
        "--customers",
        metavar="FILE",
        type=Path,
        help="a CSV with a column customer_id: single customers they answer for as well",
    )
    parser.set_defaults(refuse=parser.error)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Do it and say what came of it."""
    if arguments.action != "list" and not arguments.name:
        arguments.refuse(f"who? name the person to {arguments.action}")
    with open_state(settings) as state:
        if arguments.customers:
            told = [*(arguments.account or ()), *_customers(arguments.customers)]
            arguments.account = told
        if arguments.account:
            _insist_on_accounts(arguments.account, settings)
        ACTIONS[arguments.action](arguments, state)
    _warn_of_unknown_scope(arguments, settings)
    return 0


def _customers(path: Path) -> list[str]:
    """The accounts of the customers that a file lists."""
    try:
        listed = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise TouchstoneError(f"{path.name} cannot be read as CSV; save it as .csv.") from error
    if "customer_id" not in listed.columns:
        raise TouchstoneError(f"{path.name} has no column customer_id; name it so and try again.")
    ids = listed["customer_id"].str.strip_chars().drop_nulls().unique(maintain_order=True)
    return [CUSTOMER + one for one in ids if one]


def _insist_on_accounts(accounts: list[str], settings: Settings) -> None:
    """Go on only if there is every campaign, source and customer; before the first run who knows.

    A customer may be named by an id that it had before.
    """
    if current_run(settings) is None and not any(one.startswith(CUSTOMER) for one in accounts):
        return
    if wrong := _unknown(accounts, settings):
        raise TouchstoneError(f"{wrong} Nothing was changed.")


def _warn_of_unknown_scope(arguments: argparse.Namespace, settings: Settings) -> None:
    """Say which campaigns and sources there are none of: one may be given before its first record.

    A misspelt one would leave the person with nothing to see, and nobody would know why.
    """
    given = [f"campaign:{name}" for name in arguments.campaign or ()]
    given += [f"source:{name}" for name in arguments.dataset or ()]
    if not given or current_run(settings) is None:
        return
    if wrong := _unknown(given, settings):
        more = f"{arguments.name} will see nothing by that until there is."
        sys.stderr.write(f"touchstone: {wrong} {more}\n")


def _unknown(accounts: list[str], settings: Settings) -> str:
    """What there is not in the snapshot nor among the feeds, in sentences."""
    feeds = read_rulebook(settings.rules).feeds
    with open_snapshot(settings) as con:

        def ask(query: str, names: dict[str, list[str]]) -> list[str]:
            return [str(name) for (name,) in con.execute(query, names).fetchall()]

        return unknown_accounts(accounts, feeds, ask)


def _add(arguments: argparse.Namespace, state: State) -> None:
    if arguments.role is None:
        arguments.refuse(f"which --role does {arguments.name} have?")
    nobody = User(arguments.name, arguments.role, True, frozenset(), frozenset(), frozenset())
    state.people.add(_with_scope(nobody, arguments))
    _invite(arguments, state)


def _change(arguments: argparse.Namespace, state: State) -> None:
    user = _with_scope(_known(arguments.name, state), arguments)
    user = user._replace(role=arguments.role or user.role, is_active=True)
    state.people.change(user)
    show(_told(user), f"{_line(user)}\nOpen sessions have ended.", as_json=arguments.json)


def _disable(arguments: argparse.Namespace, state: State) -> None:
    user = _known(arguments.name, state)._replace(is_active=False)
    state.people.change(user)
    says = f"{user.name} cannot sign in any more; open sessions have ended."
    show(_told(user), says, as_json=arguments.json)


def _invite(arguments: argparse.Namespace, state: State) -> None:
    user = _known(arguments.name, state)
    path = f"/invitation/{state.people.invite(user.name)}"
    says = (
        f"{_line(user)}\nThey set a password at {path} of the app, once, "
        f"within {INVITATION_LASTS.days} days."
    )
    show(_told(user) | {"invitation": path}, says, as_json=arguments.json)


def _list(arguments: argparse.Namespace, state: State) -> None:
    users = state.people.every()
    says = "\n".join(map(_line, users)) or "There is nobody yet; add a person."
    show([_told(user) for user in users], says, as_json=arguments.json)


ACTIONS = {
    "add": _add,
    "change": _change,
    "disable": _disable,
    "invite": _invite,
    "list": _list,
}
"""What can be done, by its word."""


def _known(name: str, state: State) -> User:
    user = state.people.find(name)
    if user is None:
        raise TouchstoneError(
            f"There is no person called {name}; `touchstone user list` names all."
        )
    return user


def _with_scope(user: User, arguments: argparse.Namespace) -> User:
    """What was given replaces what there was; what was not given stays."""
    return user._replace(
        campaigns=frozenset(arguments.campaign or user.campaigns),
        datasets=frozenset(arguments.dataset or user.datasets),
        functions=frozenset(arguments.function or user.functions),
        accounts=frozenset(arguments.account or user.accounts),
    )


def _told(user: User) -> dict[str, object]:
    return {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name, value in user._asdict().items()
    }


def _line(user: User) -> str:
    scope = [
        f"{kind} {', '.join(sorted(values))}"
        for kind, values in (
            ("functions", user.functions),
            ("campaigns", user.campaigns),
            ("datasets", user.datasets),
            ("accounts", user.accounts),
        )
        if values
    ]
    state = "" if user.is_active else " (cannot sign in)"
    return f"{user.name}: {user.role}{state}{''.join(f'; {words}' for words in scope)}"
