"""`touchstone token`: let a program ask the read API as a person, and take it back."""

import argparse

from flows.cli import show
from store.settings import Settings
from store.state.open import State, open_state
from store.state.tokens import SCOPES, Token

DAYS = 90


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("action", choices=sorted(ACTIONS), help="what to do")
    parser.add_argument("name", nargs="?", metavar="NAME", help="the person, or the token's id")
    parser.add_argument(
        "--scope", action="append", choices=SCOPES, help="what it may ask; repeat for more"
    )
    parser.add_argument("--days", type=int, default=DAYS, help=f"how long it holds ({DAYS})")
    parser.add_argument("--purpose", default="", metavar="TEXT", help="what it is for")
    parser.set_defaults(refuse=parser.error)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Do it and say what came of it."""
    if arguments.action != "list" and not arguments.name:
        arguments.refuse("whose? name the person of a new token, or the id of a token to revoke")
    with open_state(settings) as state:
        ACTIONS[arguments.action](arguments, state)
    return 0


def _add(arguments: argparse.Namespace, state: State) -> None:
    if not arguments.scope:
        arguments.refuse("which --scope may it ask? repeat the option for more than one")
    token, made = state.tokens.add(
        arguments.name, arguments.scope, arguments.days, arguments.purpose
    )
    state.audit.note(arguments.name, "token_added", made.token_id, " ".join(made.scopes))
    says = f"{_line(made)}\n{token}\nIt is shown this once; send it as Authorization: Bearer …"
    show(_told(made) | {"token": token}, says, as_json=arguments.json)


def _list(arguments: argparse.Namespace, state: State) -> None:
    tokens = state.tokens.every()
    says = "\n".join(map(_line, tokens)) or "There are no tokens."
    show([_told(token) for token in tokens], says, as_json=arguments.json)


def _revoke(arguments: argparse.Namespace, state: State) -> None:
    state.tokens.revoke(arguments.name)
    state.audit.note("administrator", "token_revoked", arguments.name)
    told = {"token_id": arguments.name, "is_revoked": True}
    show(told, f"The token {arguments.name} opens nothing any more.", as_json=arguments.json)


ACTIONS = {"add": _add, "list": _list, "revoke": _revoke}
"""What can be done, by its word."""


def _told(token: Token) -> dict[str, object]:
    return token._asdict()


def _line(token: Token) -> str:
    state = " (revoked)" if token.is_revoked else f" until {token.expires_at:%Y-%m-%d}"
    purpose = f"; {token.purpose}" if token.purpose else ""
    return f"{token.token_id}: {token.user_name}, {', '.join(token.scopes)}{state}{purpose}"
