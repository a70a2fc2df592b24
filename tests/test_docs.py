"""The docs say what is there: every table, column, term, reason and setting that they name."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from flows.cli import COMMANDS
from rules.feed import FIELDS, Channel, Feed
from rules.quality import Quality
from rules.schemas import CHECKS
from rules.survivorship import Survivorship
from store.dictionary import read_dictionary
from store.golden import open_any_golden
from store.redacted import ERASED
from store.rulebook import read_rule
from store.settings import Settings
from store.snapshot import HIDDEN, TABLES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TERMS = [
    "source",
    "feed",
    "delivery",
    "record",
    "field",
    "lookup",
    "check",
    "quarantine",
    "blocking rule",
    "comparison",
    "comparison level",
    "match weight",
    "pair",
    "link",
    "cluster",
    "crosswalk",
    "survivorship",
    "lineage",
    "golden record",
    "data steward",
    "review queue",
    "decision",
    "must-link",
    "cannot-link",
    "version",
    "contact point",
    "customer",
    "review item",
    "snapshot",
]
OF_PAIRS = {"pairs", "relationships"}
PAIRS = {"record_id_a", "record_id_b", "evidence", "kinship", "found_by"}


def columns_of(tmp_path: Path) -> dict[str, list[str]]:
    settings = Settings(data=tmp_path)
    rules = read_rule(settings.rules / "survivorship.toml", Survivorship)
    with open_any_golden(settings.golden, settings, rules) as golden:
        return {
            table: [
                name
                for name in golden.read(f"select * from {table} limit 0").columns
                if name not in HIDDEN
            ]
            for table in TABLES
            if golden.has(table)
        }


def sections() -> dict[str, str]:
    tables = (DOCS / "data-dictionary.md").read_text().partition("\n# The views")[0]
    parts = re.split(r"^## ", tables, flags=re.M)[1:]
    return {part.splitlines()[0]: part for part in parts}


def documented(section: str) -> list[str]:
    return re.findall(r"^\| `(\w+)` \| \S", section, flags=re.M)


def test_the_data_dictionary_explains_every_table_in_order() -> None:
    assert list(sections()) == list(TABLES)


def test_the_data_dictionary_is_what_the_snapshot_says_of_itself() -> None:
    assert (DOCS / "data-dictionary.md").read_text("utf-8") == read_dictionary().page()


def test_every_table_is_described_by_what_one_row_is() -> None:
    for table, section in sections().items():
        first = section.split("\n\n")[1]

        assert first.startswith("One row per "), table


def test_the_data_dictionary_has_one_line_per_column_in_order(tmp_path: Path) -> None:
    found = {table: documented(section) for table, section in sections().items()}

    real = columns_of(tmp_path)

    assert set(TABLES) - set(real) <= OF_PAIRS  # made when there are pairs: its columns vary
    assert {table: found[table] for table in real} == real
    assert set(found["pairs"]) == PAIRS


def test_the_data_dictionary_says_which_tables_are_views(tmp_path: Path) -> None:
    intro = (DOCS / "data-dictionary.md").read_text().split("## ")[0]
    said = re.search(r"^((`\w+`(, | and )?)+) are views$", intro, flags=re.M)
    settings = Settings(data=tmp_path)
    rules = read_rule(settings.rules / "survivorship.toml", Survivorship)

    with open_any_golden(settings.golden, settings, rules) as golden:
        views = golden.read("select view_name from duckdb_views() where not internal").to_series()

    assert said is not None
    of_analysts = documented((DOCS / "analysts.md").read_text("utf-8"))
    assert {*re.findall(r"`(\w+)`", said[1]), *of_analysts} == {*views} | OF_PAIRS


def test_the_glossary_has_one_sentence_per_term() -> None:
    text = (DOCS / "glossary.md").read_text()
    entries = dict(re.findall(r"^- \*\*(.+?)\*\*: ((?:.+\n(?!- ))*.+)$", text, flags=re.M))

    assert set(TERMS) <= set(entries)
    for term, sentence in entries.items():
        assert sentence.endswith("."), term
        assert ". " not in sentence.replace("\n", " "), term


def test_the_glossary_names_every_channel() -> None:
    text = (DOCS / "glossary.md").read_text()

    assert all(f"`{channel}`" in text for channel in get_args(Channel))


def test_every_check_has_its_sentence_for_stewards() -> None:
    quality = read_rule(ROOT / "rules" / "quality.toml", Quality)

    assert set(quality.checks) == {
        *CHECKS,
        "row_has_a_source_key",
        "row_deletes_a_known_record",
        "row_nests_as_agreed",
        "correction_mends_the_row",
    }


def test_every_fault_of_a_row_has_its_sentence_for_stewards() -> None:
    quality = read_rule(ROOT / "rules" / "quality.toml", Quality)

    assert set(quality.faults) == {*faults_in_the_readers(), ERASED}


def faults_in_the_readers() -> Iterator[str]:
    """The words that the readers return, or hand over with a rejected row."""
    takes_a_fault = {"Outcome", "RecordError", "Reject", "_rejected", "lit"}
    for path in sorted((ROOT / "store" / "readers").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Return) and node.value is not None:
                yield from words_in(node.value)
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in takes_a_fault:
                    for argument in node.args:
                        yield from words_in(argument)


def words_in(expression: ast.expr) -> Iterator[str]:
    """Snake-case words that an expression may be: itself, or a branch of a choice."""
    if isinstance(expression, ast.IfExp):
        yield from words_in(expression.body)
        yield from words_in(expression.orelse)
    elif isinstance(expression, ast.Constant) and re.fullmatch(
        r"[a-z]+(_[a-z]+)+", str(expression.value)
    ):
        yield str(expression.value)


def test_the_feed_in_the_guide_is_a_feed() -> None:
    example = re.search(r"```toml\n(.+?)```", (DOCS / "feeds.md").read_text(), flags=re.S)

    assert example is not None
    feed = Feed.model_validate(tomllib.loads(example[1]))
    assert set(feed.columns.values()) <= set(FIELDS)


def test_every_fetch_in_the_guide_for_partners_is_one() -> None:
    guide = (DOCS / "partners.md").read_text()
    base = {
        "source": "acme",
        "title": "Acme",
        "channel": "partner_feed",
        "owner": "acme@example.com",
        "trust": 50,
        "read": {"format": "csv", "path": "acme/members_*.csv"},
        "columns": {"id": "source_key"},
    }

    for example in re.findall(r"```toml\n(.+?)```", guide, flags=re.S):
        assert Feed.model_validate(base | tomllib.loads(example)).fetch is not None


def test_the_docs_name_settings_that_there_are() -> None:
    names = {f"TOUCHSTONE_{name.upper()}" for name in Settings.model_fields}

    for path in [ROOT / "README.md", *DOCS.rglob("*.md")]:
        said = set(re.findall(r"TOUCHSTONE_[A-Z_]+[A-Z]", path.read_text()))

        assert said <= names, path.name


def test_the_defaults_in_the_operations_page_are_the_defaults() -> None:
    text = (DOCS / "operations.md").read_text()
    said = dict(re.findall(r"^\| `TOUCHSTONE_(\w+)` \| `?([\w/]+)`? \|", text, flags=re.M))

    for name in ("DATA", "MEMORY_LIMIT", "SNAPSHOTS_KEPT"):
        default = Settings.model_fields[name.lower()].default
        assert said[name] == ("unset" if default is None else str(default))


@pytest.mark.parametrize(
    "path", [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))], ids=lambda path: path.name
)
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_the_docs_name_commands_that_there_are() -> None:
    for path in [ROOT / "README.md", *DOCS.rglob("*.md")]:
        said = set(
            re.findall(r"^(?:    )?touchstone (\w+)|`touchstone (\w+)", path.read_text(), re.M)
        )

        assert {one or other for one, other in said} <= set(COMMANDS), path.name


def test_each_decision_page_has_context_decision_and_consequences() -> None:
    pages = sorted((DOCS / "decisions").glob("*.md"))

    numbers = [page.name[:4] for page in pages]
    assert numbers == [f"{number:04d}" for number in range(1, len(pages) + 1)]
    for page in pages:
        assert re.findall(r"^## (.+)$", page.read_text(), flags=re.M) == [
            "Context",
            "Decision",
            "Consequences",
        ], page.name


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = (DOCS / "decisions" / "0005-dependencies.md").read_text()

    for dependency in project["dependencies"]:
        name = re.split(r"[\[<>=]", dependency)[0]
        assert re.search(rf"^\| .*\b{name}\b.* \| \S", text, flags=re.M), name


def test_the_tests_that_hold_what_keeps_the_desk_safe_are_there() -> None:
    named = set()
    for cell in re.findall(
        r"\| (`[a-z]+/test_.*) \|$", (DOCS / "security.md").read_text("utf-8"), re.M
    ):
        folder = ""
        for told, name in re.findall(r"`(?:([a-z]+)/)?(test_[a-z_]+)`", cell):
            folder = told or folder
            named.add(f"{folder}/{name}.py")

    assert len(named) > 10
    assert [name for name in sorted(named) if not (ROOT / "tests" / name).exists()] == []
