"""Strike runs with faults, many times: `python -m tests.chaos --kills 300 --faults 40`."""

import argparse
import errno
import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.chaos.cases import Outcome, machine, points_of, spread, strike
from tests.chaos.faults import Fault
from tests.chaos.more import KINDS, others
from tests.chaos.scenarios import BUILDERS, Scenario, build

CODES = (errno.EIO, errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EMFILE)
THOROUGH = 10
"""One case in so many is compared with a rebuild from nothing."""


def main() -> int:
    """Strike; 0 when no law was broken."""
    arguments = _arguments()
    names = arguments.only.split(",") if arguments.only else list(BUILDERS)
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    outcomes: list[Outcome] = []
    try:
        for outcome in _strikes(build(folder, names), arguments, folder):
            outcomes.append(outcome)
            if arguments.out:
                with arguments.out.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(outcome._asdict()) + "\n")
            if outcome.broken or not arguments.quiet:
                print(*outcome[:3], outcome.seconds, *outcome.broken, sep="\t", flush=True)
    finally:
        shutil.rmtree(folder)
    return _sum_up(outcomes)


def _strikes(
    scenarios: list[Scenario], arguments: argparse.Namespace, folder: Path
) -> Iterator[Outcome]:
    chance = random.Random(arguments.seed)
    for number, (scenario, fault) in enumerate(_plan(scenarios, arguments, chance, folder), 1):
        home = folder / f"case-{number}"
        yield strike(scenario, fault, home, thorough=number % THOROUGH == 0)
        shutil.rmtree(home)
    counts = dict.fromkeys(KINDS, arguments.others)
    yield from others(scenarios, counts, chance, folder)


def _plan(
    scenarios: list[Scenario], arguments: argparse.Namespace, chance: random.Random, folder: Path
) -> Iterator[tuple[Scenario, Fault]]:
    """Every fault of one process, spread evenly over the points of each scenario."""
    for place, scenario in enumerate(scenarios):
        home = folder / f"{scenario.name}-counted"
        points = points_of(scenario, home)
        shutil.rmtree(home)
        print(f"{scenario.name}: {points} points", flush=True)
        for at in spread(points, _share(arguments.kills, len(scenarios), place), chance):
            yield scenario, Fault("kill", at)
        for number in range(_share(arguments.faults, len(scenarios), place)):
            yield scenario, _failure(points, chance, number)


def _failure(points: int, chance: random.Random, number: int) -> Fault:
    """A disk that fails once, stays broken, or lets files grow only so far."""
    if number % 5 == 4:
        return Fault("limit", chance.choice([4_096, 65_536, 300_000, 1_000_000, 2_500_000]))
    kind = "fail" if number % 2 else "broken"
    return Fault(kind, chance.randint(1, max(points // 3, 1)), chance.choice(CODES))


def _share(count: int, parts: int, place: int) -> int:
    return count * (place + 1) // parts - count * place // parts


def _sum_up(outcomes: list[Outcome]) -> int:
    counts = Counter((one.scenario, one.fault.split()[0], one.ended) for one in outcomes)
    for (scenario, fault, ended), count in sorted(counts.items()):
        print(f"{scenario:10s} {fault:8s} {ended:8s} {count:5d}")
    broken = [one for one in outcomes if one.broken]
    print(f"{len(outcomes)} faults, {len(broken)} of them broke a law; {machine()}")
    return 1 if broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--faults", type=int, default=40, help="failing files, in all")
    parser.add_argument("--only", help=f"by commas: {', '.join(BUILDERS)}")
    parser.add_argument(
        "--others", type=int, default=6, help=f"so many of each of {', '.join(KINDS)}"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="a line of JSON for each case")
    parser.add_argument("--quiet", action="store_true", help="say only what was broken")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
