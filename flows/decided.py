"""What people have decided, as the log has it when a run begins."""

import polars as pl

from flows.stages.correct import reaches_back
from store.decisions import open_decisions
from store.settings import Settings
from store.warehouse import Warehouse
from transforms.resolve import state_of


def read_decided(settings: Settings) -> pl.DataFrame:
    """The whole log, a row for each decision."""
    with open_decisions(settings.log_url) as log:
        return log.read()


def last_of(decisions: pl.DataFrame) -> int:
    """The number of the last decision; 0 where nothing was decided."""
    found = decisions["decision_id"].max()
    return int(found) if isinstance(found, int) else 0


def needs_rebuild(decisions: pl.DataFrame, warehouse: Warehouse) -> bool:
    """Whether a correction of a row was decided that only a rebuild can follow."""
    if not (decisions["kind"] == "correct").any():
        return False
    last = warehouse.one(
        "select coalesce(max(last_decision), 0) from ledger.runs where state = 'finished'"
    )
    before = decisions.filter(decisions["decision_id"] <= last)
    return reaches_back(warehouse, state_of(before), state_of(decisions))
