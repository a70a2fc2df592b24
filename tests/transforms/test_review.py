"""A review item is a pure function of its evidence."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from rules.queues import Queues
from transforms import review

OPENED = datetime(2026, 3, 2, tzinfo=UTC)
QUEUES = Queues.model_validate(
    {
        kind: {"title": kind, "stake": 2.0, "due_days": 7}
        for kind in ("match", "cluster", "conflict", "quarantine", "delivery")
    }
)


def pair(match_weight: float, **more: object) -> pl.DataFrame:
    row = {
        "record_id_a": "crm:1",
        "record_id_b": "crm:2",
        "customer_id_a": "C1-1",
        "customer_id_b": "C1-2",
        "match_weight": match_weight,
        "opened_at": OPENED,
    }
    return pl.DataFrame([row | more])


def priority(items: pl.DataFrame, days: int) -> float:
    ranked = review.prioritise(items, QUEUES, OPENED + timedelta(days=days))
    return ranked["priority"].item()


def test_even_odds_are_the_most_urgent_match() -> None:
    even, likely = review.match_items(pair(0.0)), review.match_items(pair(2.0))

    assert priority(even, 1) == 2.0
    assert priority(likely, 1) == pytest.approx(2.0 * 4 * 0.8 * 0.2)


def test_an_item_past_its_due_time_weighs_double() -> None:
    items = review.match_items(pair(0.0))

    assert (priority(items, 7), priority(items, 8)) == (2.0, 4.0)


def test_a_refused_must_link_shows_no_weight() -> None:
    items = review.cluster_items(pair(1_000_000.0, why="cannot_link"))

    assert items.select("kind", "why", "match_weight").rows() == [("cluster", "cannot_link", None)]


def test_every_kind_of_item_has_the_same_columns() -> None:
    told = {
        "match": review.match_items(pair(0.0)),
        "cluster": review.cluster_items(pair(5.0, why="cannot_link")),
        "conflict": review.conflict_items(
            pl.DataFrame(
                [("C1-1", "email", "a", "crm:1", "b", "crm:2", "tie", OPENED)],
                schema=[
                    "customer_id", "field", "value", "record_id", "rival_value", "rival_id", "why",
                    "opened_at",
                ],
                orient="row",
            )
        ),
        "quarantine": review.quarantine_items(
            pl.DataFrame(
                {"delivery_id": ["d"], "row_number": [7], "reasons": [["x", "y"]]}
            ).with_columns(opened_at=pl.lit(OPENED))
        ),
        "delivery": review.delivery_items(
            pl.DataFrame({"delivery_id": ["d"], "reason": ["r"], "opened_at": [OPENED]})
        ),
    }  # fmt: skip

    items = pl.concat(told.values())

    assert items["kind"].to_list() == list(told)
    assert list(items.columns) == list(review.SCHEMA)
    assert items.filter(kind="quarantine")["why"].item() == "x, y"
    assert items.filter(kind="conflict")["question"].item() == "Which email is right?"
