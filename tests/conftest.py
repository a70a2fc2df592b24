"""What holds for all tests: runs in a test's process keep its priority and one thread.

Of a few rows, what a pool of threads hands about costs more than it wins, and tests are several
processes side by side already. Passwords are hashed in a test's process with little memory: with
what the product takes, hashing would be an eighth of a second each time.
"""

import gc
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

if TYPE_CHECKING:
    from tests.shared import Shared

os.environ.setdefault("TOUCHSTONE_NIGHTLY_NICENESS", "0")
os.environ.setdefault("POLARS_MAX_THREADS", "1")


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes() -> Iterator[None]:
    """Passwords are hashed as always but for the memory and the time that it takes."""
    cheap = (CHEAPEST.time_cost, CHEAPEST.memory_cost, CHEAPEST.parallelism)
    usual = PasswordHasher.__init__.__defaults__ or ()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PasswordHasher.__init__, "__defaults__", (*cheap, *usual[len(cheap) :]))
        yield


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> "Shared":
    """What all processes share; one that tests alone shares with nobody."""
    from tests.shared import Shared  # who needs none of the line does not wait for its import

    if hasattr(request.config, "workerinput"):
        return Shared(tmp_path_factory.getbasetemp().parent)
    return Shared(tmp_path_factory.mktemp("shared"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The simulated year first: one long test that began last would go on alone."""
    items.sort(key=lambda item: item.path.parent.name != "year")


def pytest_collection_finish() -> None:
    """Modules and tests stay to the end: nobody need look again and again whether they do."""
    gc.collect()
    gc.freeze()
