"""Golden tables of an older layout are refused in one sentence, and a rebuild mends them."""

from pathlib import Path

import duckdb
import pytest

from store.errors import TouchstoneError
from tests.flows.test_golden_anew import two_nights


def test_an_older_layout_is_refused_and_rebuilt_with_its_log_of_runs(tmp_path: Path) -> None:
    company = two_nights(tmp_path)
    before = {name: frame.rows() for name, frame in company.tables().items()}
    with duckdb.connect(str(company.settings.golden)) as con:
        con.execute("create table older as select * from golden_values")
        for view in ("customers", "lineage", "history", "records", "golden_values"):
            con.execute(f"drop view {view}")
        con.execute("drop table plain_values")
        con.execute("alter table older rename to golden_values")

    with pytest.raises(TouchstoneError, match="touchstone rebuild"):
        company.night(3)
    company.rebuild(3)

    assert {name: frame.rows() for name, frame in company.tables().items()} == before
    runs = company.ask("select run_id from runs order by run_id").to_series().to_list()
    assert runs[:2] == ["R0001", "R0002"]
