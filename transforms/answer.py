"""Turn a person's answer to a review item into a decision, or say why it does not fit.

A decision names records and deliveries, so it means the same whatever is clustered later.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, NamedTuple

import polars as pl

from rules.decision import (
    EVIDENCE,
    Cell,
    Correction,
    Delivery,
    Different,
    Kind,
    Row,
    Same,
    Subject,
    Value,
)
from rules.survivorship import Survivorship
from transforms.standardise.emails import verify_emails
from transforms.standardise.person_numbers import person_numbers
from transforms.standardise.phones import verify_phones

Item = Mapping[str, Any]
"""A row of review_items: text, numbers, times and lists of text."""


class AnswerError(Exception):
    """The answer does not fit the item; the message says what would."""


class Answer(NamedTuple):
    """What the decision log is to hold of an answer."""

    kind: Kind
    subject: Subject


def answer_item(item: Item, answer: str, rules: Survivorship) -> Answer:
    """Read `answer` as an answer to `item`."""
    return ANSWERS[item["kind"]](item, answer, rules)


def correct_row(item: Item, cells: Mapping[str, str], raw: str) -> Answer:
    """Read `cells`, ours = what should have come, as a correction of the row that came as `raw`."""
    if item["kind"] != "quarantine":
        raise AnswerError(
            f"{item['item_id']} is a {item['kind']} item; only a row can be corrected."
        )
    if "source_key" in cells and _cells(raw).get("source_key"):
        raise AnswerError(
            "The row has a key, and with another it would be another record: leave source_key."
        )
    subject = Correction(
        sha256=item["delivery_id"],
        row_number=item["row_number"],
        seen=hashlib.sha256(raw.encode()).hexdigest(),
        cells=tuple(Cell(field=field, value=value) for field, value in cells.items()),
    )
    return Answer("correct", subject)


def fingerprint(item: Item) -> str:
    """A digest of the item's evidence, to know later whether it has changed."""
    seen = {name: item[name] for name in EVIDENCE}
    seen["record_ids"] = sorted(item["record_ids"] or ())
    text = json.dumps(seen, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _pair(item: Item, answer: str, rules: Survivorship) -> Answer:
    _one_of(item, answer, "same", "different")
    records = tuple(item["record_ids"])
    if answer == "same":
        return Answer("same", Same(records=records))
    return Answer("different", Different(records=records))


def _conflict(item: Item, answer: str, rules: Survivorship) -> Answer:
    """The value kept, the rival's, or one that was typed; parts of a group only come together."""
    here, there = item["record_ids"]
    chosen = item["value"] if answer == "keep" else answer
    origins = {item["rival_value"]: there, item["value"]: here}
    rule = rules.fields[item["field"]]
    if rule.group and chosen not in origins:
        raise AnswerError(
            f"A {item['field']} is taken whole from one record: answer keep, or "
            f'"{item["rival_value"]}".'
        )
    if chosen not in origins:
        chosen = typed_value(item["field"], chosen.strip())
    return Answer(
        "value",
        Value(
            records=(here, there), field=item["field"], value=chosen, record_id=origins.get(chosen)
        ),
    )


def typed_value(field: str, text: str) -> str:
    """A value that a person typed, as the line itself would write it."""
    value = _SPELT.get(field, str)(text) if text else None
    if not value:
        shape = SHAPES.get(field, "a text that is not empty")
        raise AnswerError(f'"{text}" is no {field}: it must be {shape}. Answer that, or keep.')
    return value


def _date(text: str) -> str | None:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None


def _yes_or_no(text: str) -> str | None:
    return text if text in {"true", "false"} else None


def _email(text: str) -> str | None:
    value: str | None = verify_emails(pl.DataFrame({"raw": [text]}))["value"].item()
    return value


def _phone(text: str) -> str | None:
    asked = pl.DataFrame({"raw": [text], "region": [None]}, schema_overrides={"region": pl.String})
    value: str | None = verify_phones(asked)["value"].item()
    return value


def _number(text: str) -> str | None:
    value: str | None = person_numbers(pl.Series("person_number", [text]), None).item()
    return value


_SPELT: dict[str, Callable[[str], str | None]] = {
    "birth_date": _date,
    "consent_email": _yes_or_no,
    "consent_phone": _yes_or_no,
    "consent_post": _yes_or_no,
    "email": _email,
    "person_number": _number,
    "phone": _phone,
}
"""How a typed value becomes the one that is stored; any other field is text."""

SHAPES = {
    "birth_date": "a date such as 1979-06-14",
    "consent_email": "true or false",
    "consent_phone": "true or false",
    "consent_post": "true or false",
    "email": "a valid address",
    "person_number": "a number behind its kind, such as us_ssn:078051121",
    "phone": "a valid number with its country code, such as +442079460123",
}


def _delivery(item: Item, answer: str, rules: Survivorship) -> Answer:
    _one_of(item, answer, "release", "refuse")
    kind: Kind = "release" if answer == "release" else "refuse"
    return Answer(kind, Delivery(sha256=item["delivery_id"]))


def _row(item: Item, answer: str, rules: Survivorship) -> Answer:
    if answer == "correct":
        raise AnswerError("A correction says what should have come: correct email=ann@example.com")
    _one_of(item, answer, "reject", "correct")
    return Answer("reject", Row(sha256=item["delivery_id"], row_number=item["row_number"]))


def _cells(raw: str) -> dict[str, Any]:
    """The cells of a row in quarantine; none where the row could not be read."""
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _one_of(item: Item, answer: str, *words: str) -> None:
    if answer not in words:
        raise AnswerError(
            f"{item['item_id']} is a {item['kind']} item, and its answer is "
            f"{' or '.join(words)}, not {answer}."
        )


ANSWERS: dict[str, Callable[[Item, str, Survivorship], Answer]] = {
    "match": _pair,
    "cluster": _pair,
    "conflict": _conflict,
    "quarantine": _row,
    "delivery": _delivery,
}
"""How the answer to each kind of review item is read."""
