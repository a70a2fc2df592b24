"""Pairs are drawn by lot from each stratum, and what people say of them speaks for all pairs."""

import duckdb
import numpy as np
import polars as pl

from rules.matching import Thresholds
from rules.queues import Samples
from transforms.coverage import Lost
from transforms.judge import LINKS, STRATA, Estimate, estimate, stratum
from transforms.strata import Drawing, drawn_sql, sample_name_sql, stratum_sql

BANDS = Thresholds(link=1, review=-3)
WEIGHTS = (9.0, 3.0, 0.0, -5.0, -12.0)
"""A weight of each stratum."""
SIZES, SHARES = (1_500, 400, 300, 700, 1_500), (0.98, 0.8, 0.4, 0.06, 0.004)
NOTHING_LOST = Lost(0.0, 0.0, 0.001, 1_000, (0, 500))


def by(salt: str = "2026-01-01", each: int = 40, share: float = 1.0) -> Drawing:
    return Drawing(Samples(each=each, share=share), BANDS, 0.0, salt)


def opened(pairs: pl.DataFrame, otherwise: pl.DataFrame | None = None) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("set threads = 1")
    told = pairs.with_columns(evidence=pl.col("weight"), kinship=pl.lit(-1_000.0))
    con.register("told", told.to_arrow())
    con.execute("create table pairs as from told")
    left = pairs.head(0) if otherwise is None else otherwise
    con.register("left_out", left.select("record_a", "record_b").to_arrow())
    con.execute("create table otherwise as from left_out")
    return con


def a_world(seed: int) -> pl.DataFrame:
    """Pairs of all strata, and whether each is one customer."""
    chance = np.random.default_rng(seed)
    weights = np.repeat(WEIGHTS, SIZES)
    return pl.DataFrame(
        {
            "record_a": np.arange(len(weights)) // 3,
            "record_b": np.arange(len(weights)) // 3 + 1 + np.arange(len(weights)) % 3,
            "weight": weights,
            "is_same": chance.random(len(weights)) < np.repeat(SHARES, SIZES),
            "stratum": np.repeat(STRATA, SIZES),
        }
    )


def measured(world: pl.DataFrame, drawn: pl.DataFrame, known: pl.DataFrame) -> Estimate:
    """What verdicts on the drawn pairs, all of them right, say; known: pairs decided otherwise."""
    pair = ["record_a", "record_b"]
    said = drawn.select(*pair).join(world, on=pair).select("stratum", "is_same", *pair)
    rest = world.join(pl.concat([said, known.select(said.columns)]), on=pair, how="anti")
    pairs = pl.concat(
        [said, rest.select("stratum", pl.lit(None, pl.Boolean).alias("is_same"), *pair)]
    )
    counted, others = (
        part.group_by("stratum", "is_same").agg(count=pl.len().cast(pl.Int64))
        for part in (pairs, known)
    )
    return estimate(counted, NOTHING_LOST, others)


def test_the_same_pairs_are_drawn_in_whatever_order_they_lie() -> None:
    world = a_world(1)

    first = opened(world).sql(drawn_sql("pairs", by())).pl()
    again = opened(world.reverse()).sql(drawn_sql("pairs", by())).pl()
    others = opened(world).sql(drawn_sql("pairs", by("2026-07-01"))).pl()

    assert first.equals(again)
    assert dict(first["stratum"].value_counts().iter_rows()) == dict.fromkeys(STRATA, 40)
    assert dict(zip(first["stratum"], first["pairs"], strict=True)) == dict(
        zip(STRATA, SIZES, strict=True)
    )
    assert len(first.join(others, on=["record_a", "record_b"], how="semi")) < 40


def test_more_pairs_move_few_of_those_that_are_drawn() -> None:
    world = a_world(1)

    before = opened(world.gather_every(2)).sql(drawn_sql("pairs", by())).pl()
    after = opened(world).sql(drawn_sql("pairs", by())).pl()

    kept = before.join(after, on=["record_a", "record_b"], how="semi")
    assert 0.35 * len(before) < len(kept) < 0.65 * len(before)


def test_of_few_pairs_none_is_drawn_and_what_was_decided_otherwise_never() -> None:
    world = a_world(1)
    decided = world.filter(pl.col("stratum") == STRATA[2])

    drawn = opened(world, decided).sql(drawn_sql("pairs", by(share=0.05))).pl()

    counts = dict(drawn["stratum"].value_counts().iter_rows())
    assert counts == {STRATA[0]: 40, STRATA[1]: 20, STRATA[3]: 35, STRATA[4]: 40}


def test_a_stratum_is_the_same_in_sql_and_in_frames() -> None:
    weights = pl.DataFrame({"weight": [*np.arange(-12.0, 12.0, 0.5)]})

    told = weights.with_columns(ours=stratum(pl.col("weight"), BANDS))
    found = (
        duckdb.connect().sql(f"select ours, {stratum_sql(BANDS)} as theirs from told").fetchall()
    )

    assert told.height == len(found)
    assert all(ours == theirs for ours, theirs in found)


def test_an_item_of_chance_has_one_name_whichever_record_comes_first() -> None:
    names = f"{sample_name_sql('a', 'b')}, {sample_name_sql('b', 'a')}"

    one, other = (
        duckdb.connect().sql(f"select {names} from (select 'x:1' a, 'y:2' b)").fetchall()[0]
    )

    assert one == other
    assert one.startswith("I-")
    assert len(one) == 12


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """Each time other pairs are drawn, and people have found half of the wrong links before."""
    world = a_world(7)
    links = pl.col("stratum").is_in(STRATA[:LINKS])
    struck = world.filter(links & ~pl.col("is_same")).gather_every(2)
    right = int(world.filter(links)["is_same"].sum())
    truth = right / world.filter(links).height, right / int(world["is_same"].sum())
    con, held = opened(world, struck), [0, 0]

    for number in range(60):
        drawn = con.sql(drawn_sql("pairs", by(f"model {number}", each=60))).pl()
        found = measured(world, drawn, struck)
        for at, share in enumerate((found.precision, found.recall)):
            held[at] += share.low <= truth[at] <= share.high

    assert found.too_few == []
    assert all(54 <= count <= 60 for count in held), held
