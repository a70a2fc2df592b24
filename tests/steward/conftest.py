"""What the tests of the desk share: one small company with a night behind it."""

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
from tests.shared import Shared
from tests.steward.campaigns import two_campaigns

KEPT = ("decisions", "published")
"""What the desk reads; a test has a copy of its own."""


@pytest.fixture(scope="session")
def night_before(shared: Shared) -> Path:
    """The data folder of a company of 700 made-up people after one night."""
    return shared.once("night", _live_through) / "data"


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


def _live_through(folder: Path) -> None:
    """Make the company in this folder, and run its night."""
    settings = Settings(data=folder / "data", threads=1)
    maker = OWN.parent / "data" / "demo" / "generate.py"
    runpy.run_path(str(maker))["generate"](folder / "made", 700, 7)
    shutil.copytree(folder / "made" / "night_1", settings.inbox)
    nightly(settings, night_time(1), quiet)


@pytest.fixture
def seeded(night_before: Path, tmp_path: Path) -> Settings:
    """A copy of that company, to be worked on."""
    return copy_of(night_before, tmp_path)


@pytest.fixture
def campaigns(shared: Shared, tmp_path: Path) -> Company:
    """The company of two campaigns after its night, to be worked on."""
    return shared.company(two_campaigns, tmp_path / "campaigns")


def copy_of(night: Path, folder: Path) -> Settings:
    """A company's data as the desk needs it."""
    data = folder / "data"
    for name in KEPT:
        shutil.copytree(night / name, data / name, symlinks=True)
    return Settings(data=data, threads=1)
