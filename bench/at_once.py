"""Time pairs that are answered at once, over HTTP: the list, both answers, and taking them back."""

import html
import http.client
import re
import time
from urllib.parse import urlencode

OPEN = re.compile(r'href="(/items/[^"]+)"[^>]*data-does="Open')
BOX = re.compile(r'name="(item_\d+)" value="([^"]+)"')
BATCH = re.compile(r'name="batch_id" value="([^"]+)"')


def at_once(port: int, tokens: list[str], item_id: str) -> None:
    """Print what two people wait for who answer all pairs that are like this one."""
    one, other = (_Browser(port, token) for token in tokens[:2])
    _row("the list, the first time on a snapshot", one.get(f"/items/{item_id}/alike")[1])
    _row("the list again", one.get(f"/items/{item_id}/alike")[1])
    first, count, seconds = one.answer(f"/items/{item_id}/alike")
    _row(f"the first answer, to {count} pairs", seconds)
    _row("the list of the second person", other.get(f"/batches/{first}")[1])
    second, count, seconds = other.answer(f"/batches/{first}")
    _row(f"the second answer, {count} decisions", seconds)
    _row("taking it back", other.post(f"/batches/{second}/undo", {})[1])


def _row(name: str, seconds: float) -> None:
    print(f"| {name} | {1_000 * seconds:,.0f} |", flush=True)


class _Browser:
    """One person's."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token

    def get(self, path: str) -> tuple[str, float]:
        """A page, and how long it took."""
        return self._ask("GET", path)

    def post(self, path: str, form: dict[str, str]) -> tuple[str, float]:
        """A form, and how long until its answer."""
        return self._ask("POST", path, form)

    def answer(self, path: str) -> tuple[str, int, float]:
        """Open the sample, then answer for all: the batch, how many, and how long that took."""
        for opened in OPEN.findall(self.get(path)[0]):
            self.get(html.unescape(opened))
        page, _ = self.get(path)
        boxes = {name: html.unescape(value) for name, value in BOX.findall(page)}
        batch_id = BATCH.findall(page)[0]
        form = boxes | {"batch_id": batch_id, "answer": "different", "because": "bench"}
        return batch_id, len(boxes), self.post(path, form)[1]

    def _ask(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[str, float]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        headers = {"Cookie": f"touchstone={self.token}", "Accept": "text/html"}
        body = None
        if form is not None:
            body = urlencode(form)
            headers |= {"Sec-Fetch-Site": "same-origin"}
            headers |= {"Content-Type": "application/x-www-form-urlencoded"}
        began = time.perf_counter()
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        seconds = time.perf_counter() - began
        connection.close()
        if answer.status >= 400:
            raise SystemExit(f"{method} {path} answered {answer.status}")
        return text, seconds
