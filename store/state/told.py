"""Know which decisions name which records, for whoever looks at a customer.

The log is only added to, so what was read of it is kept and only what is new is read again.
"""

import json
import threading
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from store.decisions import DecisionLog


class Told(NamedTuple):
    """A decision as the log has it, and whether it holds."""

    decision_id: int
    decided_at: datetime
    decided_by: str
    kind: str
    subject: dict[str, Any]
    because: str
    item_id: str | None
    holds: bool
    """Not undone; an undo that was undone itself does not count."""

    @property
    def records(self) -> list[str]:
        """The records that it names."""
        return _records(self.subject)


class ToldOf:
    """The decisions of one log by the records that they name."""

    def __init__(self, log: DecisionLog) -> None:
        self._log = log
        self._turn = threading.Lock()
        self._rows: list[dict[str, Any]] = []
        self._named: dict[str, list[int]] = {}
        self._kinds: dict[str, list[int]] = {}
        self._undone: dict[int, bool] = {}
        self._leads: dict[int, tuple[int, bool]] = {}

    def about(self, records: list[str]) -> list[Told]:
        """The decisions that name any of these records, the newest first."""
        with self._turn:
            self._read()
            numbers = {number for record in records for number in self._named.get(record, ())}
            return [self._told(number) for number in sorted(numbers, reverse=True)]

    def of_kind(self, kind: str) -> list[Told]:
        """The decisions of one kind, the newest first."""
        with self._turn:
            self._read()
            return [self._told(number) for number in reversed(self._kinds.get(kind, ()))]

    def find(self, decision_id: int) -> Told | None:
        """The decision of this number."""
        with self._turn:
            self._read()
            return self._told(decision_id) if 0 < decision_id <= len(self._rows) else None

    def since(self, moment: datetime) -> list[Told]:
        """The decisions from this moment on, the newest first; undos are not among them."""
        with self._turn:
            self._read()
            found = []
            for number in range(len(self._rows), 0, -1):
                if self._rows[number - 1]["decided_at"] < moment:
                    break
                if self._rows[number - 1]["kind"] != "undo":
                    found.append(self._told(number))
            return found

    def _read(self) -> None:
        """Take in what was decided since; decisions are numbered 1, 2, 3 … without gaps."""
        fresh: pl.DataFrame = self._log.read(after=len(self._rows))
        for row in fresh.iter_rows(named=True):
            row["subject"] = json.loads(row["subject"])
            self._rows.append(row)
            self._kinds.setdefault(row["kind"], []).append(row["decision_id"])
            if row["kind"] == "undo":
                self._undo(row["decision_id"], row["subject"]["decision_id"])
            for record in _records(row["subject"]):
                self._named.setdefault(record, []).append(row["decision_id"])

    def _undo(self, undo: int, target: int) -> None:
        """The newest undo that leads to a decision has the say, as `transforms.resolve` says."""
        root, restores = self._leads.get(target, (target, True))
        self._leads[undo] = (root, not restores)
        self._undone[root] = restores

    def _told(self, number: int) -> Told:
        row = self._rows[number - 1]
        return Told(
            decision_id=number,
            decided_at=row["decided_at"],
            decided_by=row["decided_by"],
            kind=row["kind"],
            subject=row["subject"],
            because=row["because"] or "",
            item_id=row["item_id"],
            holds=not self._undone.get(number, False),
        )


def _records(subject: dict[str, Any]) -> list[str]:
    groups = subject.get("groups") or ()
    return [*(subject.get("records") or ()), *(record for group in groups for record in group)]
