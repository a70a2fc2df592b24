"""Measure the desk: stewards on a long queue and a big golden table while nights publish.

    .venv/bin/python bench/desk.py --data DIR --rules DIR                 # how long people wait
    .venv/bin/python bench/desk.py --data DIR --rules DIR --kills         # and what kill -9 loses
    .venv/bin/python bench/desk.py --data DIR --rules DIR --keys          # key to painted, Chromium
    .venv/bin/python bench/desk.py --data DIR --rules DIR --bulk          # pairs answered at once

DIR holds a finished night; it is copied and not changed. The feed must declare a campaign,
"spring" unless `--campaign` says another. The state is in SQLite, or where `--url` says, which is
an empty PostgreSQL.
Each steward shows the next item, reads its preview, searches now and then, thinks, and decides.
With `--kills` the app and the nights are killed at random, and in the end every decision that was
acknowledged must be stored once and as it was said; meanwhile queue and snapshot are compared.
"""

import argparse
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import duckdb
import sqlalchemy as sa
from at_once import at_once
from painted import painted
from stewards import Act, Steward

from store.queueing import queue_of, show_queue
from store.rulebook import read_rulebook
from store.settings import Settings
from store.snapshot import current_run
from store.state.engine import reading
from store.state.open import State, open_state
from store.state.people import User
from store.state.tables import ITEMS, LIVE, VERDICTS

WARM = 5.0
"""Seconds at the beginning that do not count: pools are cold. Nor does what is begun after the end:
whoever thinks is told then, and all decide at once."""
KINDS = ("next", "decide", "preview", "search")


class Place:
    """A copy of the data, with an app and nights that can be killed."""

    def __init__(self, asked: argparse.Namespace, folder: Path) -> None:
        self.data = folder / "data"
        _copy(asked.data, self.data)
        url = asked.url or f"sqlite:///{folder / 'state.sqlite'}"
        os.environ["TOUCHSTONE_DECISIONS_URL"] = url
        self.settings = Settings(data=self.data, rules=asked.rules)
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.nice, self.every = asked.nice, asked.every
        self.app: subprocess.Popen[bytes] | None = None
        self.night: subprocess.Popen[bytes] | None = None
        self.nights: list[float] = []
        self.is_over = threading.Event()

    def start(self) -> None:
        """Start the app and wait until it listens."""
        self.app = self._run("steward", "--port", str(self.port))
        for _ in range(1_200):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise SystemExit("The app does not start; see app.log.")

    def keep_publishing(self) -> None:
        """One night after the other, each obeying what was decided meanwhile."""
        while not self.is_over.is_set():
            began = time.perf_counter()
            self.night = self._run("nightly", niceness=self.nice)
            if self.night.wait() == 0:
                self.nights.append(time.perf_counter() - began)
            self.is_over.wait(0.5)

    def settle(self) -> None:
        """Let one night end: a queue made at one go is past due at one go, and takes a step up."""
        if self._run("nightly").wait():
            raise SystemExit("The night before does not end well; see nightly.log.")

    def kill_at_random(self, chance: random.Random) -> Counter[str]:
        """Kill the app again and again, and every other night somewhere on its way."""
        killed: Counter[str] = Counter()
        until = time.monotonic() + chance.uniform(5, 40)
        while not self.is_over.wait(chance.uniform(0.5, 1.5) * self.every):
            assert self.app is not None
            self.app.kill()
            self.app.wait()
            killed["app"] += 1
            self.start()
            if self.night is not None and time.monotonic() > until:
                killed["night"] += self.night.poll() is None
                self.night.kill()
                until = time.monotonic() + chance.uniform(5, 60)
        return killed

    def stop(self) -> None:
        """End what is under way."""
        self.is_over.set()
        for process in (self.night, self.app):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait()

    def _run(self, *words: str, niceness: int = 0) -> subprocess.Popen[bytes]:
        every = ["nice", "-n", str(niceness), sys.executable, "-m", "flows.cli", *words]
        every += ["--data", str(self.data), "--rules", str(self.settings.rules)]
        with (self.data.parent / f"{words[0]}.log").open("ab") as log:
            return subprocess.Popen(every, stdout=log, stderr=log)


