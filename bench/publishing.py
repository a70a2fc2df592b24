"""Measure publishing: seconds and bytes of a snapshot, and what a night that brings nothing does.

    .venv/bin/python bench/publishing.py --data COPY [--rules DIR] [--nights 3]

COPY is a copy of a data folder, since nights are run on it. First all files of its golden tables
are written into an empty folder, as by a night that changed everything; then nights with nothing
new are run, and the stage publish is told without the copy of the golden tables, and that beside.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from flows.nightly import nightly
from store.settings import Settings
from store.snapshot import open_snapshot, publish


class Clock:
    """Seconds of waiting and of the processor."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        """Since it was started."""
        return time.perf_counter() - self.wall, time.process_time() - self.cpu


class Copying:
    """What copying a file takes, of all that is copied meanwhile."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0
        self._copy: Callable[..., Any] = shutil.copyfile

    def __enter__(self) -> "Copying":
        shutil.copyfile = self._timed  # type: ignore[assignment]
        return self

    def __exit__(self, *_: object) -> None:
        shutil.copyfile = self._copy

    def _timed(self, *names: Any, **more: Any) -> Any:
        clock = Clock()
        found = self._copy(*names, **more)
        wall, cpu = clock.read()
        self.wall, self.cpu = self.wall + wall, self.cpu + cpu
        return found


def main() -> None:
    """Measure, and print one line for each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rules", type=Path)
    parser.add_argument("--nights", type=int, default=3)
    arguments = parser.parse_args()
    given = {"rules": arguments.rules} if arguments.rules else {}
    settings = Settings(data=arguments.data, **given)
    with open_snapshot(settings) as con:
        counts = con.sql("select (select count(*) from customers), count(*) from crosswalk")
        customers, records = counts.fetchall()[0]
        last: datetime = con.sql("select max(now) from runs").fetchall()[0][0]
    print(f"{customers:,} customers on {records:,} records")
    whole_snapshot(settings)
    for number in range(arguments.nights):
        quiet_night(settings, max(last, datetime.now(UTC)) + timedelta(minutes=number + 1))
    print(f"load {os.getloadavg()[0]:.1f}")


def whole_snapshot(settings: Settings) -> None:
    """All files of the golden tables."""
    with tempfile.TemporaryDirectory(dir=settings.data) as folder, Copying() as copying:
        clock = Clock()
        snapshot = publish(
            settings.golden, settings.model_copy(update={"data": Path(folder)}), "R1"
        )
        wall, cpu = clock.read()
        sizes = {path.suffix: 0 for path in snapshot.iterdir()}
        for path in snapshot.iterdir():
            sizes[path.suffix] += path.stat().st_size
    said = ", ".join(f"{suffix} {size / 1e6:.1f} MB" for suffix, size in sorted(sizes.items()))
    print(f"whole snapshot: {_told(wall, cpu)}, of it copying {_told(copying.wall, copying.cpu)}")
    print(f"bytes: {said}")


def quiet_night(settings: Settings, now: datetime) -> None:
    """The stage publish of a night with nothing new."""
    began: dict[str, Clock] = {}
    took: dict[str, tuple[float, float]] = {}

    def tell(stage: str, counts: object) -> None:
        if counts is None:
            began[stage] = Clock()
        else:
            took[stage] = began[stage].read()

    with Copying() as copying:
        nightly(settings, now, tell)
    wall, cpu = took["publish"]
    rest = _told(wall - copying.wall, cpu - copying.cpu)
    print(f"quiet night: publish {rest} and copying {_told(copying.wall, copying.cpu)}")


def _told(wall: float, cpu: float) -> str:
    return f"{wall:.2f} s ({cpu:.2f} CPU)"


if __name__ == "__main__":
    main()
