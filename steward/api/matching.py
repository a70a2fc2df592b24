"""Say which customers a record could be, by the code that a run matches with; nothing is kept.

Questions that come at once are answered together, since a look at a frame costs the same for one
record as for twenty. What is out of the asker's scope is left out before anything is scored.
"""

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from rules.reach import Reach
from steward.api.blocks import Blocks, as_nodes, ignored_by
from steward.api.reading import standardised
from steward.desk.finding import named_after
from store.cabinet import Cabinet, Drawer, Ints
from store.rulebook import Rulebook
from store.scoped import Scoped, scoped_to
from transforms.arithmetic import Often
from transforms.block import block_keys, without_worn
from transforms.match import MatchModel, band, match_weight, score_few
from transforms.score import Scorer

LOG = logging.getLogger("touchstone.steward")
MOST = 2_000
"""Records that one question is compared with at most; a record with rare keys meets far fewer."""

_KNOWN = (
    "title", "first_name", "middle_name", "last_name", "suffix", "company", "birth_date",
    "person_number",
    "email", "email_2", "phone", "phone_2", "address", "city", "region", "postcode", "country",
)  # fmt: skip
"""What is known of a record."""
_WARMING = 32
"""Records that are asked about when a snapshot is opened, spread over all that there are."""
Answer = dict[str, Any]
"""Part of an answer; `Any` is whatever JSON can hold."""


class Question(NamedTuple):
    """A record, and the scope in which customers are looked for."""

    record: dict[str, str]
    scope: Scoped
    most: int
    """Customers in the answer."""


class Matcher(NamedTuple):
    """One snapshot and how its records are compared."""

    cabinet: Cabinet
    blocks: Blocks
    rulebook: Rulebook
    scorer: Scorer
    database: Often
    """One thread asks it."""

    def warm(self) -> None:
        """Be asked once about records that are here: whoever asks first finds all planned.

        That takes some ten times as long as an answer, and what a country needs is read when its
        first record comes. A record that cannot be asked about keeps nobody from asking.
        """
        drawer, everything = self.cabinet.records, scoped_to(Reach(is_all=True))
        if not drawer.founders.size:
            return
        some = np.linspace(0, drawer.founders.size - 1, min(drawer.founders.size, _WARMING))
        rows = drawer.at(some.astype(np.int64), _KNOWN).to_pylist()
        try:
            self.answer([Question(_said(row), everything, 1) for row in rows])
        except Exception as error:  # its text could tell of a person
            LOG.warning("the first question about a match fails: %s", type(error).__name__)

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """The answer to each question, in order."""
        rules, lookups = self.rulebook.matching, self.rulebook.lookups
        first = int(self.cabinet.last_record) + 1
        read = standardised([question.record for question in questions], first, lookups)
        asked = as_nodes(read, rules, lookups, ignored_by(self.cabinet), self.database)
        places, records = self._pairs(questions, asked, first)
        found = self._found(asked, places, records)
        said = [_said(row) for row in read.iter_rows(named=True)]
        return [
            {
                "run_id": self.cabinet.run_id,
                "read_as": said[number],
                "customers": [
                    self._told(row) for row in found.get(first + number, [])[: question.most]
                ],
            }
            for number, question in enumerate(questions)
        ]

    def _pairs(
        self, questions: Sequence[Question], asked: pl.DataFrame, first: int
    ) -> tuple[Ints, Ints]:
        """Which record, by its place, is to be compared with which question, by its number."""
        keys = asked.select(block_keys(self.rulebook.matching)).rows()
        found = [
            _admitted(
                question.scope,
                self.cabinet.records,
                self.blocks.sharing([key for key in row if key is not None]),
            )[:MOST]
            for question, row in zip(questions, keys, strict=True)
        ]
        numbers = np.arange(first, first + len(found), dtype=np.int64)
        return np.concatenate(found), np.repeat(numbers, [places.size for places in found])

    def _found(self, asked: pl.DataFrame, places: Ints, records: Ints) -> dict[int, list[Answer]]:
        """Of each question, by its number, the customers most like it, the likeliest first.

        Each customer is told by that record which is most like what is asked.
        """
        if not places.size:
            return {}
        rules, prior = self.rulebook.matching, self.rulebook.model.manifest.prior
        every, drawer = np.unique(places), self.cabinet.records
        nodes = self.blocks.at(every)
        compared = pl.concat([nodes, asked.select(nodes.columns)])
        scored = score_few(
            without_worn(compared, self.blocks.worn, rules),
            pl.DataFrame(
                {"record_a": drawer.numbers("record_number")[places], "record_b": records}
            ),
            self.scorer,
            rules,
            self.database,
        )
        named = pl.DataFrame(drawer.at(every, ("record_number", "record_id", "founder")))
        best = (
            scored.lazy()
            .filter(pl.col("evidence") >= rules.evidence_floor)
            .with_columns(
                match_weight(prior).alias("match_weight"),
                band(prior, rules.thresholds).alias("band"),
            )
            .join(named.lazy(), left_on="record_a", right_on="record_number")
            .sort("match_weight", "record_a", descending=[True, False])
            .unique(["record_b", "founder"], keep="first", maintain_order=True)
            .collect()
        )
        found: dict[int, list[Answer]] = {}
        for row in best.iter_rows(named=True):
            found.setdefault(row["record_b"], []).append(row)
        return found

    def _told(self, row: Answer) -> Answer:
        """One customer, with what speaks for and against it."""
        rules = self.rulebook.matching
        weight = row["match_weight"]
        return {
            "customer_id": named_after(row["founder"]),
            "record_id": row["record_id"],
            "match_weight": round(weight, 2),
            "probability": round(1 / (1 + 2.0 ** -max(min(weight, 60.0), -60.0)), 6),
            "band": row["band"],
            "evidence": [
                {"comparison": name, "level": level, "weight": round(row[f"w_{name}"], 2)}
                for name in rules.comparisons
                if (level := self._level(name, row[f"level_{name}"])) is not None
            ],
            "found_by": [
                rule.name
                for number, rule in enumerate(rules.blocking)
                if row["found_by"] & (1 << number)
            ],
        }

    def _level(self, comparison: str, level: int) -> str | None:
        """What a level is called; none where a value is missing."""
        if level < 0:
            return None
        told = self._levels()[comparison]
        return told[level]

    def _levels(self) -> dict[str, list[str]]:
        return {
            one["output_column_name"]: [
                str(level["label_for_charts"]) for level in one["comparison_levels"][1:]
            ]
            for one in self.rulebook.model.settings["comparisons"]
        }


def model_of(rulebook: Rulebook) -> MatchModel:
    """The dated model that runs match with."""
    model = rulebook.model
    return MatchModel(model.settings, model.frequencies, model.manifest.prior)


def _admitted(scope: Scoped, records: Drawer, places: Ints) -> Ints:
    """Those of these records that are in scope."""
    if scope.is_all:
        return places
    is_in = pl.col("campaign").is_in(sorted(scope.reach.campaigns)) | pl.col("source").is_in(
        sorted(scope.reach.datasets)
    )
    where = pl.DataFrame(records.at(places, ("campaign", "source")))
    admitted: Ints = places[where.select(is_in.fill_null(value=False)).to_series().to_numpy()]
    return admitted


def _said(row: Answer) -> dict[str, str]:
    """What was understood of the record; a contact point that is not valid is not there."""
    return {name: str(row[name]) for name in _KNOWN if row[name] is not None}