def main() -> int:
    """Do what was asked and print a table."""
    asked = _asked()
    with tempfile.TemporaryDirectory(prefix="desk-bench-", dir=asked.folder) as folder:
        place = Place(asked, Path(folder))
        with open_state(place.settings) as state:
            _open_the_queue(place.settings)
            tokens = _hire(state, asked)
            place.start()
            try:
                if asked.keys:
                    print("| | n | p50 | p90 | p95 | longest, ms |")
                    print("| --- | ---: | ---: | ---: | ---: | ---: |")
                    print(painted(place.port, next(iter(tokens.values())), asked.items))
                    return 0
                if asked.bulk:
                    at_once(place.port, list(tokens.values()), _most_alike(place))
                    return 0
                return _load(place, state, tokens, asked)
            finally:
                place.stop()


def _load(place: Place, state: State, tokens: dict[str, str], asked: argparse.Namespace) -> int:
    people = [Steward(name, token, place.port, asked.think) for name, token in tokens.items()]
    if asked.settle:
        place.settle()
    people[0].search("smith")  # a desk has been up for a while, and its words are laid out
    torn = _Torn(place, state)
    began = time.perf_counter()
    aside = [threading.Thread(target=place.keep_publishing)] if asked.nights else []
    killed: Counter[str] = Counter()
    if asked.kills:
        chance = random.Random(asked.seed)
        killer = threading.Thread(target=lambda: killed.update(place.kill_at_random(chance)))
        aside += [killer, threading.Thread(target=torn.watch)]
    for one in [*people, *aside]:
        one.start()
    time.sleep(asked.seconds)
    ended = time.perf_counter()
    for person in people:
        person.is_over.set()
    for person in people:
        person.join()
    place.is_over.set()
    if place.night is not None and place.night.poll() is None:
        place.night.kill()
    for one in aside:
        one.join()
    acts = [act for person in people for act in person.acts]
    _print_waits([act for act in acts if act.at > began + WARM and act.at - act.seconds < ended])
    print(f"| nights published, seconds each | {[round(one) for one in place.nights]} |")
    return _print_kept(state, people, killed, torn) if asked.kills else 0


def _print_waits(acts: list[Act]) -> None:
    print("| | n | p50 | p90 | p99 | longest, ms |\n| --- | ---: | ---: | ---: | ---: | ---: |")
    for kind in KINDS:
        waits = sorted(act.seconds * 1_000 for act in acts if act.kind == kind)
        if waits:
            shares = [waits[min(len(waits) - 1, int(len(waits) * q))] for q in (0.5, 0.9, 0.99)]
            told = " | ".join(f"{wait:.0f}" for wait in [*shares, waits[-1]])
            print(f"| {kind} | {len(waits):,} | {told} |")
    print(f"| statuses | {dict(Counter(act.status for act in acts))} |")


def _print_kept(state: State, people: list[Steward], killed: Counter[str], torn: "_Torn") -> int:
    """Compare what was acknowledged with what is stored."""
    told = [one for person in people for one in person.told]
    with reading(state.engine) as connection:
        rows = connection.execute(sa.select(VERDICTS)).all()
    stored = {row.verdict_id: (row.item_id, row.answer) for row in rows}
    lost = [one for one in told if one.verdict_id not in stored]
    altered = [
        one
        for one in told
        if stored.get(one.verdict_id, (one.item_id, one.answer)) != (one.item_id, one.answer)
    ]
    settled = Counter((row.item_id, row.item_version) for row in rows if row.decision_id)
    twice = [item for item, count in settled.items() if count > 1]
    keys = state.decisions.read()["idempotency_key"]
    print(f"| killed | {dict(killed)} |")
    print(f"| acknowledged | {len(told):,} |\n| stored | {len(rows):,} |")
    print(f"| sent more than once | {sum(one.tries > 1 for one in told):,} |")
    print(f"| refused as stale | {sum(person.refused for person in people):,} |")
    print(f"| lost | {len(lost)} |\n| altered | {len(altered)} |")
    print(f"| decided twice | {len(twice) + len(keys) - keys.n_unique()} |")
    print(f"| torn of {torn.looks} looks at queue and snapshot | {torn.found} |")
    return int(bool(lost or altered or twice or torn.found))


