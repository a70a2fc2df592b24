"""A customer is named after its founder, and the names it had before lead to it."""

import polars as pl

from transforms.identify import customer_id, find_redirects

MEMBERS = {"record_number": pl.Int64, "founder": pl.Int64, "run_number": pl.Int64}
LINKS = {"record_a": pl.Int64, "record_b": pl.Int64, "run_number": pl.Int64, "why": pl.String}


def redirects(members: list[tuple], links: list[tuple]) -> list[tuple]:
    found = find_redirects(
        pl.DataFrame(members, schema=MEMBERS, orient="row"),
        pl.DataFrame([(*link, "linked") for link in links], schema=LINKS, orient="row"),
    )
    return sorted(found.select("old", "founder", "run_number").rows())


def test_a_customer_is_named_after_delivery_and_row() -> None:
    named = pl.DataFrame({"founder": [3_000_000_417]}).select(customer_id(pl.col("founder")))

    assert named.item() == "C3-417"


def test_who_stood_alone_for_a_run_leaves_a_name_behind() -> None:
    members = [(1, 1, 1), (2, 1, 1), (3, 1, 2)]

    assert redirects(members, [(1, 3, 2), (2, 3, 2)]) == [(2, 1, 2)]


def test_who_was_joined_on_arrival_leaves_none() -> None:
    members = [(1, 1, 1), (2, 1, 2), (3, 1, 3)]

    assert redirects(members, [(1, 2, 2), (2, 3, 3)]) == []


def test_two_customers_of_several_records_leave_one_name() -> None:
    members = [(1, 1, 1), (2, 1, 1), (3, 1, 1), (4, 1, 1), (5, 1, 4)]

    assert redirects(members, [(1, 2, 1), (3, 4, 1), (2, 5, 4), (4, 5, 4)]) == [(3, 1, 4)]
