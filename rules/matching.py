"""Describe how records are matched: `matching.toml`, and the manifest of a dated model.

The rule file names blocking rules, comparisons and thresholds; what a comparison's name means is
code, in `transforms/compare.py`. The weights live in `rules/weights/<date>/`, never here.
"""

from datetime import date
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from rules.base import Rule

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
KeyParts = Annotated[tuple[str, ...], Field(min_length=1)]


class BlockingRule(Rule):
    """Records that share one of this rule's keys are compared."""

    name: Name
    keys: tuple[KeyParts, ...] = Field(
        min_length=1,
        description="each key is the parts that must all be there; several keys share one space, "
        "so that [['phone'], ['phone_2']] finds any phone of one record among those of another",
    )
    max_block: int | None = Field(None, ge=2, description="unset: that of the file")


class Thresholds(Rule):
    """Match weights (log2 of the odds) between the three bands."""

    link: float = Field(description="at or above: linked without asking")
    review: float = Field(description="between the two: a data steward decides")

    @model_validator(mode="after")
    def _link_is_above_review(self) -> Self:
        if self.link <= self.review:
            raise ValueError("thresholds: link must be above review")
        return self


class Training(Rule):
    """What a training run reads, and how much of it."""

    u_pairs: int = Field(1_000_000, ge=1_000, description="random pairs that chance is read from")
    em_pairs: int = Field(200_000, ge=1_000, description="pairs per block")
    blocks: tuple[KeyParts, ...] = Field(
        min_length=2,
        description="columns that agree in the pairs from which matches and households are learnt; "
        "each comparison must be free to differ in one of them",
    )
    term_count_floor: int = Field(
        2, ge=1, description="rarer values are not listed by name in the model"
    )


class Matching(Rule):
    """`matching.toml`: what is compared with what, how, and where the bands end."""

    thresholds: Thresholds
    evidence_floor: float = Field(description="pairs with less evidence (no prior) are not kept")
    max_block: int = Field(ge=2, description="a key that more records share does not block")
    comparisons: tuple[Name, ...] = Field(min_length=1)
    blocking: tuple[BlockingRule, ...] = Field(min_length=1, max_length=30)
    training: Training

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        for names in (self.comparisons, tuple(rule.name for rule in self.blocking)):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"named twice: {', '.join(twice)}")
        return self

    def max_block_of(self, rule: BlockingRule) -> int:
        """The most records that one key of this rule may have."""
        return rule.max_block or self.max_block


class ModelManifest(Rule):
    """`manifest.toml` beside a dated model: where it comes from, and its prior."""

    trained_on: date
    seed: int
    record_count: int = Field(ge=2)
    prior: float = Field(description="log2 odds that two records of the file are one customer")
    splink_version: str
    comparisons: tuple[Name, ...]
    term_frequencies: tuple[str, ...] = Field(description="columns, one tf_<column>.parquet each")
    em_pairs: dict[str, int] = Field(description="pairs that each training block gave")
    untrained: tuple[str, ...] = Field(
        (), description="levels that too few matches showed: near their default"
    )
    remarks: tuple[str, ...] = Field((), description="what a reviewer of the weights should see")
