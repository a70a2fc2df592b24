import polars as pl

from transforms.propose import BANDS, Move, compare_bands, count_bands


def pairs_of(*rows: tuple[int, int, str]) -> pl.DataFrame:
    schema = {"record_a": pl.Int64, "record_b": pl.Int64, "band": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_every_move_between_bands_is_counted() -> None:
    now = pairs_of((1, 2, "link"), (1, 3, "link"), (2, 3, "review"), (4, 5, "apart"))
    proposed = pairs_of((1, 2, "link"), (1, 3, "review"), (2, 3, "apart"), (4, 5, "link"))

    moved = {move[:2]: move.pairs for move in compare_bands(now, proposed) if move.pairs}

    assert moved == {
        ("link", "link"): 1,
        ("link", "review"): 1,
        ("review", "apart"): 1,
        ("apart", "link"): 1,
    }


def test_a_pair_that_one_side_did_not_keep_is_apart_there() -> None:
    now, proposed = pairs_of((1, 2, "link")), pairs_of((3, 4, "review"))

    moves = compare_bands(now, proposed)

    assert Move("link", "apart", 1) in moves
    assert Move("apart", "review", 1) in moves


def test_all_moves_are_listed_but_from_apart_to_apart() -> None:
    moves = compare_bands(pairs_of(), pairs_of())

    every = {(before, after) for before in BANDS for after in BANDS}
    assert {move[:2] for move in moves} == every - {("apart", "apart")}
    assert not any(move.pairs for move in moves)


def test_pairs_that_are_apart_are_not_counted() -> None:
    assert count_bands(pairs_of((1, 2, "link"), (1, 3, "apart"))) == {"link": 1, "review": 0}
