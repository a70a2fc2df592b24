"""A steward at work over HTTP: reads an item, thinks, decides, and so on until told to stop."""

import http.client
import random
import re
import threading
import time
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

WORD = re.compile(r'name="(version|verdict_id)" value="([^"]+)"')
RUN = re.compile(r"\bR\d{4}\b")
SEARCHES = ("smith", "maria", "gross anna", "garcia lopez", "an", "07911", "meyer")


class Act(NamedTuple):
    """One request and how it ended."""

    kind: str
    at: float
    seconds: float
    status: int


class Told(NamedTuple):
    """A verdict that the desk acknowledged."""

    verdict_id: str
    item_id: str
    answer: str
    tries: int


class Steward(threading.Thread):
    """One person with a browser of their own; a request without an answer is sent again."""

    def __init__(self, name: str, token: str, port: int, think: float) -> None:
        super().__init__(name=name)
        self.acts: list[Act] = []
        self.told: list[Told] = []
        self.refused = 0
        self.is_over = threading.Event()
        self._token, self._port, self._think = token, port, think
        self._chance = random.Random(name)
        self._line: http.client.HTTPConnection | None = None

    def search(self, text: str) -> None:
        """Look somebody up, and count it nowhere."""
        self._look_up(text)
        self.acts.clear()

    def run(self) -> None:
        """Work until it is over; on an empty queue or a refusal begin anew."""
        path = "/queue"
        time.sleep(self._chance.random() * self._think)
        while not self.is_over.is_set():
            path = self._one(path)

    def _one(self, path: str) -> str:
        """Show an item and decide it; where the next one is."""
        shown = self._until_answered("next", "GET", path)
        if shown is None:
            return "/queue"
        status, where, page = shown
        if status == 303:
            return where
        found = dict(WORD.findall(page))
        if status != 200 or len(found) != 2:
            time.sleep(0.2)
            return "/queue"
        self._look_around(path)
        self.is_over.wait(self._think * (0.5 + self._chance.random()))
        return self._decide(path, found)

    def _look_around(self, path: str) -> None:
        """What the page fetches once it is painted; one in five looks somebody up."""
        item = path.partition("?")[0]
        self._until_answered("preview", "GET", f"{item}/preview")
        if self._chance.random() < 0.2:
            self._look_up(self._chance.choice(SEARCHES))

    def _look_up(self, text: str) -> None:
        """Post what is typed, and ask for what it leads to: that is the search."""
        led = self._until_answered("asked", "POST", "/customers", urlencode({"q": text}))
        if led is not None and led[0] == 303:
            self._until_answered("search", "GET", led[1])

    def _decide(self, path: str, found: dict[str, str]) -> str:
        item = path.partition("?")[0]
        answer = self._chance.choice(("same", "different", "different", "unsure"))
        form = found | {"answer": answer, "verdict_id": found.get("verdict_id", str(uuid4()))}
        answered = self._until_answered("decide", "POST", f"{item}/verdict", urlencode(form))
        if answered is None:
            return "/queue"
        status, where, _ = answered
        if status == 303:
            item_id = item.rpartition("/")[2]
            self.told.append(Told(form["verdict_id"], item_id, answer, self._tries))
            return where
        self.refused += 1
        return "/queue"

    def _until_answered(
        self, kind: str, method: str, path: str, body: str | None = None
    ) -> tuple[int, str, str] | None:
        """Send a request, again and again while nobody answers; none when it is over."""
        self._tries = 0
        while True:
            self._tries += 1
            began = time.perf_counter()
            try:
                status, where, text = self._send(method, path, body)
            except (OSError, http.client.HTTPException):
                self._line = None
                if self.is_over.wait(0.1):
                    return None
                continue
            now = time.perf_counter()
            self.acts.append(Act(kind, now, now - began, status))
            if status not in {500, 503}:
                return status, where, text
            if self.is_over.wait(0.2):
                return None

    def _send(self, method: str, path: str, body: str | None) -> tuple[int, str, str]:
        if self._line is None:
            self._line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        headers = {"Cookie": f"touchstone={self._token}", "Accept": "text/html"}
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded"}
            headers |= {"Sec-Fetch-Site": "same-origin"}
        self._line.request(method, path, body, headers)
        answer = self._line.getresponse()
        text = answer.read().decode("utf-8", "replace")
        where = urlsplit(answer.headers.get("location", ""))
        return answer.status, where.path + (f"?{where.query}" if where.query else ""), text
