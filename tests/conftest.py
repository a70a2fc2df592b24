"""What holds for all tests: runs in a test's process keep its priority and one thread.

Of a few rows, what a pool of threads hands about costs more than it wins, and tests are several
processes side by side already.
"""

import gc
import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.shared import Shared

os.environ.setdefault("TOUCHSTONE_NIGHTLY_NICENESS", "0")
os.environ.setdefault("POLARS_MAX_THREADS", "1")


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
