"""What the read API serves from is nowhere by name, and no longer than its snapshot is kept."""

from pathlib import Path

import pyarrow as pa
import pytest

from store.cabinet import Follower
from store.laid_out import mapped
from store.reading import NoSnapshotError


def test_rows_are_mapped_from_a_file_that_never_had_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, memory_map = [], pa.memory_map

    def look_and_map(path: str) -> object:
        seen.append(list(tmp_path.iterdir()))
        return memory_map(path)

    monkeypatch.setattr(pa, "memory_map", look_and_map)

    rows = mapped(pa.table({"founder": [1, 2], "email": ["a@x.org", None]}), tmp_path)

    assert rows.to_pydict() == {"founder": [1, 2], "email": ["a@x.org", None]}
    assert seen == [[]]


def test_the_last_one_serves_while_the_next_is_made_only_while_its_snapshot_is_kept() -> None:
    kept = {"R0001", "R0002"}
    follower = Follower(str.lower, kept.__contains__)
    follower.at_hand("R0001")
    assert follower.wait() == "r0001"

    assert follower.at_hand("R0002") == "r0001"
    follower.wait()
    kept.remove("R0002")

    assert follower.at_hand("R0003") is None
    with pytest.raises(NoSnapshotError):
        follower.wait()
