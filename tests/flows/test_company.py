"""The feeds of the made-up company that the bench puts through the line."""

import shutil
from pathlib import Path

import pytest

from flows.feedcheck import check_feed
from store.rulebook import read_rulebook
from store.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
FEEDS = ROOT / "bench" / "company" / "feeds"


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository's rules with the feeds of that company."""
    folder = tmp_path_factory.mktemp("rules") / "rules"
    shutil.copytree(ROOT / "rules", folder, ignore=shutil.ignore_patterns("*.py", "feeds"))
    shutil.copytree(FEEDS, folder / "feeds")
    return folder


@pytest.mark.parametrize("name", sorted(path.name for path in FEEDS.iterdir()))
def test_each_feed_makes_of_its_sample_what_it_expects(name: str, rules: Path) -> None:
    rulebook = read_rulebook(rules)

    assert check_feed(rulebook.feeds[name], rulebook, Settings(rules=rules)) == []
