"""Law 3: the chain of nights gives the same tables, row for row, as a rebuild from nothing.

What the other laws say of every night is asked on the way, since made-up nights are dear.
"""

import os
import tempfile
from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, example, given, settings

from tests.flows import laws
from tests.flows.builders import Company, differences, draws, found
from tests.flows.nights import Planned, companies, live_through, some_company

EXAMPLES = int(os.environ.get("TOUCHSTONE_EXAMPLES", "0"))
"""How many made-up companies live through their nights; unset: three, always the same."""


@settings(
    max_examples=EXAMPLES or 1,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
@example(nights=some_company(1))
@example(nights=some_company(2))
@given(nights=companies(3))
def test_a_chain_of_nights_equals_a_rebuild_from_nothing(nights: list[Planned]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        company = draws(found(Path(folder) / "chain"), each=2, share=1.0)
        live_through(company, nights, Watch(company).check)
        anew = company.anew(Path(folder) / "anew")

        anew.rebuild(len(nights))

        assert differences(company.tables(), anew.tables()) == {}


class Watch:
    """Looks at a company after each of its nights."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.before: pl.DataFrame | None = None

    def check(self, number: int) -> None:
        """Ask what must hold after every night."""
        laws.counts_add_up(self.company)
        laws.decisions_rule(self.company)
        laws.stewards_are_obeyed(self.company)
        laws.values_have_sources(self.company)
        if self.before is not None:
            laws.names_stay(self.company, self.before)
        self.before = laws.crosswalk(self.company)
