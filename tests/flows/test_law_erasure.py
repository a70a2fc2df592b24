"""Law 3 with erasures: nights with erasures between them give the tables that a rebuild gives."""

import os
import random
from pathlib import Path

import pytest

from flows.erasing.erase import Asked, erase
from tests.flows import laws
from tests.flows.builders import Company, differences, found, night_time, quiet
from tests.flows.nights import choose, deliver, some_company

EXAMPLES = int(os.environ.get("TOUCHSTONE_EXAMPLES", "1"))
"""How many made-up companies live through their nights and erasures."""


@pytest.mark.parametrize("seed", range(1, EXAMPLES + 1))
def test_nights_with_erasures_between_them_equal_a_rebuild_from_nothing(
    seed: int, tmp_path: Path
) -> None:
    company, chance = found(tmp_path / "chain"), random.Random(seed)
    nights = some_company(seed)
    for number, planned in enumerate(nights, 1):
        deliver(company, number, planned)
        company.night(number)
        check(company)
        if number < len(nights):
            for choice in planned.choices:
                choose(company, choice)
            erase_somebody(company, number, chance)
            check(company)
    anew = company.anew(tmp_path / "anew")

    anew.rebuild(len(nights))

    assert differences(company.tables(), anew.tables()) == {}


def erase_somebody(company: Company, number: int, chance: random.Random) -> None:
    """Erase a customer, or one record of a customer whose other records stay."""
    there = company.ask("select record_id, customer_id from crosswalk order by record_number")
    record_id, customer_id = there.row(chance.randrange(there.height))
    only = chance.random() < 0.5
    asked = Asked([record_id if only else customer_id], only, "dpo")
    others = there.filter(customer_id=customer_id).height > 1

    done = erase(company.settings, asked, night_time(number), quiet)

    left = company.ask("select record_id, customer_id from crosswalk")
    assert sum(done.receipts[0]["records_by_source"].values()) >= 1
    assert left.filter(record_id=record_id).is_empty()
    assert left.filter(customer_id=customer_id).is_empty() or (only and others)


def check(company: Company) -> None:
    """What must hold after every night and every erasure."""
    laws.decisions_rule(company)
    laws.stewards_are_obeyed(company)
    laws.values_have_sources(company)
