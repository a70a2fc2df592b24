"""Describe what a person can decide: one closed model per kind of decision.

A decision names records and deliveries, never customers or clusters: those move when
records arrive, and a decision must mean the same for ever.
"""

import json
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    SerializeAsAny,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from rules.base import Rule
from rules.feed import FIELDS

Kind = Literal[
    "same",
    "different",
    "value",
    "ignore",
    "confirm",
    "release",
    "refuse",
    "correct",
    "reject",
    "publish",
    "withhold",
    "enter",
    "discard",
    "undo",
]
Contact = Literal["email", "phone", "address"]
"""A kind of value by which a person is reached, and which several people may share."""

EVIDENCE = (
    "kind",
    "record_ids",
    "field",
    "value",
    "rival_value",
    "match_weight",
    "why",
    "delivery_id",
    "row_number",
)
"""What a person looks at who answers an item."""

MOST_RECORDS = 1_000
"""Records that one decision may name: every pair of them is a word of its own."""


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("the character NUL cannot be stored")
    return text


def _sorted_once(records: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(records)))


Text = Annotated[str, AfterValidator(_without_nul)]
Name = Annotated[Text, StringConstraints(min_length=1, max_length=200)]
RecordId = Annotated[Text, StringConstraints(pattern=r"(?s)^[^:]+:.+$", max_length=1_000)]
RecordIds = Annotated[
    tuple[RecordId, ...], Field(min_length=1, max_length=MOST_RECORDS), AfterValidator(_sorted_once)
]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Subject(Rule):
    """What a decision is about."""

    def text(self) -> str:
        """JSON with sorted keys, so that equal subjects are equal texts."""
        return json.dumps(
            self.model_dump(mode="json", exclude_none=True),
            ensure_ascii=False,
            sort_keys=True,
            separators=(",", ":"),
        )


class Same(Subject):
    """All these records are one customer: each pair of them is a must-link."""

    records: RecordIds

    @model_validator(mode="after")
    def _are_several(self) -> Self:
        if len(self.records) < 2:
            raise ValueError("needs at least two different records")
        return self


class Different(Subject):
    """Two records, or records of different groups, are not one customer: cannot-links."""

    records: RecordIds | None = None
    groups: tuple[RecordIds, ...] | None = None

    @model_validator(mode="after")
    def _can_be_told_apart(self) -> Self:
        if (self.records is None) == (self.groups is None):
            raise ValueError("needs either two records or groups of records")
        if self.records is not None and len(self.records) != 2:
            raise ValueError("needs exactly two different records; name more of them in groups")
        named = [record for group in self.groups or () for record in group]
        if self.groups is not None and (len(self.groups) < 2 or len(named) > MOST_RECORDS):
            raise ValueError(f"needs two or more groups of {MOST_RECORDS} records in all")
        if len(set(named)) < len(named):
            raise ValueError("a record cannot be in two groups")
        return self

    @field_validator("groups")
    @classmethod
    def _in_order(cls, groups: tuple[RecordIds, ...] | None) -> tuple[RecordIds, ...] | None:
        return None if groups is None else tuple(sorted(groups))


class Value(Subject):
    """The customer with these records has this value in this field."""

    records: RecordIds
    field: Name
    value: Annotated[Text, StringConstraints(min_length=1, max_length=10_000)]
    record_id: RecordId | None = Field(None, description="where it came from; unset: typed")

    @model_validator(mode="after")
    def _comes_from_one_of_them(self) -> Self:
        if self.record_id is not None and self.record_id not in self.records:
            raise ValueError("the record that the value came from must be one of the records")
        return self


class IgnoredValue(Subject):
    """A contact value that tells nobody apart and is left out of matching, whoever has it.

    It is named by the digest of what it is compared by, so that the log does not say it.
    """

    contact: Contact
    digest: Sha256
    records: RecordIds = Field(description="where it was seen")


class ConfirmedContact(Subject):
    """A contact point that a customer was reached by: they told the code that was sent there.

    It is named by its digest, as one that is left out, and by the customer's records that say it.
    """

    contact: Literal["email", "phone"]
    digest: Sha256
    records: RecordIds


class Delivery(Subject):
    """A held delivery, known by its content."""

    sha256: Sha256


class Row(Subject):
    """A quarantined row of a delivery."""

    sha256: Sha256
    row_number: int = Field(ge=1)


class Publication(Subject):
    """A snapshot that was held back: released, or kept back."""

    run_id: Annotated[str, StringConstraints(pattern=r"^R[0-9]{4,}$")]


class Entry(Subject):
    """What was typed at the desk, by the record that it would have been."""

    record_id: RecordId


class Cell(Rule):
    """One of our fields, and the text that should have been delivered for it."""

    field: Name
    value: Annotated[Text, StringConstraints(max_length=10_000)] = Field(description="may be blank")

    @field_validator("field")
    @classmethod
    def _is_ours(cls, field: str) -> str:
        if field not in FIELDS or field == "operation":
            raise ValueError(f"no field of ours is called {field}; choose from {', '.join(FIELDS)}")
        return field


class Correction(Row):
    """What a quarantined row should have said; it enters so with the next run."""

    seen: Sha256 = Field(description="of the row's text as the person saw it in quarantine")
    cells: Annotated[tuple[Cell, ...], Field(min_length=1)]

    @field_validator("cells")
    @classmethod
    def _names_each_field_once(cls, cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
        if len({cell.field for cell in cells}) < len(cells):
            raise ValueError("a field is given twice")
        return tuple(sorted(cells, key=lambda cell: cell.field))


class Undone(Subject):
    """An earlier decision. When that is an undo itself, what it undid is restored."""

    decision_id: int = Field(ge=1)


SUBJECTS: dict[Kind, type[Subject]] = {
    "same": Same,
    "different": Different,
    "value": Value,
    "ignore": IgnoredValue,
    "confirm": ConfirmedContact,
    "release": Delivery,
    "refuse": Delivery,
    "correct": Correction,
    "reject": Row,
    "publish": Publication,
    "withhold": Publication,
    "enter": Entry,
    "discard": Entry,
    "undo": Undone,
}
"""What each kind of decision is about."""


class NewDecision(Rule):
    """A decision before it is stored."""

    decided_by: Name
    kind: Kind
    subject: SerializeAsAny[Subject]
    because: Annotated[Text, StringConstraints(max_length=4_000)] = ""
    item_id: Name | None = Field(None, description="the review item it answers")
    snapshot_run_id: Name | None = Field(None, description="the snapshot that was looked at")
    fingerprint: Name | None = Field(None, description="of the evidence that was looked at")
    idempotency_key: Name = Field(description="a retried request has the same key")

    @field_validator("subject", mode="before")
    @classmethod
    def _fits_the_kind(cls, subject: object, info: ValidationInfo) -> Subject:
        if "kind" not in info.data:
            raise ValueError("cannot be read without a known kind")
        return SUBJECTS[info.data["kind"]].model_validate(subject)


class Decision(NewDecision):
    """A decision as the log has it."""

    decision_id: int = Field(ge=1)
    decided_at: datetime
