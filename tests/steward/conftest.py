"""What the tests of the desk share: one small company with a night behind it."""

import fcntl
import os
import runpy
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from flows.nightly import nightly
from store.settings import Settings
from tests.flows.builders import OWN, Company, night_time, quiet
from tests.steward.campaigns import two_campaigns

KEPT = ("decisions", "published")
"""What the desk reads; a test has a copy of its own."""


@pytest.fixture(scope="session")
def night_before(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """The data folder of a company of 700 made-up people after one night.

    Processes that test side by side share it: the first that comes makes it, the others wait.
    """
    if not hasattr(request.config, "workerinput"):
        return _lived_through(tmp_path_factory.mktemp("night"))
    shared = tmp_path_factory.getbasetemp().parent / "night"
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "done").exists():
            _lived_through(shared)
            (shared / "done").touch()
    return shared / "data"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; a module that wants it is skipped where there is none."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
            args=["--no-sandbox"] if os.getuid() == 0 else [],
        )
        yield found
        found.close()


def _lived_through(folder: Path) -> Path:
    """Make the company in this folder, and run its night."""
    settings = Settings(data=folder / "data", threads=1)
    maker = OWN.parent / "data" / "demo" / "generate.py"
    runpy.run_path(str(maker))["generate"](folder / "made", 700, 7)
    shutil.copytree(folder / "made" / "night_1", settings.inbox)
    nightly(settings, night_time(1), quiet)
    return settings.data


@pytest.fixture
def seeded(night_before: Path, tmp_path: Path) -> Settings:
    """A copy of that company, to be worked on."""
    return copy_of(night_before, tmp_path)


@pytest.fixture(scope="session")
def two_campaigns_once(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The company of two campaigns after its night."""
    return two_campaigns(tmp_path_factory.mktemp("campaigns"))


@pytest.fixture
def campaigns(two_campaigns_once: Company, tmp_path: Path) -> Company:
    """A copy of that company, to be worked on."""
    return two_campaigns_once.twin(tmp_path / "campaigns")


def copy_of(night: Path, folder: Path) -> Settings:
    """A company's data as the desk needs it."""
    data = folder / "data"
    for name in KEPT:
        shutil.copytree(night / name, data / name, symlinks=True)
    return Settings(data=data, threads=1)