class _Torn:
    """Compares the queue with the snapshot that it says is live, again and again."""

    def __init__(self, place: Place, state: State) -> None:
        self._place, self._state = place, state
        self.looks = self.found = 0

    def watch(self) -> None:
        """Until it is over."""
        while not self._place.is_over.wait(2):
            with reading(self._state.engine) as connection:
                live = connection.scalar(sa.select(LIVE.c.run_number))
                shown = sa.select(ITEMS.c.item_id, ITEMS.c.state).where(ITEMS.c.first_run <= live)
                states = {str(row.item_id): row.state for row in connection.execute(shown)}
            waits = {item for item, state in states.items() if state in {"open", "second_look"}}
            asked = self._asked_in(live)
            self.looks += 1
            answered = {item for item in asked if states.get(item) == "decided"}
            self.found += not (waits <= asked <= waits | answered)

    def _asked_in(self, live: int) -> set[str]:
        path = self._place.settings.published / f"R{live:04d}" / "golden.duckdb"
        with duckdb.connect(str(path), read_only=True) as con:
            return {
                str(one) for (one,) in con.execute("select item_id from review_items").fetchall()
            }


def _copy(data: Path, to: Path) -> None:
    """The data of a finished night, without snapshots before the last."""
    current = (data / "published" / "current").readlink().name
    to.mkdir(mode=0o700)
    for name in ("warehouse.duckdb", "golden.duckdb"):
        shutil.copy2(data / name, to / name)
    shutil.copytree(data / "raw", to / "raw")
    shutil.copytree(data / "published" / current, to / "published" / current)
    (to / "published" / "current").symlink_to(current)
    (to / "inbox").mkdir()


def _open_the_queue(settings: Settings) -> None:
    """Fill the queue of an empty state database from the snapshot."""
    run_id = current_run(settings)
    assert run_id is not None
    with duckdb.connect(str(settings.published / run_id / "golden.duckdb"), read_only=True) as con:
        ((now,),) = con.execute("select max(now) from runs").fetchall()
        rulebook = read_rulebook(settings.rules)
        items = queue_of(con, rulebook.feeds, rulebook.queues)
    show_queue(settings, items, run_id, now, rulebook.queues)
    print(f"| items in the queue | {items.height:,} |")


def _most_alike(place: Place) -> str:
    """A pair of the agreement pattern that most pairs in the queue have."""
    rulebook = read_rulebook(place.settings.rules)
    levels = ", ".join(f"p.level_{name}" for name in rulebook.matching.comparisons)
    golden = place.data / "published" / "current" / "golden.duckdb"
    with duckdb.connect(str(golden), read_only=True) as con:
        rows = con.execute(
            f"""
            select min(item_id), count(*) from review_items i
            join crosswalk a on a.record_id = i.record_ids[1]
            join crosswalk b on b.record_id = i.record_ids[2]
            join pair_weights p on p.record_a = least(a.record_number, b.record_number)
                and p.record_b = greatest(a.record_number, b.record_number)
            where i.kind = 'match' group by {levels} order by 2 desc limit 1"""
        ).fetchall()
    print(f"| pairs of the commonest pattern | {rows[0][1]:,} |")
    return str(rows[0][0])


def _hire(state: State, asked: argparse.Namespace) -> dict[str, str]:
    """The stewards, signed in; by name their tokens."""
    names = [f"steward{number}" for number in range(asked.stewards)]
    mine, steward = frozenset({asked.campaign}), frozenset({"data_steward"})
    for name in names:
        state.people.add(User(name, "editor", True, mine, frozenset(), steward))
    return {name: state.sessions.begin(name, "the bench") for name in names}


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rules", type=Path, required=True)
    parser.add_argument("--folder", type=Path, help="where the copy is made")
    parser.add_argument("--url", help="an empty database; else SQLite")
    parser.add_argument("--campaign", default="spring")
    parser.add_argument("--stewards", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=90)
    parser.add_argument("--think", type=float, default=1.0, help="seconds between two acts")
    parser.add_argument("--nights", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--settle", action="store_true", help="one night before the stewards come")
    parser.add_argument("--nice", type=int, default=10, help="of the nights")
    parser.add_argument("--kills", action="store_true")
    parser.add_argument("--every", type=float, default=8, help="seconds that the app lives")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keys", action="store_true")
    parser.add_argument("--bulk", action="store_true")
    parser.add_argument("--items", type=int, default=60, help="keys pressed with --keys")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
