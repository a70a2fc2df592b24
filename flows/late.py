"""What came too late for a run that was cut short and has been finished since.

A run that has read its deliveries reads no more: whatever came since waits for a run of its own,
with a time of its own, as it would have if nothing had happened to the first.
"""

from flows import ledger
from flows.decided import last_of, read_decided
from flows.line import open_warehouse
from flows.run import Run
from store.archive import is_expected
from store.spool import is_anything_kept


def has_read(run: Run) -> bool:
    """Whether this run has read its deliveries, before it was cut short."""
    if not run.warehouse.exists():
        return False
    with open_warehouse(run) as warehouse:
        return ledger.counts_of(warehouse, run.run_id, "ingest") is not None


def is_more_waiting(run: Run, *, takes_in: bool = True) -> bool:
    """Whether a delivery or a decision waits that a run which was finished now did not see."""
    return _is_more_decided(run) or (takes_in and _has_more_come(run))


def _is_more_decided(run: Run) -> bool:
    return last_of(read_decided(run.settings)) > last_of(run.decisions)


def _has_more_come(run: Run) -> bool:
    settings = run.settings
    come = is_expected(settings.inbox, run.rulebook.feeds)
    return come or is_anything_kept(settings.spool)
