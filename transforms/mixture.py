"""Tell four kinds of pairs apart without labels: a match, a household, a shared contact, strangers.

Two people of one household agree on last name, address and often phone; a model of matches and
strangers alone must call them a match. So a pair may be of a third kind, and its probabilities are
learnt beside the others, by expectation maximisation over counts of comparison patterns. People
who share a telephone or a mailbox and nothing else (colleagues, a number given out twice) are a
fourth: taken for households, they made it look as if families had different names and addresses.

Pairs come in blocks. A block that agrees on some columns by choice says nothing about them, so
their comparisons are left out there. Chance agreement is read from the block of random pairs, and
where strangers of one name agree more often than others (in their country), from those.
"""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]

KINDS = ("match", "household", "contact", "stranger")
_STRANGER = KINDS.index("stranger")
PSEUDO_SIGHTINGS = 4.0
"""How often each level counts as seen, at its default rate, beside what the data showed."""
NAMESAKES = 0.01
"""So many pairs of a household agree as one person does with itself: father and son, twins."""
BELIEF = 1_000.0
"""So many pairs of a kind the shares of an earlier model count for."""
ROUNDS = 60
CONVERGED = 1e-5


class Block(NamedTuple):
    """Counts of patterns: one column per comparison (0 best, -1 missing) and `count`."""

    patterns: pl.DataFrame
    left_out: frozenset[str]
    is_random: bool
    chance: frozenset[str] = frozenset()
    """The comparisons of which its strangers tell how often they agree by chance."""
    kind: str | None = None
    """What people said all these pairs are; unset: to be found out."""


class Mixture(NamedTuple):
    """For each comparison the share of each level, by kind: an array of four rows."""

    shares: dict[str, Floats]
    seen: dict[str, Floats]
    """How many pairs of each kind showed each level."""
    mixes: list[Floats]
    """For each block the shares of the four kinds among its pairs."""


class Reached(NamedTuple):
    """A level that people of a household reach as often as one person and a household do others."""

    name: str
    number: int
    by_one: tuple[str, int]
    by_both: tuple[str, int]


class Ties(NamedTuple):
    """What is known of kinds without looking, so that none can take the place of another."""

    personal: frozenset[str] = frozenset()
    """Comparisons in which people of a household are strangers, but for one pair in a hundred."""
    random: frozenset[str] = frozenset()
    """Comparisons in which those who share a contact point are strangers."""
    known: tuple[tuple[str, int], ...] = ()
    """Comparisons with the number of a level whose shares are the defaults."""
    reached: tuple[Reached, ...] = ()
    """Levels of personal comparisons that a household reaches by what it shares."""
    believed: frozenset[str] = frozenset()
    """Comparisons of which the defaults are an earlier model's, but for strangers."""


_NOTHING = Ties()


def fit(blocks: list[Block], defaults: dict[str, Floats], ties: Ties = _NOTHING) -> Mixture:
    """The shares that explain all blocks together, starting from and leaning on the defaults.

    What a household reaches by what it shares is put in at the end: while kinds are told apart it
    would draw garbled copies of one person to the households (F1 -0.002 where copies are garbled).
    """
    learning = ties._replace(reached=())
    shares = tied(defaults, defaults, learning)
    mixes = [np.array([1.0, 1.0, 1.0, 1e6]) if b.is_random else np.ones(len(KINDS)) for b in blocks]
    mixes = [mix / mix.sum() for mix in mixes]
    for _ in range(ROUNDS):
        seen = {name: np.zeros_like(default) for name, default in defaults.items()}
        for number, block in enumerate(blocks):
            weights = _said(block) if block.kind else _posterior(block, shares, mixes[number])
            mixes[number] = (weights.sum(axis=0) + 1e-9) / (weights.sum() + len(KINDS) * 1e-9)
            _count_levels(block, weights, seen)
        previous, shares = shares, tied(_with_defaults(seen, defaults, ties), defaults, learning)
        if max(np.abs(shares[n] - previous[n]).max() for n in shares) < CONVERGED:
            break
    return Mixture(tied(shares, defaults, ties), seen, mixes)


def tied(shares: dict[str, Floats], defaults: dict[str, Floats], ties: Ties) -> dict[str, Floats]:
    """The shares, with what is known of kinds in the place of what was found."""
    known = {name: share.copy() for name, share in shares.items()}
    for name, (match, household, contact, stranger) in known.items():
        if name in ties.personal:
            household[:] = NAMESAKES * match + (1 - NAMESAKES) * stranger
        if name in ties.random:
            contact[:] = stranger
    for name, number, by_one, by_both in ties.reached:
        household = known[name][KINDS.index("household")]
        often = _share(known, "match", by_one) * _share(known, "household", by_both)
        household *= 1 - often
        household[number] += often
    for name, number in ties.known:
        given = defaults[name][:, number]
        others = np.delete(np.arange(known[name].shape[1]), number)
        left = known[name][:, others]
        known[name][:, others] = left * ((1 - given) / left.sum(axis=1))[:, np.newaxis]
        known[name][:, number] = given
    return known


def times_of_matches(mixture: Mixture, number: int, name: str, kind: str) -> float:
    """How often two records are of a kind, in times of matches, by the block of this number.

    Its pairs agree on what the best level of the comparison is about. No pair is missing there,
    whereas of all households most pairs agree on so little that they are never scored.
    """
    mix, best = mixture.mixes[number], mixture.shares[name][:, 0]
    other, match = KINDS.index(kind), KINDS.index("match")
    return float(mix[other] / best[other] / (mix[match] / best[match]))


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
            padded = np.hstack(
                [np.log(share), np.zeros((len(KINDS), 1))]
            )  # level -1, missing: no say
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
    for name, total in seen.items():
        if name not in block.left_out:
            kinds = slice(3 if block.is_random else 0, 4 if name in block.chance else 3)
            level = block.patterns[name].to_numpy()
            for number in range(total.shape[1]):
                total[kinds, number] += weights[level == number][:, kinds].sum(axis=0)


def _share(shares: dict[str, Floats], kind: str, level: tuple[str, int]) -> float:
    name, number = level
    return float(shares[name][KINDS.index(kind), number])


def _with_defaults(
    seen: dict[str, Floats], defaults: dict[str, Floats], ties: Ties
) -> dict[str, Floats]:
    """Shares that are the data's where there are many sightings, and the default's without."""
    shares = {}
    for name, total in seen.items():
        share = (total + PSEUDO_SIGHTINGS) / (
            total.sum(axis=1, keepdims=True) + PSEUDO_SIGHTINGS / defaults[name]
        )
        if name in ties.believed:
            share[:_STRANGER] = (total + BELIEF * defaults[name])[:_STRANGER]
        shares[name] = share / share.sum(axis=1, keepdims=True)
    return shares
