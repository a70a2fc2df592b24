"""A review item is a pure function of its evidence."""

from datetime import UTC, datetime, timedelta
from math import log1p

import polars as pl
import pytest

from rules.queues import SAMPLE, Queues
from transforms import review

OPENED = datetime(2026, 3, 2, tzinfo=UTC)
QUEUES = Queues.model_validate(
    {
        kind: {"title": kind, "stake": 2.0, "due_days": 7}
        for kind in ("match", "cluster", "quarantine", "delivery")
    }
    | {
        "conflict": {
            "title": "conflict",
            "stake": 2.0,
            "due_days": 7,
            "second_look_fields": ["email"],
        },
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


def ranked(items: pl.DataFrame, campaigns: int = 0) -> pl.DataFrame:
    whole = items.with_columns(item_id=pl.lit("M-1"), campaigns=pl.lit(campaigns))
    return review.prioritise(whole, QUEUES)


def priority(items: pl.DataFrame, campaigns: int = 0) -> float:
    return float(ranked(items, campaigns)["priority"].item())


def conflict(field: str) -> pl.DataFrame:
    row = {
        "customer_id": "C1-1", "field": field, "value": "a", "record_id": "crm:1",
        "rival_value": "b", "rival_id": "crm:2", "why": "tie", "opened_at": OPENED,
    }  # fmt: skip
    return review.conflict_items(pl.DataFrame([row]))


def test_even_odds_are_the_most_urgent_match() -> None:
    even, likely = review.match_items(pair(0.0)), review.match_items(pair(2.0))

    assert priority(even) == pytest.approx(log1p(2.0), abs=1e-4)
    assert priority(likely) == pytest.approx(log1p(2.0) * 4 * 0.8 * 0.2, abs=1e-4)


def test_customers_of_more_campaigns_come_first() -> None:
    items = review.match_items(pair(0.0))

    assert priority(items, campaigns=2) == pytest.approx(log1p(2.0 + 2 * 5.0), abs=1e-4)


def test_a_change_of_an_identifier_comes_before_that_of_another_field() -> None:
    assert priority(conflict("email")) == pytest.approx(log1p(2.0 + 20.0), abs=1e-4)
    assert priority(conflict("city")) == pytest.approx(log1p(2.0), abs=1e-4)


def test_an_item_is_due_so_many_days_after_its_evidence() -> None:
    assert ranked(conflict("city"))["due_at"].item() == OPENED + timedelta(days=7)


def test_a_refused_must_link_shows_no_weight() -> None:
    items = review.cluster_items(pair(1_000_000.0, why="cannot_link"))

    assert items.select("kind", "why", "match_weight").rows() == [("cluster", "cannot_link", None)]


def test_two_customers_of_one_name_are_asked_about_once() -> None:
    refusals = pl.concat(
        [
            pair(2.0, why="name_alone", record_a=1, record_b=4),
            pair(3.0, why="name_alone", record_a=2, record_b=4),
            pair(1.0, why="weak_average", record_a=1, record_b=5),
            pair(2.5, why="name_alone", record_a=3, record_b=6).with_columns(
                customer_id_a=pl.lit("C1-2"), customer_id_b=pl.lit("C1-1")
            ),
        ]
    )

    asked = review.asked_once(refusals)

    assert sorted(asked.select("why", "match_weight").rows()) == [
        ("name_alone", 3.0),
        ("weak_average", 1.0),
    ]


def test_every_kind_of_item_has_the_same_columns() -> None:
    told = {
        "match": review.match_items(pair(0.0)),
        "cluster": review.cluster_items(pair(5.0, why="cannot_link")),
        "conflict": conflict("email"),
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


def test_samples_stand_between_the_other_pairs_one_after_so_many() -> None:
    rare = QUEUES.samples.model_copy(update={"share": 0.25})
    certain = [0.01 * n for n in range(12)]
    items = pl.DataFrame(
        {
            "item_id": [f"I-{n:02}" for n in range(14)],
            "kind": "match",
            "why": [None] * 12 + [SAMPLE] * 2,
            "field": pl.Series([None] * 14, dtype=pl.String),
            "opened_at": OPENED,
            "uncertainty": [*(1 - less for less in certain), 0.5, 0.5],
            "campaigns": 0,
        }
    )

    ranked = review.prioritise(items, QUEUES.model_copy(update={"samples": rare}))

    asked = ranked.sort("priority", "item_id", descending=[True, False])["why"]
    assert "".join("." if why is None else "s" for why in asked) == "....s....s...."
