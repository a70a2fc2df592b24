"""Every rule file is read and checked before a run begins; the first fault is named."""

import shutil
from pathlib import Path

import pytest

import rules
from store.errors import TouchstoneError
from store.rulebook import read_feeds, read_rulebook

OWN = Path(rules.__file__).parent
SHIPPED = max(path.name for path in (OWN / "weights").iterdir())
"""The model in use."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(OWN, tmp_path / "rules", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "rules"


def test_the_rules_of_the_repository_are_in_order() -> None:
    found = read_rulebook(OWN)

    assert found.feeds
    assert found.model.name == SHIPPED


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("queues.toml", "[match]\ntitel = 'x'\n", "rules/queues.toml: match.title"),
        ("queues.toml", "[match", "rules/queues.toml is not TOML"),
        ("queues.toml", None, "rules/queues.toml is missing"),
        ("matching.toml", "evidence_flor = 6.0\n", "rules/matching.toml"),
        (
            "survivorship.toml",
            '[fields.email]\norder = ["newest"]\n',
            "fields.email.order.0",
        ),
        ("lookups/titles.toml", None, "rules/lookups"),
        (f"weights/{SHIPPED}/model.json", "{", f"{SHIPPED} cannot be read"),
    ],
)
def test_a_fault_is_said_with_its_file(
    folder: Path, file: str, text: str | None, says: str
) -> None:
    (folder / file).unlink()
    if text is not None:
        (folder / file).write_text(text)

    with pytest.raises(TouchstoneError) as raised:
        read_rulebook(folder)

    assert says in str(raised.value)


def test_two_feeds_of_one_source_are_refused(folder: Path) -> None:
    shutil.copytree(folder / "feeds" / "webinar", folder / "feeds" / "webinar_2")

    with pytest.raises(TouchstoneError, match="webinar has another feed"):
        read_feeds(folder)


def test_a_digest_changes_with_the_content_and_the_name(folder: Path) -> None:
    book = read_rulebook(folder)
    before = book.digest("lookups")

    titles = folder / "lookups" / "titles.toml"
    titles.write_text(titles.read_text("utf-8") + "\n# more\n", "utf-8")
    changed = book.digest("lookups")
    titles.rename(titles.with_name("titel.toml"))

    assert len({before, changed, book.digest("lookups")}) == 3
    assert book.digest("matching.toml") != before
