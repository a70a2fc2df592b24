"""What is laid out of a snapshot is made once, is made anew when it no longer holds, and goes."""

import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from store.laid_out import LaidOut, laid_out
from store.settings import Settings
from store.snapshot import LAID_OUT, drop_others

ROWS = pa.table({"founder": [1, 2], "email": ["a@x.org", None]})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(data=tmp_path)
    for run_id in ("R0001", "R0002"):
        (settings.published / run_id).mkdir(parents=True)
        (settings.published / run_id / "golden.duckdb").write_bytes(b"golden")
    return settings


def never() -> pa.Table:
    raise AssertionError


def makes(place: LaidOut) -> bool:
    """Whether the rows have to be made."""
    made = []

    def make() -> pa.Table:
        made.append(True)
        return ROWS

    assert place.rows("people.arrow", make).to_pydict() == ROWS.to_pydict()
    return bool(made)


def restored(settings: Settings) -> LaidOut:
    os.utime(settings.published / "R0001" / "golden.duckdb", ns=(1, 1))
    return laid_out(settings, "R0001", "rules")


def cut_short(settings: Settings) -> LaidOut:
    place = laid_out(settings, "R0001", "rules")
    os.truncate(place.path("people.arrow"), 100)
    return place


def test_rows_are_made_once(settings: Settings) -> None:
    place = laid_out(settings, "R0001", "rules")

    assert makes(place)

    assert place.rows("people.arrow", never).to_pydict() == ROWS.to_pydict()
    assert makes(laid_out(settings, "R0001", "rules")) is False


@pytest.mark.parametrize(
    "change",
    [
        lambda settings: laid_out(settings, "R0001", "other rules"),
        lambda settings: laid_out(settings, "R0002", "rules"),
        restored,
        cut_short,
    ],
    ids=["other rules", "another snapshot", "another copy of it", "a file cut short"],
)
def test_rows_that_no_longer_hold_are_made_anew(
    settings: Settings, change: Callable[[Settings], LaidOut]
) -> None:
    makes(laid_out(settings, "R0001", "rules"))

    place = change(settings)

    assert makes(place)
    assert not makes(place)


def test_of_a_snapshot_that_was_removed_nothing_is_kept(settings: Settings) -> None:
    place = laid_out(settings, "R0001")

    drop_others(settings, "R0002")

    assert makes(place)
    assert [path.name for path in settings.published.iterdir()] == ["R0002"]
    assert list(settings.work.iterdir()) == []


def test_only_what_serves_now_is_kept(settings: Settings) -> None:
    for run_id, by in (("R0001", "before"), ("R0002", "before"), ("R0002", "now")):
        makes(laid_out(settings, run_id, by))

    kept = [path.parent.parent.name for path in settings.published.glob(f"R*/{LAID_OUT}/*")]

    assert kept == ["R0002"]
    assert not makes(laid_out(settings, "R0002", "now"))
