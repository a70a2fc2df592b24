"""What is known of a domain after all its answers."""

from datetime import UTC, datetime, timedelta
from itertools import product

import polars as pl
import pytest

from transforms.deliverability import VERDICTS, deliverable, settle_domains

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def answers(*words: str) -> pl.DataFrame:
    """One answer a night for the domain mail.org."""
    return pl.DataFrame(
        {
            "number": list(range(len(words))),
            "domain": ["mail.org"] * len(words),
            "answer": list(words),
            "asked_at": [DAY + timedelta(days=night) for night in range(len(words))],
        }
    )


@pytest.mark.parametrize(
    ("words", "verification", "reason", "asked"),
    [
        (["mx"], "valid", None, 0),
        (["address", "no_such_domain"], "invalid", "no_such_domain", 1),
        (["no_such_domain", "mx"], "valid", None, 1),
        (["mx", "timed_out"], "valid", None, 0),
        (["null_mx", "timed_out", "server_failure"], "invalid", "null_mx", 0),
        (["timed_out", "server_failure"], "unverified", "server_failure", 1),
    ],
)
def test_the_last_answer_that_settles_it_counts(
    words: list[str], verification: str, reason: str | None, asked: int
) -> None:
    found = settle_domains(answers(*words)).row(0, named=True)

    assert (found["verification"], found["reason"]) == (verification, reason)
    assert found["asked_at"] == DAY + timedelta(days=asked)
    assert found["tried_at"] == DAY + timedelta(days=len(words) - 1)


@pytest.mark.parametrize("first", list(VERDICTS))
def test_night_by_night_and_all_at_once_are_the_same(first: str) -> None:
    for second, third in product(VERDICTS, repeat=2):
        whole = answers(first, second, third)
        known = pl.DataFrame(schema=whole.schema)

        for night in range(3):
            before = known.select(pl.lit(-1).cast(pl.Int64).alias("number"), *whole.columns[1:])
            known = settle_domains(pl.concat([before, whole[night : night + 1]]))

        assert known.equals(settle_domains(whole))


def test_an_answer_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(pl.exceptions.InvalidOperationError):
        settle_domains(answers("perhaps"))


def test_only_addresses_of_refused_domains_are_left_out() -> None:
    records = pl.DataFrame(
        {
            "email": ["ann@gone.org", "bob@mail.org", None, "x@not.gone.org"],
            "email_2": [None, "bob@gone.org", "eve@mail.org", None],
        }
    )

    left = deliverable(records, pl.Series(["gone.org"]))

    assert left.to_dict(as_series=False) == {
        "email": [None, "bob@mail.org", None, "x@not.gone.org"],
        "email_2": [None, None, "eve@mail.org", None],
    }
