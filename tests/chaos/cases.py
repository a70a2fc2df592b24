"""Do something to a company while a fault strikes, do it again, and say which laws were broken."""

import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from store.errors import TouchstoneError
from store.files import keep_private
from tests.chaos import laws
from tests.chaos.faults import Fault, meet
from tests.chaos.processes import split_off, wait_for
from tests.chaos.scenarios import Scenario, copy_of, without
from tests.flows.builders import Company


class Outcome(NamedTuple):
    """What a fault did."""

    scenario: str
    fault: str
    ended: str
    """How the process ended: killed, refused, crashed, done."""
    broken: list[str]
    """What did not hold, in words."""
    seconds: float


def strike(scenario: Scenario, fault: Fault, folder: Path, *, thorough: bool) -> Outcome:
    """One fault, and what the next run makes of it."""
    began = time.monotonic()
    company = copy_of(scenario.base, folder)
    ended = wait_for(split_off(lambda: meet(fault, folder, words_on(company, scenario))))
    broken = judge(company, scenario, ended.said, thorough=thorough)
    word = how(ended.code, ended.said)
    if word == "crashed":
        broken.append(f"no sentence but {ended.said.strip().splitlines()[-1:]}")
    return Outcome(scenario.name, str(fault), word, broken, round(time.monotonic() - began, 1))


def words_on(company: Company, scenario: Scenario) -> list[str]:
    """The words that do it on this company."""
    first, *rest = scenario.words(company)
    places = ["--data", str(company.settings.data), "--rules", str(company.settings.rules)]
    return [first, *places, *rest]


def judge(company: Company, scenario: Scenario, said: str, *, thorough: bool) -> list[str]:
    """Do it again, in a process of its own; what did not hold before and after."""
    ended = wait_for(split_off(lambda: list(_after(company, scenario, said, thorough=thorough))))
    if ended.code != 0:
        return [f"the next run ended with {ended.code}: {ended.said[-500:]}"]
    found: list[str] = ended.answer
    return found


def how(code: int, said: str) -> str:
    """How a process ended."""
    if code == -signal.SIGKILL:
        return "killed"
    if code == 0:
        return "done"
    return "crashed" if "Traceback" in said or code < 0 else "refused"


def points_of(scenario: Scenario, folder: Path) -> int:
    """How many points the scenario passes when nothing goes wrong."""
    company = copy_of(scenario.base, folder)
    said = wait_for(
        split_off(lambda: meet(Fault("count"), folder, words_on(company, scenario)))
    ).said
    told = [line for line in said.splitlines() if line.startswith("points ")]
    if not told:
        raise RuntimeError(f"{scenario.name} does not run: {said}")
    return int(told[-1].split()[1])


def spread(points: int, count: int, chance: random.Random) -> list[int]:
    """So many different points, one from each part of the whole."""
    if count >= points:
        return list(range(1, points + 1))
    if count == 0:
        return []
    edges = [1 + points * part // count for part in range(count + 1)]
    return [chance.randrange(low, high) for low, high in pairwise(edges)]


def _after(company: Company, scenario: Scenario, said: str, *, thorough: bool) -> Iterator[str]:
    keep_private()
    if late := laws.waiting(company, scenario, said):
        scenario = later(scenario, late, company.folder / "later")
    elif late := laws.read_without(company, scenario):
        both = later(scenario, late, company.folder / "later")
        scenario = both._replace(before=scenario.before)
    yield from laws.readers_are_served(company, scenario)
    try:
        scenario.again(company)
    except (TouchstoneError, OSError, AssertionError) as error:
        yield f"it cannot be done again: {type(error).__name__} {error} (first it said {said})"
        return
    yield from laws.tables_are_the_undisturbed(company, scenario)
    yield from laws.nothing_is_left_over(company)
    yield from laws.what_is_held_is_asked(company)
    yield from laws.the_erased_are_gone(company, scenario)
    if thorough:
        yield from laws.laws_hold(company, scenario)
        yield from laws.rebuild_is_the_same(company, scenario, company.folder / "anew")


def later(scenario: Scenario, names: list[str], folder: Path) -> Scenario:
    """The scenario as it is where these files cannot be read before the run after it."""
    company = copy_of(scenario.base, folder)
    with without(company, names):
        scenario.again(company)
    published = company.tables()
    scenario.again(company)
    after = company.tables()
    shutil.rmtree(folder)
    return scenario._replace(before=published, after=after)


def machine() -> str:
    """How busy the machine is, for whoever reads the times."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
