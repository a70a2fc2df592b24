import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from rules.survivorship import Survivorship
from transforms.answer import (
    ANSWERS,
    EVIDENCE,
    AnswerError,
    answer_item,
    correct_row,
    fingerprint,
)
from transforms.review import SCHEMA

CASES = tomllib.loads((Path(__file__).parents[1] / "cases" / "answers.toml").read_text("utf-8"))
RULES = Survivorship.model_validate(
    {
        "fields": {
            "name": {"group": ["first_name", "last_name"], "order": ["most_trusted"]},
            **{
                field: {"order": ["most_recent"]}
                for field in ("birth_date", "phone", "email", "consent_email")
            },
        }
    }
)


def item_of(kind: str, field: str = "birth_date") -> dict[str, Any]:
    item: dict[str, Any] = dict.fromkeys(SCHEMA) | {"item_id": "I-1", "kind": kind}
    if kind in {"match", "cluster", "conflict"}:
        item["record_ids"] = ["a:1", "b:2"]
    if kind == "conflict":
        item |= {"field": field, "value": "1979-06-14", "rival_value": "1979-06-15"}
    if kind in {"delivery", "quarantine"}:
        item["delivery_id"] = "a" * 64
    if kind == "quarantine":
        item["row_number"] = 7
    return item


@pytest.mark.parametrize(
    "case", [case for case in CASES["case"] if "expect" in case], ids=lambda case: case["why"]
)
def test_an_answer_that_fits_becomes_a_decision(case: dict[str, Any]) -> None:
    item = item_of(case["item"], case.get("field", "birth_date"))

    answer = answer_item(item, case["answer"], RULES)

    assert {"kind": answer.kind, "subject": answer.subject.text()} == case["expect"]


@pytest.mark.parametrize(
    "case", [case for case in CASES["case"] if "refused" in case], ids=lambda case: case["why"]
)
def test_an_answer_that_does_not_fit_is_told_what_would(case: dict[str, Any]) -> None:
    item = item_of(case["item"], case.get("field", "birth_date"))

    with pytest.raises(AnswerError, match=case["refused"]):
        answer_item(item, case["answer"], RULES)


def test_every_kind_of_item_has_an_answer() -> None:
    assert set(ANSWERS) == {case["item"] for case in CASES["case"] if "expect" in case}


def test_the_fingerprint_is_of_the_evidence_alone() -> None:
    item = item_of("match") | {"match_weight": 3.5, "priority": 1.0, "due_at": "Monday"}

    assert fingerprint(item) == fingerprint(item | {"priority": 2.0, "due_at": "Friday"})
    assert fingerprint(item) == fingerprint(item | {"record_ids": ["b:2", "a:1"]})
    assert fingerprint(item) != fingerprint(item | {"match_weight": 3.6})


def test_the_evidence_is_what_an_item_has() -> None:
    assert set(EVIDENCE) <= set(SCHEMA)


def test_a_correction_names_the_row_as_it_was_seen() -> None:
    item = {**item_of("quarantine", "birth_date"), "delivery_id": "a" * 64, "row_number": 3}

    answer = correct_row(item, {"phone": "1", "email": "x@y.org"}, '{"email": "x"}')

    assert answer.kind == "correct"
    told = answer.subject.model_dump()
    assert told["seen"] == sha256(b'{"email": "x"}').hexdigest()
    assert [cell["field"] for cell in told["cells"]] == ["email", "phone"]


def test_only_a_row_is_corrected_and_it_keeps_its_key() -> None:
    row = item_of("quarantine", "birth_date")

    with pytest.raises(AnswerError, match="leave source_key"):
        correct_row(row, {"source_key": "9"}, '{"source_key": "7"}')
    with pytest.raises(AnswerError, match="only a row can be corrected"):
        correct_row(item_of("delivery", "birth_date"), {"email": "x@y.org"}, "{}")
