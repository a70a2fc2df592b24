from datetime import UTC, datetime

import polars as pl

from flows.known import SHOWN, Known
from flows.proposal import Answer, changes
from rules.matching import Matching
from store.rulebook import read_rule
from store.settings import Settings
from transforms.contradict import Said
from transforms.generations import SCHEMA

RULES = read_rule(Settings().rules / "matching.toml", Matching)
PAIRS = {"record_a": pl.Int64, "record_b": pl.Int64, "match_weight": pl.Float64}


def known(*names: str) -> Known:
    records = pl.DataFrame(
        {
            "record_number": range(1, len(names) + 1),
            "record_id": [f"crm:{name}" for name in names],
            "received_at": datetime(2026, 3, 2, tzinfo=UTC),
            **{field: ["Lee"] * len(names) for field in SHOWN},
            "first_name": names,
        }
    )
    said = pl.DataFrame(schema={"record_a": pl.Int64, "record_b": pl.Int64, "is_same": pl.Boolean})
    keys = pl.DataFrame(schema={"record_number": pl.Int64, "source": pl.String})
    return Known(records, pl.DataFrame(), pl.DataFrame(), said, keys, pl.DataFrame(schema=SCHEMA))


def pairs(*rows: tuple[int, int, float], against: tuple[int, int] | None = None) -> Answer:
    linked = pl.DataFrame(rows, schema=PAIRS, orient="row")
    opposed = [(*against, -30.0)] if against else []
    said = pl.concat([linked, pl.DataFrame(opposed, schema=PAIRS, orient="row")]).with_columns(
        against="match_weight",
        is_link=pl.col("match_weight") > 0,
        is_opposed=pl.col("match_weight") < 0,
        evidence="match_weight",
        kinship=pl.lit(-100.0),
        is_bare=pl.lit(value=False),
        is_at_home=pl.lit(value=False),
        is_in_family=pl.lit(value=False),
    )
    return Answer(linked, Said(said, (), 0.0), RULES)


def test_a_proposal_tells_customers_that_it_would_merge_and_split() -> None:
    found = changes(
        known("Karl", "Kurt", "Ann", "Anne"),
        pairs((1, 2, 9.0)),
        pairs((3, 4, 9.0)),
        show_values=True,
    )

    assert (found["merged"], found["split"], found["gained"], found["lost"]) == (1, 1, 1, 1)
    assert [record["first_name"] for record in found["examples"]["gained"][0]["records"]] == [
        "Ann",
        "Anne",
    ]


def test_records_that_speak_against_each_other_are_not_told_as_merged() -> None:
    """Ann is linked to both, but Karl and Kurt are so different that only one can be her."""
    both = pairs((1, 3, 9.0), (2, 3, 3.0), against=(1, 2))
    found = changes(known("Karl", "Kurt", "Ann"), pairs(), both, show_values=False)
    assert found["merged"] == 1
    assert found["examples"]["merged"][0]["parts"] == 2


def test_masked_values_that_look_the_same_are_not_called_the_same() -> None:
    found = changes(known("Karl", "Kurt"), pairs(), pairs((1, 2, 9.0)), show_values=False)

    example = found["examples"]["gained"][0]
    assert [record["first_name"] for record in example["records"]] == ["K•••", "K•••"]
    assert (example["same"]["first_name"], example["same"]["last_name"]) == (False, True)
