"""Measure the intake: posts a second, how long each waits, and what a `kill -9` loses.

    .venv/bin/python bench/intake.py --rate 200 --seconds 60            # how long posts wait
    .venv/bin/python bench/intake.py --rate 200 --seconds 60 --kills 1  # and what a run then has

The posts are signed, each is another made-up person, and each is sent when its time has come,
whether or not those before are answered; a wait counts from that time. With `--kills` the app is
killed and started anew, a post without an answer is sent again under its own id, as a sender
does, and a night is run twice: every post that was answered must be a record exactly once.
"""

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from store.settings import Settings
from store.snapshot import open_snapshot

FEED = "web_signup"
CONNECTIONS = 64
SYLLABLES = [one + two for one in "bdfgklmnrstv" for two in "aeio"]


class Answer(NamedTuple):
    """How one post ended."""

    seconds: float
    status: int
    tries: int


class App:
    """The app as a process of its own, on a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.data, self.rules = folder / "data", folder / "rules"
        (self.data / "inbox").mkdir(parents=True)
        shutil.copytree(Settings().rules, self.rules, ignore=shutil.ignore_patterns("__pycache__"))
        feed = self.rules / "feeds" / FEED / "feed.toml"
        text = feed.read_text("utf-8").replace("[1, 20000]", "[1, 10000000]")
        feed.write_text(text + "per_minute = 1_000_000\n", "utf-8")
        self.key = os.urandom(32)
        (self.data / "keys").mkdir()
        (self.data / "keys" / f"{FEED}.keys").write_text(
            "whsec_" + base64.b64encode(self.key).decode()
        )
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None
        self.cpu = 0.0

    async def start(self) -> None:
        """Start it and wait until it listens."""
        words = [sys.executable, "-m", "flows.cli", "steward", "--data", self.data]
        words += ["--rules", self.rules, "--port", str(self.port)]
        with (self.data / "app.log").open("ab") as log:
            self.process = subprocess.Popen(words, stderr=log)
        for _ in range(600):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return
        raise SystemExit("the app did not start")

    def end(self, how: signal.Signals) -> None:
        """Stop it, and note what it cost."""
        assert self.process is not None
        ticks = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        self.cpu += (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")
        self.process.send_signal(how)
        self.process.wait()


def person(number: int, chance: random.Random) -> bytes:
    """Somebody who is nobody else."""
    first, last = ("".join(chance.choices(SYLLABLES, k=3)).capitalize() for _ in range(2))
    fields = {
        "first_name": first,
        "last_name": last,
        "email": f"{first}.{last}.{number}@post.example".lower(),
        "phone": f"07{400 + number // 1_000_000} {number % 1_000_000:06d}",
        "birthday": f"{chance.randint(1940, 2005)}-03-{chance.randint(1, 28):02}",
        "city": "Leeds",
        "postcode": f"LS{chance.randint(1, 29)} {chance.randint(1, 9)}AB",
        "country": "GB",
    }
    consent = {"email": True, "phone": False, "wording": "v3"}
    return json.dumps({"form": "bench", "fields": fields, "consent": consent}).encode()


def request(
    app: App, name: str, body: bytes, kind: str = "application/json", *headers: str
) -> bytes:
    """A signed request, byte by byte."""
    at = str(int(time.time()))
    digest = hmac.digest(app.key, f"{name}.{at}.".encode() + body, hashlib.sha256)
    head = (
        f"POST /intake/{FEED} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
        f"webhook-id: {name}\r\nwebhook-timestamp: {at}\r\n"
        f"webhook-signature: v1,{base64.b64encode(digest).decode()}\r\n"
        + "".join(f"{header}\r\n" for header in headers)
        + f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def send(app: App, pool: asyncio.LifoQueue, name: str, body: bytes, due: float) -> Answer:
    """Send until there is an answer that is no `come again`."""
    tries = 0
    while True:
        tries += 1
        streams = await pool.get()
        try:
            if streams is None:
                streams = await asyncio.open_connection("127.0.0.1", app.port)
            reader, writer = streams
            writer.write(request(app, name, body))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            status = int(head.split()[1])
        except (OSError, asyncio.IncompleteReadError):
            pool.put_nowait(None)
            await asyncio.sleep(0.2)
            continue
        pool.put_nowait(streams)
        if status != 503:
            return Answer(time.perf_counter() - due, status, tries)
        await asyncio.sleep(0.2)


async def load(app: App, rate: int, seconds: int, kills: int) -> dict[str, Answer]:
    """Post at this rate, and kill the app so many times on the way."""
    chance = random.Random(7)
    count = rate * seconds
    bodies = [person(number, chance) for number in range(count)]
    pool: asyncio.LifoQueue = asyncio.LifoQueue()
    for _ in range(CONNECTIONS):
        pool.put_nowait(None)
    kill_at = {count * (kill + 1) // (kills + 1) for kill in range(kills)}
    began = time.perf_counter() + 0.5
    tasks, restarts = {}, set()
    for number, body in enumerate(bodies):
        due = began + number / rate
        await asyncio.sleep(max(0, due - time.perf_counter()))
        name = f"bench-{number}"
        tasks[name] = asyncio.create_task(send(app, pool, name, body, due))
        if number in kill_at:
            app.end(signal.SIGKILL)
            restarts.add(asyncio.create_task(app.start()))
    answers = dict(zip(tasks, await asyncio.gather(*tasks.values()), strict=True))
    took = time.perf_counter() - began
    print(f"sent in {took:.1f} s: {count / took:.0f}/s")
    return answers


def report(answers: dict[str, Answer]) -> None:
    waits = sorted(answer.seconds * 1000 for answer in answers.values())
    print("answers:", dict(Counter(answer.status for answer in answers.values())))
    print("sent more than once:", sum(answer.tries > 1 for answer in answers.values()))
    for share in (0.5, 0.9, 0.99, 0.999):
        print(f"p{share * 100:g}: {waits[int(share * (len(waits) - 1))]:.1f} ms")
    print(f"longest: {waits[-1]:.1f} ms")


def check_nights(app: App, answers: dict[str, Answer]) -> bool:
    """Run two nights; whether each kept post is one record, and one version of it."""
    for _ in range(2):
        subprocess.run(
            [
                sys.executable,
                "-m",
                "flows.cli",
                "nightly",
                "--data",
                app.data,
                "--rules",
                app.rules,
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    kept = {name for name, answer in answers.items() if answer.status == 202}
    with open_snapshot(Settings(data=app.data, rules=app.rules)) as con:
        keys = [row[0] for row in con.sql("select source_key from crosswalk").fetchall()]
        told = con.sql(
            "select count(*), sum(row_count), sum(new_count), sum(quarantined_count), "
            "count(*) filter (state <> 'taken_in') from deliveries"
        ).fetchall()[0]
    print("deliveries, rows, new, quarantined, held:", told)
    print(
        f"kept {len(kept)}, records {len(keys)}, lost {len(kept - set(keys))}, "
        f"twice {len(keys) - len(set(keys))}"
    )
    return kept == set(keys) and len(keys) == len(set(keys)) and told[1] == told[2] == len(keys)


async def measure(words: argparse.Namespace, folder: Path) -> bool:
    app = App(folder)
    await app.start()
    answers = await load(app, words.rate, words.seconds, words.kills)
    app.end(signal.SIGTERM)
    report(answers)
    print(f"CPU seconds of the app: {app.cpu:.1f}")
    return check_nights(app, answers) if words.kills else True


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the intake.")
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--kills", type=int, default=0)
    with tempfile.TemporaryDirectory(prefix="touchstone-") as folder:
        return 0 if asyncio.run(measure(parser.parse_args(), Path(folder))) else 1


if __name__ == "__main__":
    sys.exit(main())
