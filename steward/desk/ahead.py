"""Look at what will be asked for before it is: the next items of a queue, the words of a search.

It is done beside the requests, in threads that nobody waits for. What is not ready in time is
looked up by the page itself, and what goes wrong here goes wrong there again, where it is told.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from steward.desk.index import prepare
from steward.desk.outlook import Reach, work_out
from steward.desk.titles import titles_of
from store.errors import TouchstoneError
from store.opened import Snapshot
from store.reading import Snapshots
from store.rulebook import Rulebook

LOG = logging.getLogger("touchstone.steward")
AT_ONCE = 24
"""Items that are looked at together."""
FEW = 8
"""So many of the next items must be known, else more are looked at."""
EVERY_SECONDS = 0.5
"""How often it is seen whether a run has published."""
LAST = 60
"""Items shown last: whoever has one of them before them will decide it, maybe on the next run's."""


class Ahead:
    """The threads of one app."""

    def __init__(self, snapshots: Snapshots, rulebook: Rulebook) -> None:
        self._snapshots, self._rulebook = snapshots, rulebook
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="ahead")
        self._stopped = threading.Event()
        self._asked: set[tuple[str, Reach]] = set()
        self._soon: dict[Reach, list[str]] = {}
        """By reach, the next items as they were told last."""
        self._shown: OrderedDict[tuple[str, Reach], None] = OrderedDict()
        """The items that were shown last, to whom they were."""
        self._ready = self._expected = ""

    def start(self) -> None:
        """Lay out each snapshot for searching when it is live, and look at the next before it is.

        To lay out may take longer than until the next is published.
        """
        for work, name in ((self._prepare, "searches"), (self._expect, "the next run")):
            threading.Thread(
                target=self._follow, args=(work,), name=f"ahead of {name}", daemon=True
            ).start()

    def look(
        self, snapshot: Snapshot, item_ids: list[str], campaigns: Reach, shown: str = ""
    ) -> None:
        """Have the next items ready; `shown` is the one that somebody has before them now."""
        self._note(item_ids, campaigns, shown)
        key = (snapshot.run_id, campaigns)
        known = [snapshot.remembers(("seen", one, campaigns)) for one in item_ids[:FEW]]
        if all(known) or key in self._asked:
            return
        self._asked.add(key)
        self._pool.submit(self._quietly, lambda: self._look(key, item_ids))

    def stop(self) -> None:
        """Begin nothing any more."""
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _note(self, item_ids: list[str], campaigns: Reach, shown: str) -> None:
        self._soon[campaigns] = item_ids
        if shown:
            self._shown[shown, campaigns] = None
            self._shown.move_to_end((shown, campaigns))
            if len(self._shown) > LAST:
                self._shown.popitem(last=False)

    def _look(self, key: tuple[str, Reach], item_ids: list[str]) -> None:
        try:
            with self._snapshots.reading() as snapshot:
                if snapshot.run_id == key[0]:
                    work_out(snapshot, item_ids[:AT_ONCE], key[1], self._rulebook)
                    titles_of(snapshot, item_ids, [])
        finally:
            self._asked.discard(key)

    def _follow(self, work: Callable[[], None]) -> None:
        while not self._stopped.is_set():
            self._quietly(work)
            self._stopped.wait(EVERY_SECONDS)

    def _expect(self) -> None:
        """Have ready of a snapshot that will be live soon what is on screens and comes next."""
        with self._snapshots.expecting() as snapshot:
            if snapshot is None or snapshot.run_id == self._expected:
                return
            self._expected = snapshot.run_id
            shown = list(self._shown)
            for reach, soon in list(self._soon.items()):
                titles_of(snapshot, soon, [])
                mine = [item_id for item_id, whose in reversed(shown) if whose == reach]
                every = list(dict.fromkeys([*soon, *mine]))
                for start in range(0, len(every), AT_ONCE):
                    work_out(snapshot, every[start : start + AT_ONCE], reach, self._rulebook)

    def _prepare(self) -> None:
        with self._snapshots.reading() as snapshot:
            if snapshot.run_id != self._ready:
                prepare(snapshot)
                self._ready = snapshot.run_id

    def _quietly(self, work: Callable[[], None]) -> None:
        try:
            work()
        except TouchstoneError:
            return  # whoever asks is told
        except Exception as error:
            LOG.warning("looking ahead failed: %s", type(error).__name__)
