"""Say of accounts that somebody is given whether there is such a campaign, source or customer."""

from collections.abc import Callable, Collection, Iterable, Mapping

from rules.feed import Feed
from store.state.accounts import KINDS

Ask = Callable[[str, dict[str, list[str]]], Iterable[str]]
"""Asks a snapshot for names."""

SHOWN = 5
_CUSTOMERS = """
    select customer_id as name from crosswalk where customer_id = any($names)
    union select old_customer_id from redirects where old_customer_id = any($names)"""
_CAMPAIGNS = "select distinct campaign as name from crosswalk where campaign = any($names)"


def unknown_accounts(accounts: Collection[str], feeds: Mapping[str, Feed], ask: Ask) -> str:
    """What is wrong with these accounts, in a sentence; nothing if there are all of them.

    A campaign or a source is known from its feed before its first record has come; a customer by
    every id that it has and had.
    """
    declared = {feed.campaign for feed in feeds.values() if feed.campaign}
    known = {
        "campaign": lambda names: declared | set(ask(_CAMPAIGNS, {"names": names})),
        "source": lambda names: set(feeds),
        "customer": lambda names: set(ask(_CUSTOMERS, {"names": names})),
    }
    said = []
    for kind in KINDS:
        names = [one.removeprefix(f"{kind}:") for one in accounts if one.startswith(f"{kind}:")]
        lacking = sorted(set(names) - known[kind](names)) if names else []
        if lacking:
            more = f" and {len(lacking) - SHOWN:,} more" if len(lacking) > SHOWN else ""
            said.append(f"There is no {kind} {', '.join(lacking[:SHOWN])}{more}.")
    return " ".join(said)
