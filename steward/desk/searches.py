"""Remember what was searched for, so that addresses of pages do not say it.

An address is kept by browsers and by proxies, and whoever a steward looks for is nobody's business
there. What was typed stays in the app's memory, and the address has a name for it that holds for
the one who typed it, and until the app is started anew.
"""

import hmac
from collections import OrderedDict
from secrets import token_bytes
from threading import Lock

MOST = 20_000
"""Searches that are remembered; the one that was asked for the longest ago goes first."""


class Searches:
    """What people searched for, by the name that the address has for it."""

    def __init__(self) -> None:
        self._key = token_bytes(32)
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._lock = Lock()

    def keep(self, person: str, text: str) -> str:
        """The name of a search; the same for the same text of the same person."""
        if not text:
            return ""
        said = f"{len(person)}:{person}{text}".encode("utf-8", "replace")
        name = hmac.digest(self._key, said, "sha256").hex()[:32]
        with self._lock:
            self._texts[f"{person}/{name}"] = text
            self._texts.move_to_end(f"{person}/{name}")
            if len(self._texts) > MOST:
                self._texts.popitem(last=False)
        return name

    def find(self, person: str, name: str) -> str | None:
        """What this person searched for under the name; none if that is not known any more."""
        with self._lock:
            return self._texts.get(f"{person}/{name}")
