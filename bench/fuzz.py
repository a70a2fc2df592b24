"""Damage deliveries at random and read them, for some minutes: `bench/fuzz.py [SECONDS] [SEED]`.

Whatever comes, a reader either refuses the delivery with a reason or accounts for every row of it.
What breaks that is left in bench-data/ with its seed.
"""

import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # also where nothing is installed

from rules.feed import ReadRule
from rules.limits import Limits
from store.readers import DeliveryRefused, read_delivery
from tests.hostile import COLUMNS, Kind, kinds

WORK = Path(__file__).resolve().parents[1] / "bench-data"
SPECIAL = [
    b'"',
    b"'",
    b",",
    b";",
    b"\n",
    b"\r",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"{",
    b"]",
    b"\\u",
]
LONGEST = 60
"""Seconds that one delivery may take."""


def main() -> int:
    """Fuzz until the time is over; 1 if anything broke."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns()
    chance, began, count = random.Random(seed), time.monotonic(), 0
    whole = [(kind, content) for kind in kinds(0.001) if len(content := kind.content()) < 1 << 20]
    WORK.mkdir(exist_ok=True)
    path = WORK / "fuzzed"
    while time.monotonic() - began < seconds:
        kind, content = chance.choice(whole)
        path.write_bytes(damaged(content, chance))
        try:
            read(path, kind)
        except Exception:
            print(f"seed {seed}, delivery {count}, kind {kind.name}: kept as {path}")
            raise
        count += 1
    path.unlink()
    print(f"{count} deliveries in {seconds:.0f} s, seed {seed}: each read or refused.")
    return 0


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, cut out, doubled or put in."""
    data = bytearray(content)
    for _ in range(chance.randrange(6)):
        at, size = chance.randrange(len(data) + 1), chance.randrange(1, 40)
        junk = chance.choice(
            [chance.choice(SPECIAL), chance.randbytes(size), bytes(data[at : at + size]) * 2, b""]
        )
        data[at : at + chance.choice([0, 1, size])] = junk
    return bytes(data)


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
