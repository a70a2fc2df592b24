"""Look at the tables of a night before they are published: what is past a limit holds them back.

The figures are rows of the published `metrics`, and are compared with those of the run whose
snapshot is current: however many nights are held back, they are measured by what analysts see.
"""

from typing import NamedTuple

import duckdb
import polars as pl

from flows.run import Run
from rules.gates import Gates
from store.golden import Golden
from store.snapshot import current_run

SAYS = {
    "customers_drop": "{value:.0%} of the customers are gone",
    "customers_rise": "{value:.1f} times as many customers are new as there were",
    "merged_share": "{value:.1%} of the customers were merged into others",
    "quarantined_share": "{value:.0%} of the rows that came are in quarantine",
    "filled_drop": "{field} is known of {value:.0%} fewer of the customers",
    "invalid_share": "{value:.0%} of the contact points take no mail",
    "largest_customer": "one customer stands on {value:,.0f} records",
    "without_lineage": "{value:,.0f} golden values come from no record and no person",
}
"""What each gate means to whoever must release or mend the night."""

_SIZE = "customers_published"
_FILLED = "filled"
_GATE = "gate_"


class Breach(NamedTuple):
    """A figure past its limit."""

    gate: str
    field: str | None
    value: float
    limit: float

    def __str__(self) -> str:
        """In words."""
        said = SAYS[self.gate].format(value=self.value, field=(self.field or "").replace("_", " "))
        return f"{self.gate}: {said} (the limit is {self.limit:g})"


def measure_gates(run: Run, golden: Golden, *, is_changed: bool) -> None:
    """Put the figures of the finished golden tables into `metrics`; unchanged ones are known."""
    limits = run.rulebook.gates
    known = {} if is_changed else _figures(golden, _LAST)
    measured = known or _measure(golden)
    before = _figures(golden, f"'{current_run(run.settings)}'")
    judged = []
    if before:
        whole = _of_whole(golden, is_changed=is_changed)
        changes = _of_changes(run, golden, before, limits)
        judged = [*_compared(measured, before, limits), *whole, *changes]
    rows = [(field, measure, value) for (measure, field), value in measured.items()]
    rows += [(field, f"{_GATE}{gate}", value) for gate, field, value in judged]
    schema = {"field": pl.String, "measure": pl.String, "value": pl.Float64}
    figures = pl.DataFrame(rows, schema=schema, orient="row")
    golden.insert("metrics", figures.with_columns(run_id=pl.lit(run.run_id)))


def breaches(con: duckdb.DuckDBPyConnection, run_id: str, limits: Gates) -> list[Breach]:
    """What of a run's figures, among golden tables or in a snapshot, is past its limit."""
    found = con.sql(
        "select measure, field, value from metrics where run_id = ? and starts_with(measure, ?) "
        "order by measure, field",
        params=[run_id, _GATE],
    ).fetchall()
    judged = [(measure.removeprefix(_GATE), field, value) for measure, field, value in found]
    return [
        Breach(gate, field, value, limit)
        for gate, field, value in judged
        if gate in SAYS and value > (limit := getattr(limits, gate))
    ]


Figures = dict[tuple[str, str | None], float]
"""By measure and field."""


def _measure(golden: Golden) -> Figures:
    """How many customers there are, and which share of them has each field."""
    counted = ", ".join(f"count({field}) as {field}" for field in golden.fields)
    row = golden.read(f"select count(*) as customers, {counted} from golden_values").row(
        0, named=True
    )
    customers = row.pop("customers")
    figures: Figures = {(_SIZE, None): float(customers)}
    figures.update({(_FILLED, name): count / max(customers, 1) for name, count in row.items()})
    return figures


_LAST = f"(select max(run_id) from metrics where measure = '{_SIZE}')"


def _figures(golden: Golden, run_id: str) -> Figures:
    """The same of an earlier run, if it has them."""
    rows = golden.read(
        f"select measure, field, value from metrics where run_id = {run_id} "
        f"and measure in ('{_SIZE}', '{_FILLED}')"
    )
    return {(measure, field): value for measure, field, value in rows.iter_rows()}


def _compared(now: Figures, before: Figures, limits: Gates) -> list[tuple[str, str | None, float]]:
    """What changed since the current snapshot."""
    were, are = before.get((_SIZE, None), 0.0), now[(_SIZE, None)]
    if were < limits.least_customers:
        return []
    drops = [
        ("filled_drop", field, share - now[(measure, field)])
        for (measure, field), share in before.items()
        if measure == _FILLED and (measure, field) in now
    ]
    found = [("customers_drop", None, 1 - are / were), ("customers_rise", None, are / were - 1)]
    return [(gate, field, round(max(value, 0.0), 4)) for gate, field, value in [*found, *drops]]


def _of_changes(
    run: Run, golden: Golden, before: Figures, limits: Gates
) -> list[tuple[str, str | None, float]]:
    """What is judged by itself: merges, quarantine, contact points."""
    since = f"run_id > '{current_run(run.settings) or ''}'"
    merged = golden.one(f"select count(*) from changes where change = 'merged' and {since}")
    rows = golden.one(f"select sum(row_count) from deliveries where state = 'taken_in' and {since}")
    refused = golden.one(
        "select count(*) from quarantine semi join "
        f"(select delivery_id from deliveries where {since}) using (delivery_id)"
    )
    points = golden.one("select count(*) from contact_values")
    invalid = golden.one("select count(*) from contact_values where verification = 'invalid'")
    found: list[tuple[str, str | None, float]] = []
    were = before.get((_SIZE, None), 0.0)
    if were >= limits.least_customers:
        found.append(("merged_share", None, merged / were))
    if rows >= limits.least_rows:
        found.append(("quarantined_share", None, refused / rows))
    if points >= limits.least_rows:
        found.append(("invalid_share", None, invalid / points))
    return [(gate, field, round(float(value), 4)) for gate, field, value in found]


def _of_whole(golden: Golden, *, is_changed: bool) -> list[tuple[str, str | None, float]]:
    """What all golden values are looked through for; it is as before where none has changed."""
    names = ("largest_customer", "without_lineage")
    if not is_changed:
        told = golden.read(
            f"select measure, value from metrics where run_id = {_LAST} "
            f"and measure in {tuple(f'{_GATE}{name}' for name in names)}"
        )
        known = dict(told.iter_rows())
        if len(known) == len(names):
            return [(name, None, known[f"{_GATE}{name}"]) for name in names]
    largest = float(golden.one("select max(record_count) from golden_values"))
    lost = float(_without_lineage(golden))
    return [("largest_customer", None, largest), ("without_lineage", None, lost)]


def _without_lineage(golden: Golden) -> int:
    """Values that stand in no record's name and that no steward chose."""
    lost = " + ".join(
        f"({field} is not null and {field}_record = 0 and {field}_by is distinct from 'steward')"
        "::bigint"
        for field in golden.fields
    )
    noted = golden.one(f"select sum({lost}) from noted_values")
    plain = golden.one("select count(*) from plain_values where record_id is null")
    return noted + plain
