"""Damage what arrives, at random, for some minutes: `bench/fuzz.py [SECONDS] [SEED]`.

Half of the time deliveries are damaged and read: a reader either refuses one with a reason or
accounts for every row of it. The other half damaged posts are sent to the app. What breaks
either is left in bench-data/, and its seed is told.
"""

import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # also where nothing is installed

from damage import damaged
from fuzz_posts import fuzz_posts

from rules.feed import ReadRule
from rules.limits import Limits
from store.readers import DeliveryRefused, read_delivery
from tests.hostile import COLUMNS, Kind, kinds

WORK = Path(__file__).resolve().parents[1] / "bench-data"
LONGEST = 60
"""Seconds that one delivery may take."""


def main() -> int:
    """Fuzz until the time is over; what broke is raised."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns()
    print(f"seed {seed}", flush=True)
    chance = random.Random(seed)
    WORK.mkdir(exist_ok=True)
    fuzz_deliveries(seconds / 2, chance)
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        fuzz_posts(seconds / 2, chance, Path(folder))
    return 0


def fuzz_deliveries(seconds: float, chance: random.Random) -> None:
    """Damage deliveries of all kinds, and read them."""
    began, count = time.monotonic(), 0
    whole = [(kind, content) for kind in kinds(0.001) if len(content := kind.content()) < 1 << 20]
    path = WORK / "fuzzed"
    while time.monotonic() - began < seconds:
        kind, content = chance.choice(whole)
        path.write_bytes(damaged(content, chance))
        try:
            read(path, kind)
        except Exception:
            print(f"delivery {count}, kind {kind.name}: kept as {path}")
            raise
        count += 1
    path.unlink()
    print(f"{count} deliveries in {seconds:.0f} s: each read or refused", flush=True)


def read(path: Path, kind: Kind) -> None:
    """Read it, and see that every row is accounted for, in time."""
    rule = ReadRule(format=kind.format, path="*", **kind.read)
    began = time.monotonic()
    try:
        reading = read_delivery(path, rule, Limits(), COLUMNS)
    except DeliveryRefused:
        pass
    else:
        numbers = [*reading.rows["row_number"], *reading.rejects["row_number"]]
        assert len(set(numbers)) == len(numbers) == reading.row_count
        assert reading.rejects["reason"].null_count() == 0
    assert time.monotonic() - began < LONGEST


if __name__ == "__main__":
    sys.exit(main())
