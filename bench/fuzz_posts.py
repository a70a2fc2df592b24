"""Damage posts at random and send them to the app, through a socket as anybody may.

The app is a process of its own. What is sent is damaged as text, as a form or as HTTP itself;
most of it is signed after the damage, so that it comes past the door. Whatever comes, the app
answers in time or hangs up, and never says that the fault was its own. Then a night is run: each
post that was acknowledged is one row of it, taken in or in quarantine with its reasons.
"""

import asyncio
import json
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from damage import damaged
from intake import App, person, request

from store.settings import Settings
from store.snapshot import open_snapshot

LONGEST = 10
"""Seconds that one answer may take."""
TEXTS = [
    "", " ", "\0", "\u202e", "\ud800", "e\u0301" * 40, "='x'!A1", "<script>", "'; drop table x --",
    "a" * 5_000, "0", "-1", "1e999", "NaN", "null", "[]", "\r\n", "x@", "@x", "x@[1.1.1.1]",
    "+", "00", "１２３", "31-02-1999", "9999-12-31", "\ufeff", "ß" * 300, "a@b.co;" * 9,
]  # fmt: skip


READY = b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
KINDS = [
    "application/json",
    "application/json",
    "application/json; charset=utf-8",
    "application/json; charset=utf-16",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/form-data; boundary=",
    "text/plain",
    "",
]


def fuzz_posts(seconds: float, chance: random.Random, folder: Path) -> int:
    """Send damaged posts for so long; how many. What breaks the app raises, and is kept beside."""
    app = App(folder)
    asyncio.run(app.start())
    until, kept, statuses = time.monotonic() + seconds, set[str](), Counter[int]()
    try:
        while time.monotonic() < until:
            name = f"fuzz-{statuses.total()}"
            is_http = chance.random() < 0.9
            sent = damaged_post(app, name, chance)
            sent = sent if is_http else damaged(sent, chance)
            (folder.parent / "fuzzed-post").write_bytes(sent)
            status = ask(app, sent, is_over=not is_http)
            assert status < 500, f"answered {status}"
            assert status or not is_http, "hung up"
            statuses[status] += 1
            kept |= {name} if status == 202 else set()
        assert ask(app, READY) == 200
    finally:
        app.end(signal.SIGTERM)
    print(f"{statuses.total()} posts; answers: {dict(statuses.most_common())} (0: hung up)")
    check_night(app, kept, statuses[0])
    (folder.parent / "fuzzed-post").unlink()
    return statuses.total()


def damaged_post(app: App, name: str, chance: random.Random) -> bytes:
    """A signed post that is whole, or wrong in its values or in its text."""
    body = person(chance.randrange(10_000_000), chance)
    kind = chance.choice(KINDS) if chance.random() < 0.3 else KINDS[0]
    how = chance.random()
    if how < 0.5:
        body = json.dumps(odd(json.loads(body), chance), ensure_ascii=chance.random() < 0.5).encode(
            "utf-8", "surrogatepass"
        )
    if "urlencoded" in kind:
        body = urlencode(json.loads(person(1, chance))["fields"]).encode()
    if 0.4 < how < 0.8:
        body = damaged(body, chance)
    return request(app, name, body, kind, "Connection: close")


def odd(value: Any, chance: random.Random, depth: int = 0) -> Any:
    """The same with some of its values and names made odd."""
    if isinstance(value, dict):
        some = {name: odd(inner, chance, depth + 1) for name, inner in value.items()}
        if chance.random() < 0.1:
            some[chance.choice([*TEXTS, "intake", "intake.id", "fields.email"])] = "x"
        return some
    if chance.random() < 0.8:
        return value
    others = [None, True, -0.0, 10**400, [], {}, [value], {"x": value}, [[[[[]]]]] * depth]
    return chance.choice([*TEXTS, *others, *([value * 3] if isinstance(value, str) else [])])


def ask(app: App, sent: bytes, *, is_over: bool = False) -> int:
    """The status of the answer, 0 where the app hung up without one; waits no longer than it may.

    `is_over` tells an app that waits for more of a request that there is no more.
    """
    answer = b""
    with socket.create_connection(("127.0.0.1", app.port), timeout=LONGEST) as line:
        try:
            line.sendall(sent)
            if is_over:
                line.shutdown(socket.SHUT_WR)
            while more := line.recv(65_536):
                answer += more
        except TimeoutError:
            raise
        except OSError:
            pass  # it hung up, which its status tells
    return int(answer.split(None, 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def check_night(app: App, kept: set[str], unanswered: int) -> None:
    """Run a night: each acknowledged post is one row, and each row is accounted for."""
    words = ["nightly", "--data", str(app.data), "--rules", str(app.rules)]
    subprocess.run(
        [sys.executable, "-m", "flows.cli", *words], check=True, stdout=subprocess.DEVNULL
    )
    with open_snapshot(Settings(data=app.data, rules=app.rules)) as con:
        rows, counted, strange = con.sql(
            "select sum(row_count), sum(new_count + changed_count + unchanged_count"
            " + quarantined_count), count(*) filter (state <> 'taken_in') from deliveries"
        ).fetchall()[0]
        keys = [key for (key,) in con.sql("select source_key from crosswalk").fetchall()]
        refused = [raw for (raw,) in con.sql("select raw from quarantine").fetchall()]
    print(f"a night took in {rows} rows, {len(refused)} of them in quarantine")
    lost = {name for name in kept - set(keys) if not any(name in raw for raw in refused)}
    assert rows == counted, f"of {rows} rows {counted} are accounted for"
    assert not strange, f"{strange} deliveries were not taken in"
    assert not lost, f"{len(lost)} acknowledged posts are nowhere"
    assert len(keys) == len(set(keys)), "a post is there twice"
    assert len(kept) <= rows <= len(kept) + unanswered, f"{rows} rows of {len(kept)} posts"
