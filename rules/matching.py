"""Describe how records are matched: `matching.toml`, and the manifest of a dated model.

The rule file names blocking rules, comparisons and thresholds; what a comparison's name means is
code, in `transforms/comparisons/`. The weights live in `rules/weights/<date>/`, never here.
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


class Clustering(Rule):
    """When the links between two groups of records are enough to make them one customer."""

    average: float = Field(
        0.5, ge=0, description="bits that each pair between two groups must say on average"
    )
    average_of_groups: float = Field(
        0.5, ge=0, description="so many bits more where both groups have several records"
    )
    most_evidence: float = Field(
        10.0, gt=0, description="no single pair counts for more bits than this, for or against"
    )
    clear: float = Field(
        1.0,
        ge=0,
        description="bits by which a record must fit its customer better than any other that "
        "could not be put together with it; it stays alone else, and a data steward decides",
    )
    name_alone: float = Field(
        1.0,
        ge=0,
        description="bits that a name must say at least where nothing else is alike: what the "
        "model gives it, less what differs, less log2 of the pairs of customers who have that "
        "name; a model may ask for more",
    )
    contradiction: float = Field(
        3.0,
        gt=0,
        description="where two groups of records contradict each other in a personal detail by so "
        "many bits on average, pairs that do not state it count as if they did",
    )
    max_records: int = Field(
        200, ge=2, description="a component of more records is cut at its weakest links"
    )


class Training(Rule):
    """What a training run reads, and how much of it."""

    u_pairs: int = Field(1_000_000, ge=1_000, description="random pairs that chance is read from")
    em_pairs: int = Field(200_000, ge=1_000, description="pairs per block")
    blocks: tuple[KeyParts, ...] = Field(
        min_length=2,
        description="columns that agree in the pairs from which matches and households are learnt; "
        "each comparison must be free to differ in one of them",
    )
    namesakes: float = Field(
        0.00125,
        gt=0,
        le=1,
        description="of all customers, so many may be two people of one name by the odds of the "
        "model: it asks for so many bits of a name alone that no more are",
    )
    term_count_floor: int = Field(
        2, ge=1, description="rarer values are not listed by name in the model"
    )


class Drift(Rule):
    """How far a night may stray from what the model was trained on before a run warns."""

    growth: float = Field(
        4.0, gt=1, description="records, in times of those that the prior was learnt from"
    )
    smallness: float = Field(
        32.0,
        gt=1,
        description="records that the prior was learnt from, in times of those there are",
    )
    unseen: int = Field(
        10_000,
        ge=0,
        description="records, none of which the model in use was learnt or fitted from",
    )
    review_share: float = Field(
        0.25, gt=0, le=1, description="of the pairs that are linked or asked about: those asked"
    )
    level_shift: float = Field(
        0.25, gt=0, description="population stability index of a comparison's levels in links"
    )
    unlinkable_share: float = Field(
        0.1, gt=0, le=1, description="records that say too little to be linked to their own copy"
    )
    largest_customer: int = Field(100, ge=2, description="records of the largest customer")
    pairs_per_record: float = Field(
        20.0, gt=0, description="pairs that were kept, for each record that could be matched"
    )
    least_records: int = Field(500, ge=0, description="with fewer nothing is measured")


class Matching(Rule):
    """`matching.toml`: what is compared with what, how, and where the bands end."""

    thresholds: Thresholds
    evidence_floor: float = Field(description="pairs with less evidence (no prior) are not kept")
    max_block: int = Field(ge=2, description="a key that more records share does not block")
    max_compared: float = Field(
        200.0,
        gt=0,
        description="others that one record may be compared with, on average; a run whose "
        "blocking rules find more stops before it compares them",
    )
    comparisons: tuple[Name, ...] = Field(min_length=1)
    clustering: Clustering = Clustering()
    blocking: tuple[BlockingRule, ...] = Field(min_length=1, max_length=30)
    training: Training
    drift: Drift = Drift()

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        for names in (self.comparisons, tuple(rule.name for rule in self.blocking)):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"named twice: {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _accounts_are_compared(self) -> Self:
        if "company" in self.comparisons and "account" not in self.comparisons:
            raise ValueError(
                "company compares companies of people alone; add account behind it, or customers "
                "that are companies are not compared by what they are called"
            )
        return self

    def fitted(self, manifest: "ModelManifest") -> Self:
        """The same, as strict with names as the model asks for."""
        least = max(self.clustering.name_alone, manifest.name_alone or 0.0)
        clustering = self.clustering.model_copy(update={"name_alone": least})
        return self.model_copy(update={"clustering": clustering})

    def max_block_of(self, rule: BlockingRule) -> int:
        """The most records that one key of this rule may have."""
        return rule.max_block or self.max_block


class ModelManifest(Rule):
    """`manifest.toml` beside a dated model: where it comes from, and its prior."""

    trained_on: date
    seed: int
    record_count: int = Field(ge=2)
    prior: float = Field(description="log2 odds that two records of the file are one customer")
    name_alone: float | None = Field(
        None, ge=0, description="bits that a name must say in this file where nothing else is alike"
    )
    splink_version: str
    comparisons: tuple[Name, ...]
    term_frequencies: tuple[str, ...] = Field(description="columns, one tf_<column>.parquet each")
    em_pairs: dict[str, int] = Field(description="pairs that each training block gave")
    untrained: tuple[str, ...] = Field(
        (), description="levels that too few matches showed: near `leant_on`, or their default"
    )
    remarks: tuple[str, ...] = Field((), description="what a reviewer of the weights should see")
    first_received: date | None = Field(None, description="of the records it was learnt from")
    last_received: date | None = None
    verdicts: int = Field(0, ge=0, description="pairs that people had judged, learnt from as well")
    leant_on: str | None = Field(
        None, description="the model that stood in where too few records showed a level"
    )
    levels: dict[str, tuple[float, ...]] = Field(
        {},
        description="for each comparison the share of each level among the links it made when it "
        "was trained: a missing value first, then the best; drift is measured against them",
    )
