"""Measure the read API: how long customers and matches wait, with many clients at once.

    .venv/bin/python bench/api.py --data DIR --rules DIR [--clients 20] [--seconds 20] [--rate 50]

The app is a process of its own on a copy of the state database; the snapshot is linked. Clients
share a rate of questions for customers (`--rate`, a second, all together; 0: each asks again at
once). A wait counts from the moment at which the question was due. Matches are then asked by the
same clients, at `--match-rate`, and each about a record of the snapshot, half of them without its
e-mail address.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from store.settings import Settings
from store.snapshot import open_snapshot
from store.state.open import open_state
from store.state.people import User

SAID = ("first_name", "last_name", "email", "phone", "birth_date", "address", "postcode", "city")
SETTLING = 10.0
"""Seconds from when all is answered until questions are measured: what was laid out is kept."""
Ask = Callable[[httpx.AsyncClient], Awaitable[int]]


def main() -> None:
    """Measure, and print one line for each kind of question."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rules", type=Path, required=True)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--match-rate", type=float, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.data.parent) as folder:
        settings = Settings(data=Path(folder), rules=arguments.rules)
        link_data(arguments.data, settings)
        asyncio.run(measure(settings, arguments))


def link_data(data: Path, settings: Settings) -> None:
    """The snapshot linked, and the state database copied."""
    run_id = os.readlink(data / "published" / "current")
    shutil.copytree(data / "published" / run_id, settings.published / run_id, copy_function=os.link)
    os.symlink(run_id, settings.published / "current")
    shutil.copytree(data / "decisions", settings.data / "decisions")


async def measure(settings: Settings, arguments: argparse.Namespace) -> None:
    """Start the app, warm it, and ask; before that start it once, for it lays the snapshot out."""
    with open_state(settings) as state:
        state.people.add(
            User("bench", "administrator", True, frozenset(), frozenset(), frozenset())
        )
        token = state.tokens.add("bench", ("customers", "match"), 1, "").token
    with open_snapshot(settings) as con:
        ids = [
            row[0]
            for row in con.sql(
                "select customer_id from customers using sample 20000 rows"
            ).fetchall()
        ]
        records = (
            con.sql(f"select {', '.join(SAID)} from records using sample 5000 rows").pl().to_dicts()
        )
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    environment = os.environ | {
        "TOUCHSTONE_API_PER_MINUTE": "10000000",
        "TOUCHSTONE_API_COSTLY_PER_MINUTE": "10000000",
    }
    words = ["steward", "--data", settings.data, "--rules", settings.rules, "--port", str(port)]
    asked: list[tuple[str, Ask, float]] = [
        ("customers", lambda c: show(c, ids), arguments.rate),
        ("matches", lambda c: match(c, records), arguments.match_rate),
    ]
    for questions in ([], asked):
        with (settings.data / "app.log").open("wb") as log:
            app = subprocess.Popen(
                [sys.executable, "-m", "flows.cli", *words], env=environment, stderr=log
            )
        try:
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}",
                headers={"Authorization": f"Bearer {token}"},
                timeout=120,
                limits=httpx.Limits(max_connections=arguments.clients),
            ) as client:
                await ready(client, app)
                await asyncio.sleep(SETTLING)
                for what, ask, rate in questions:
                    await told(what, app.pid, client, ask, arguments, rate)
        finally:
            app.terminate()
            app.wait()


async def ready(client: httpx.AsyncClient, app: subprocess.Popen[bytes]) -> None:
    """Wait until both kinds are answered; say what that took."""
    began = time.monotonic()
    while True:
        try:
            if (await client.get("/api/customers/C1-1")).status_code in {200, 307, 404}:
                break
        except httpx.TransportError:
            if app.poll() is not None:
                raise SystemExit("the app did not start") from None
            await asyncio.sleep(0.2)
    customers = time.monotonic() - began
    while (await client.post("/api/match", json={"record": {"city": "x"}})).status_code == 503:
        await asyncio.sleep(0.5)
    print(
        f"ready: customers after {customers:.1f} s, matches after {time.monotonic() - began:.1f} s,"
        f" {' + '.join(map(str, resident(app.pid)))} MB resident",
        flush=True,
    )


def family(process: int) -> list[int]:
    """The app and the processes beside it."""
    children = Path(f"/proc/{process}").glob("task/*/children")
    return [process, *(int(one) for path in children for one in path.read_text().split())]


def resident(process: int) -> list[int]:
    """Memory of the app and of each process beside it, mapped files left out, in MB."""
    told = [Path(f"/proc/{one}/status").read_text() for one in family(process)]
    return [int(status.split("RssAnon:")[1].split()[0]) // 1024 for status in told]


def cpu(process: int) -> float:
    """Seconds of processor time, of the app and the processes beside it."""
    told = [Path(f"/proc/{one}/stat").read_text() for one in family(process)]
    ticks = [status.rsplit(")", 1)[1].split() for status in told]
    return sum(int(one[11]) + int(one[12]) for one in ticks) / os.sysconf("SC_CLK_TCK")


async def show(client: httpx.AsyncClient, ids: list[str]) -> int:
    return (await client.get(f"/api/customers/{random.choice(ids)}")).status_code


async def match(client: httpx.AsyncClient, records: list[dict[str, object]]) -> int:
    record = {name: str(value) for name, value in random.choice(records).items() if value}
    if random.random() < 0.5:
        record.pop("email", None)
    return (await client.post("/api/match", json={"record": record})).status_code


async def told(  # noqa: PLR0917
    name: str,
    process: int,
    client: httpx.AsyncClient,
    ask: Ask,
    arguments: argparse.Namespace,
    rate: float,
) -> None:
    """Ask for so many seconds and print how long it took."""
    waits: list[float] = []
    before, began = cpu(process), time.monotonic()
    every = arguments.clients / rate if rate else 0.0

    async def one(number: int) -> None:
        due = time.monotonic() + every * number / arguments.clients
        while due < began + arguments.seconds:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            status = await ask(client)
            assert status == 200, status
            waits.append(time.monotonic() - due)
            due = due + every if every else time.monotonic()

    await asyncio.gather(*(one(number) for number in range(arguments.clients)))
    spent = time.monotonic() - began
    waits.sort()
    shown = {part: round(1000 * waits[int(len(waits) * part / 100)], 1) for part in (50, 95, 99)}
    print(
        json.dumps(
            {
                "what": name, "clients": arguments.clients, "answers": len(waits),
                "a_second": round(len(waits) / spent, 1), "ms": shown,
                "mean": round(1000 * statistics.mean(waits), 1),
                "app_cpu_ms_each": round(1000 * (cpu(process) - before) / len(waits), 2),
                "load": os.getloadavg()[0],
            }
        ),
        flush=True,
    )  # fmt: skip


if __name__ == "__main__":
    main()
