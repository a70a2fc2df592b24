"""Tell three kinds of pairs apart without labels: one customer, one household, strangers.

Two people of one household agree on last name, address and often phone; a model of matches and
strangers alone must call them a match. So a pair may be of a third kind, and its probabilities are
learnt beside the others, by expectation maximisation over counts of comparison patterns.

Pairs come in blocks. A block that agrees on some columns by choice says nothing about them, so
their comparisons are left out there. Chance agreement is read from the block of random pairs alone.
"""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]

KINDS = ("match", "household", "stranger")
PSEUDO_SIGHTINGS = 4.0
"""How often each level counts as seen, at its default rate, beside what the data showed."""
ROUNDS = 60
CONVERGED = 1e-5


class Block(NamedTuple):
    """Counts of patterns: one column per comparison (0 best, -1 missing) and `count`."""

    patterns: pl.DataFrame
    left_out: frozenset[str]
    is_random: bool
    kind: str | None = None
    """What people said all these pairs are; unset: to be found out."""


class Mixture(NamedTuple):
    """For each comparison the share of each level, by kind: an array of three rows."""

    shares: dict[str, Floats]
    seen: dict[str, Floats]
    """How many pairs of each kind showed each level."""
    mixes: list[Floats]
    """For each block the shares of the three kinds among its pairs."""


def fit(blocks: list[Block], defaults: dict[str, Floats]) -> Mixture:
    """The shares that explain all blocks together, starting from and leaning on the defaults."""
    shares = defaults
    mixes = [np.array([1.0, 1.0, 1e6]) if b.is_random else np.ones(3) for b in blocks]
    mixes = [mix / mix.sum() for mix in mixes]
    for _ in range(ROUNDS):
        seen = {name: np.zeros_like(default) for name, default in defaults.items()}
        for number, block in enumerate(blocks):
            weights = _said(block) if block.kind else _posterior(block, shares, mixes[number])
            mixes[number] = (weights.sum(axis=0) + 1e-9) / (weights.sum() + 3e-9)
            _count_levels(block, weights, seen)
        previous, shares = shares, _with_defaults(seen, defaults)
        if max(np.abs(shares[n] - previous[n]).max() for n in shares) < CONVERGED:
            break
    return Mixture(shares, seen, mixes)


def fit_priors(evidence: Floats, kinship: Floats, possible: float) -> tuple[float, float]:
    """The odds of match and of household that explain scored pairs, among all possible pairs.

    `evidence` and `kinship` are weights against strangers; pairs not given count as strangers.
    """
    match, household = 1.0 / possible, 1.0 / possible
    evidence, kinship = np.exp2(evidence), np.exp2(kinship)
    for _ in range(500):
        total = 1.0 + match * evidence + household * kinship
        before = match
        match = max(float((match * evidence / total).sum()), 0.5) / possible
        household = max(float((household * kinship / total).sum()), 0.5) / possible
        if abs(match / before - 1.0) < 1e-9:
            break
    return match, household


def _posterior(block: Block, shares: dict[str, Floats], mix: Floats) -> Floats:
    """Per pattern, how many of its pairs are of each kind."""
    log = np.log(mix)[np.newaxis, :].repeat(block.patterns.height, axis=0)
    for name, share in shares.items():
        if name not in block.left_out:
            level = block.patterns[name].to_numpy()
            padded = np.hstack([np.log(share), np.zeros((3, 1))])  # level -1, missing: no say
            log += padded[:, level].T
    log -= log.max(axis=1, keepdims=True)
    kinds = np.exp(log)
    count = block.patterns["count"].to_numpy()[:, np.newaxis]
    posterior: Floats = kinds / kinds.sum(axis=1, keepdims=True) * count
    return posterior


def _said(block: Block) -> Floats:
    """Per pattern, how many of its pairs are of each kind, where people said which."""
    count = block.patterns["count"].to_numpy()[:, np.newaxis]
    said: Floats = count * np.array([float(kind == block.kind) for kind in KINDS])
    return said


def _count_levels(block: Block, weights: Floats, seen: dict[str, Floats]) -> None:
    kinds = slice(2, 3) if block.is_random else slice(0, 2)
    for name, total in seen.items():
        if name not in block.left_out:
            level = block.patterns[name].to_numpy()
            for number in range(total.shape[1]):
                total[kinds, number] += weights[level == number][:, kinds].sum(axis=0)


def _with_defaults(seen: dict[str, Floats], defaults: dict[str, Floats]) -> dict[str, Floats]:
    """Shares that are the data's where there are many sightings, and the default's without."""
    shares = {}
    for name, total in seen.items():
        share = (total + PSEUDO_SIGHTINGS) / (
            total.sum(axis=1, keepdims=True) + PSEUDO_SIGHTINGS / defaults[name]
        )
        shares[name] = share / share.sum(axis=1, keepdims=True)
    return shares
