"""The ledger of runs is asked between other questions."""

from pathlib import Path

from flows import ledger
from store.schema import WAREHOUSE
from store.settings import Settings
from store.warehouse import Warehouse


def test_whoever_asked_the_ledger_of_a_step_can_ask_the_next_question(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    with Warehouse(settings.warehouse, settings, WAREHOUSE, compress=False) as warehouse:
        cost = ledger.Cost(0.1, 0.1, 1)
        ledger.note_step(warehouse, "R0001", "ingest", {"rows": 3}, cost)

        assert ledger.counts_of(warehouse, "R0001", "ingest") == {"rows": 3}
        assert warehouse.read("select stage from ledger.steps")["stage"].to_list() == ["ingest"]
        assert ledger.counts_of(warehouse, "R0001", "match") is None
