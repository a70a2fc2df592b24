"""Live through the nights of a year, and look each month whether anything drifted or grew.

After every night the names of customers are looked at; each month the tables are compared, row for
row, with a rebuild from the kept deliveries and decisions, and the files with those of the rebuild.
"""

import random
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import polars as pl

from flows.audit import audit
from flows.backing import back_up
from flows.erasing.erase import Asked, erase
from flows.nightly import nightly
from flows.restoring import restore
from tests.flows import laws
from tests.flows.builders import Company, differences, night_time, quiet
from tests.flows.nights import Choice, choose, decisions_so_far
from tests.year.world import World

TIMES = 2.5
"""A file of tables may be so many times as large as one that was just made: it is written to every
night, and what is freed is used again."""
SPARE = 8_000_000
"""Bytes of what only the chain has: reports, receipts, audits."""
KINDS = ("answer", "answer", "answer", "delivery", "same", "different", "value", "undo")
RETENTION = """
put_aside = 21
snapshots = 30
reports = 60
metrics = 90
audits = 90
[all_sources]
withdrawn = 60
quarantine = 45
held = 20
"""


class Plan(NamedTuple):
    """How long, and how often what happens; never is 0."""

    nights: int
    seed: int = 1
    month: int = 30
    audits: int = 7
    erasures: int = 12
    restores: int = 100


class Month(NamedTuple):
    """What a month's end showed."""

    night: int
    records: int
    customers: int
    deliveries: int
    decisions: int
    sizes: dict[str, int]
    """Bytes by what lies in the data folder."""
    anew: dict[str, int]
    """The same of the rebuild, which keeps one snapshot."""
    seconds: float
    """Of a night, the mean of the month."""


class Year:
    """A company and the world around it."""

    def __init__(self, company: Company, plan: Plan) -> None:
        self.company, self.plan = company, plan
        self.world, self.chance = World(plan.seed), random.Random(plan.seed)
        self.ever: set[str] = set()
        self.months: list[Month] = []
        self.before: pl.DataFrame | None = None
        self.spent = 0.0
        (company.settings.rules / "retention.toml").write_text(RETENTION, "utf-8")

    def live(self, tell: Callable[[Month], None] = lambda _: None) -> None:
        """Every night of the plan, with what people do between them."""
        for night in range(1, self.plan.nights + 1):
            self._night(night)
            if night % self.plan.month == 0 or night == self.plan.nights:
                self.months.append(self._look(night))
                tell(self.months[-1])
            if night < self.plan.nights:
                self._day(night)

    def _night(self, night: int) -> None:
        self.world.deliver(self.company, night)
        began = time.perf_counter()
        self.company.night(night)
        self.spent += time.perf_counter() - began
        if self.before is not None:
            laws.names_stay(self.company, self.before)
        self._after()

    def _after(self) -> None:
        self.before = laws.crosswalk(self.company)
        self.ever |= set(self.company.ask("select customer_id from customers")["customer_id"])

    def _day(self, night: int) -> None:
        """What people do after a night: answers, erasures, the audit, and a restore."""
        for _ in range(self.chance.choice((0, 0, 1, 2))):
            kind = self.chance.choice(KINDS)
            choose(self.company, Choice(kind, self.chance.randrange(99), self.chance.randrange(99)))
        settings, now = self.company.settings, night_time(night)
        if _is_due(night, self.plan.erasures):
            self._erase(night)
        if _is_due(night, self.plan.audits):
            audit(settings, now, quiet, remove=True)
        if _is_due(night, self.plan.restores):
            archive = self.company.folder / "backup.tar"
            back_up(settings, archive, now, days=30)
            restore(settings, archive, now, over=True)
            archive.unlink()
        elif night % 11 == 0:
            nightly(settings, now, quiet, takes_in=False)
        self._after()

    def _erase(self, night: int) -> None:
        there = self.company.ask("select record_id, customer_id from crosswalk order by all")
        if there.height:
            record_id, customer_id = there.row(self.chance.randrange(there.height))
            only = self.chance.random() < 0.3
            asked = Asked([record_id if only else customer_id], only, "dpo")
            erase(self.company.settings, asked, night_time(night), quiet)

    def _look(self, night: int) -> Month:
        """Compare with a rebuild, row for row and file for file."""
        home = self.company.folder / "anew"
        anew = self.company.anew(home)
        anew.rebuild(night)
        assert differences(self.company.tables(), anew.tables()) == {}
        laws.decisions_rule(self.company)
        laws.stewards_are_obeyed(self.company)
        laws.values_have_sources(self.company)
        asked = "select (select count(*) from crosswalk), (select count(*) from customers)"
        records, customers = self.company.ask(asked).row(0)
        data = self.company.settings.data
        month = Month(
            night=night,
            records=records,
            customers=customers,
            deliveries=len(list((data / "raw").glob("[0-9]*"))),
            decisions=decisions_so_far(self.company),
            sizes=sizes(data),
            anew=sizes(anew.settings.data),
            seconds=round(self.spent / self.plan.month, 2),
        )
        self.spent = 0.0
        shutil.rmtree(home)
        return month


def sizes(folder: Path) -> dict[str, int]:
    """Bytes on the disk of what lies in a folder, a file that is linked twice counted once."""
    found: dict[str, int] = {}
    seen: set[int] = set()
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        if path.is_file() and not path.is_symlink() and status.st_ino not in seen:
            seen.add(status.st_ino)
            name = path.relative_to(folder).parts[0]
            found[name] = found.get(name, 0) + status.st_blocks * 512
    return found


def grown(month: Month, snapshots_kept: int) -> list[str]:
    """What takes more room than the data that is kept can explain."""
    room = {name: TIMES * month.anew.get(name, 0) + SPARE for name in month.sizes}
    room["published"] = snapshots_kept * (TIMES * month.anew["published"] + SPARE)
    return [
        f"{name}: {size:,} bytes after night {month.night}, and no more than {room[name]:,.0f} "
        "are accounted for"
        for name, size in month.sizes.items()
        if size > room[name] and not _may_stay(name, month.night)
    ]


def _may_stay(name: str, night: int) -> bool:
    """Whether it was put aside by a restore, and the audit after its days has not come yet."""
    if not name.startswith("replaced-"):
        return False
    at = datetime.strptime(name, "replaced-%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return night_time(night) - at < timedelta(days=28)


def lost_names(company: Company, ever: set[str]) -> set[str]:
    """Ids that were published once and of which the tables say nothing any more."""
    told = company.ask(
        "select customer_id from crosswalk union select old_customer_id from redirects "
        "union select customer_id from changes"
    )
    return ever - set(told["customer_id"])


def _is_due(night: int, every: int) -> bool:
    return every > 0 and night % every == 0
