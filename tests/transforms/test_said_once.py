"""For how long a row in quarantine had its key from a person, and who was judged."""

import json
from typing import Any

import polars as pl

from transforms.resolve import state_of
from transforms.said_once import keys_said, records_judged

ROW = {"sha256": "d", "row_number": 3, "seen": "s"}
HERE = {"sha256": "d", "row_number": 3}


def key(text: str) -> tuple[str, dict[str, Any]]:
    return "correct", {**ROW, "cells": [{"field": "source_key", "value": text}]}


def undo(decision_id: int) -> tuple[str, dict[str, Any]]:
    return "undo", {"decision_id": decision_id}


def log_of(*said: tuple[str, dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(
        [(number, kind, json.dumps(subject)) for number, (kind, subject) in enumerate(said, 1)],
        schema=["decision_id", "kind", "subject"],
        orient="row",
    )


def times(*said: tuple[str, dict[str, Any]]) -> list[tuple[str, int, int | None]]:
    log = log_of(*said)
    found = keys_said(log, state_of(log).corrections)
    return found.select("source_key", "decided", "ended").rows()


def test_a_key_holds_until_it_is_taken_back_and_again_from_when_that_is() -> None:
    assert times(key("P7")) == [("P7", 1, None)]
    assert times(key("P7"), undo(1)) == [("P7", 1, 2)]
    assert times(key("P7"), undo(1), undo(2)) == [("P7", 1, 2), ("P7", 3, None)]


def test_another_key_or_a_rejection_of_the_row_ends_it() -> None:
    assert times(key("P7"), key("P8")) == [("P7", 1, 2), ("P8", 2, None)]
    assert times(key("P7"), ("reject", HERE)) == [("P7", 1, 2)]


def test_a_correction_of_another_field_leaves_the_key() -> None:
    other = ("correct", {**ROW, "cells": [{"field": "city", "value": "York"}]})

    assert times(key("P7"), other) == [("P7", 1, None)]
    assert times(other) == []


def test_records_are_judged_by_side_until_the_newest_undo() -> None:
    log = log_of(
        ("same", {"records": ["a:1", "a:2"]}),
        ("different", {"groups": [["b:1", "b:2"], ["b:3"]]}),
        undo(2),
        undo(3),
    )

    judged = records_judged(log)

    said = judged.select("decision_id", "record_id", "last").rows()
    assert said == [(1, "a:1", 1), (1, "a:2", 1), (2, "b:1", 4), (2, "b:2", 4), (2, "b:3", 4)]
    one, two, three = judged.filter(decision_id=2)["side"]
    assert one == two != three
