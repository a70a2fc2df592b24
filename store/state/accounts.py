"""Say of each item that waits who is the account manager of its customers.

An account is all that came with a campaign or from a source, or one customer: `campaign:NAME`,
`source:NAME`, `customer:ID`, where an id that the customer had before will do. People who are
account managers are granted accounts. Whoever has a customer comes before those who have its
campaign or source, and of several the first by name. Nobody is the manager of an item that they may
not see whole: that would hide it from all.
"""

from typing import NamedTuple

import sqlalchemy as sa

from store.state.tables import (
    ACCOUNT_SETS,
    CAMPAIGN_SETS,
    GRANTS,
    ITEM_CUSTOMERS,
    ITEMS,
    USERS,
)

CUSTOMER = "customer:"
KINDS = ("campaign", "source", "customer")
AT_A_TIME = 500
"""Customers that are looked up together."""


class Manager(NamedTuple):
    """An account manager: what they see, and which accounts are theirs."""

    name: str
    campaigns: frozenset[str]
    accounts: frozenset[str]

    @property
    def customers(self) -> list[str]:
        """The single customers among them."""
        return [one.removeprefix(CUSTOMER) for one in self.accounts if one.startswith(CUSTOMER)]


def is_any_managed(connection: sa.Connection) -> bool:
    """Whether any item has a manager; in a long queue that has none it takes a while to tell."""
    named = sa.select(ITEMS.c.item_id).where(ITEMS.c.manager.is_not(None)).limit(1)
    return connection.scalar(named) is not None


def assign_managers(connection: sa.Connection, *, was_any: bool = True) -> None:
    """Bring the managers of all items up to date; there are few sets, so few questions.

    `was_any`: what `is_any_managed` said before others had to wait for this transaction. Nobody
    gets or loses an account without this being done at once, so it holds while nobody has any.
    """
    managers = _managers(connection)
    if not managers and not was_any:
        return
    waits = sa.text("items.state in ('open', 'second_look')")
    told = (ITEMS.c.campaign_set, ITEMS.c.account_set, ITEMS.c.manager)
    known = connection.execute(sa.select(*told).where(waits).distinct()).all()
    if not managers and all(row.manager is None for row in known):
        return
    campaigns, accounts = _sets(connection, CAMPAIGN_SETS), _sets(connection, ACCOUNT_SETS)
    for row in known:
        name = _first(
            managers,
            campaigns.get(row.campaign_set, frozenset()),
            accounts.get(row.account_set, frozenset()),
        )
        if name != row.manager:
            of_set = (ITEMS.c.campaign_set == row.campaign_set) & (
                ITEMS.c.account_set == row.account_set
            )
            connection.execute(sa.update(ITEMS).where(of_set & waits).values(manager=name))
    _assign_customers(connection, managers, campaigns)


def _assign_customers(
    connection: sa.Connection, managers: list[Manager], campaigns: dict[str, frozenset[str]]
) -> None:
    """Give the items of single customers to their managers, whoever had them."""
    held = sorted(one for manager in managers for one in manager.customers)
    asked: dict[str, tuple[frozenset[str], set[str]]] = {}
    for start in range(0, len(held), AT_A_TIME):
        for row in connection.execute(_of_customers(held[start : start + AT_A_TIME])):
            told = asked.setdefault(
                row.item_id, (campaigns.get(row.campaign_set, frozenset()), set())
            )
            told[1].add(CUSTOMER + row.customer_id)
    rows = [
        {"named": item_id, "name": name}
        for item_id, told in asked.items()
        if (name := _first(managers, told[0], frozenset(told[1]))) is not None
    ]
    if rows:
        named = ITEMS.c.item_id == sa.bindparam("named")
        connection.execute(sa.update(ITEMS).where(named).values(manager=sa.bindparam("name")), rows)


def _of_customers(customer_ids: list[str]) -> sa.Select[tuple[str, str, str]]:
    """The items that wait about these customers."""
    waits = sa.text("items.state in ('open', 'second_look')")
    return (
        sa.select(ITEMS.c.item_id, ITEMS.c.campaign_set, ITEM_CUSTOMERS.c.customer_id)
        .join(ITEM_CUSTOMERS, ITEM_CUSTOMERS.c.item_id == ITEMS.c.item_id)
        .where(ITEM_CUSTOMERS.c.customer_id.in_(customer_ids) & waits)
    )


def _first(
    managers: list[Manager], campaigns: frozenset[str], accounts: frozenset[str]
) -> str | None:
    """The first by name whose account it is and who sees all its records."""
    return next(
        (one.name for one in managers if one.accounts & accounts and campaigns <= one.campaigns),
        None,
    )


def _managers(connection: sa.Connection) -> list[Manager]:
    """Editors who are let in, are account managers and have accounts, by name."""
    rows = connection.execute(
        sa.select(GRANTS)
        .join(USERS, USERS.c.name == GRANTS.c.user_name)
        .where((USERS.c.role == "editor") & (USERS.c.is_active == 1))
        .order_by(GRANTS.c.user_name)
    ).all()
    held: dict[str, dict[str, set[str]]] = {}
    for row in rows:
        held.setdefault(row.user_name, {}).setdefault(row.kind, set()).add(row.value)
    return [
        Manager(name, frozenset(grants.get("campaign", ())), frozenset(grants["account"]))
        for name, grants in held.items()
        if "account_manager" in grants.get("function", ()) and "account" in grants
    ]


def _sets(connection: sa.Connection, table: sa.Table) -> dict[str, frozenset[str]]:
    """What is in each set, by its name."""
    found: dict[str, set[str]] = {}
    for name, value in connection.execute(sa.select(*table.c)):
        found.setdefault(name, set()).add(value)
    return {name: frozenset(values) for name, values in found.items()}
