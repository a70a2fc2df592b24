"""Say which customers a record could be, by the code that a run matches with; nothing is kept.

Questions that come at once are answered together, since a look at a frame costs the same for one
record as for twenty. What is out of the asker's scope is left out before anything is scored.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import duckdb
import numpy as np
import polars as pl
from numpy.typing import NDArray

from steward.api.blocks import Blocks, as_nodes
from steward.api.reading import standardised
from steward.desk.finding import named_after
from steward.desk.scope import Scoped
from store.cabinet import Cabinet
from store.rulebook import Rulebook
from transforms.block import block_keys
from transforms.match import MatchModel, band, match_weight, score_given

MOST = 2_000
"""Records that one question is compared with at most; a record with rare keys meets far fewer."""

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
    database: duckdb.DuckDBPyConnection
    """In memory, for arithmetic only; one thread asks it."""

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """The answer to each question, in order."""
        rules, lookups = self.rulebook.matching, self.rulebook.lookups
        first = int(self.cabinet.last_record) + 1
        read = standardised([question.record for question in questions], first, lookups)
        asked = as_nodes(read, rules, lookups, self.database)
        pairs, places = self._pairs(questions, asked, first)
        weighed = self._weighed(asked, pairs, places)
        said = [_said(row) for row in read.iter_rows(named=True)]
        return [
            {
                "run_id": self.cabinet.run_id,
                "read_as": said[number],
                "customers": self._customers(weighed, first + number, question.most),
            }
            for number, question in enumerate(questions)
        ]

    def _pairs(
        self, questions: Sequence[Question], asked: pl.DataFrame, first: int
    ) -> tuple[pl.DataFrame, NDArray[np.int64]]:
        """Which record is to be compared with which question: `place` and `record_b`."""
        names = block_keys(self.rulebook.matching)
        found = []
        for number, row in enumerate(asked.select(names).iter_rows()):
            places = self.blocks.sharing([key for key in row if key is not None])
            found.append((places, first + number))
        every = np.unique(np.concatenate([places for places, _ in found]))
        if not every.size:
            return pl.DataFrame(schema={"place": pl.Int64, "record_b": pl.Int64}), every
        where = pl.DataFrame(self.cabinet.records.at(every)).select("campaign", "source")
        admitted = [
            places[_admitted(question.scope, where)[np.searchsorted(every, places)]][:MOST]
            for question, (places, _) in zip(questions, found, strict=True)
        ]
        pairs = pl.concat(
            pl.DataFrame({"place": places}).with_columns(record_b=pl.lit(record, pl.Int64))
            for places, (_, record) in zip(admitted, found, strict=True)
        )
        return pairs, np.unique(np.concatenate(admitted))

    def _weighed(
        self, asked: pl.DataFrame, pairs: pl.DataFrame, places: NDArray[np.int64]
    ) -> pl.DataFrame:
        """The pairs with their weights, and whose record it is that was compared."""
        rules, prior = self.rulebook.matching, self.rulebook.model.manifest.prior
        if pairs.is_empty():
            return pl.DataFrame()
        nodes = self.blocks.at(places)
        named = pl.DataFrame(self.cabinet.records.at(places)).select(
            "record_id", "founder", record_a="record_number"
        )
        asked_for = pairs.join(
            named.with_columns(place=pl.Series(places)), on="place", maintain_order="left"
        )
        scored = score_given(
            pl.concat([nodes, asked.select(nodes.columns)]),
            asked_for.select("record_a", "record_b"),
            model_of(self.rulebook),
            rules,
            self.database,
        )
        return scored.with_columns(
            match_weight(prior).alias("match_weight"), band(prior, rules.thresholds).alias("band")
        ).join(named, on="record_a")

    def _customers(self, weighed: pl.DataFrame, record: int, most: int) -> list[Answer]:
        """The customers whose records are most like it, the likeliest first."""
        if weighed.is_empty():
            return []
        best = (
            weighed.filter(
                (pl.col("record_b") == record)
                & (pl.col("evidence") >= self.rulebook.matching.evidence_floor)
            )
            .sort("match_weight", "record_a", descending=[True, False])
            .unique("founder", keep="first", maintain_order=True)
            .head(most)
        )
        return [self._told(row) for row in best.iter_rows(named=True)]

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


def _admitted(scope: Scoped, where: pl.DataFrame) -> NDArray[np.bool_]:
    """Which of these records are in scope."""
    if scope.is_all:
        return np.ones(where.height, dtype=np.bool_)
    is_in = pl.col("campaign").is_in(sorted(scope.campaigns)) | pl.col("source").is_in(
        sorted(scope.datasets)
    )
    return where.select(is_in.fill_null(value=False)).to_series().to_numpy()


def _said(row: Answer) -> Answer:
    """What was understood of the record; a contact point that is not valid is not there."""
    names = (
        "title", "first_name", "middle_name", "last_name", "suffix", "company", "birth_date",
        "email", "email_2", "phone", "phone_2", "address", "city", "region", "postcode", "country",
    )  # fmt: skip
    return {name: str(row[name]) for name in names if row[name] is not None}
