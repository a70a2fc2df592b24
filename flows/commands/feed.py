"""`touchstone feed`: draft a feed from a sample, or check feeds against their samples."""

import argparse
import re
import tomllib
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from flows.cli import show
from flows.feedcheck import check_feed, outcome_of
from rules.feed import Feed, Format, ReadRule
from rules.limits import Limits
from store.errors import TouchstoneError
from store.feeds import cut_sample, read_synonyms, write_feed
from store.readers import DeliveryRefused, Reading, read_delivery
from store.readers.sniff import sniff
from store.rulebook import Rulebook, read_rulebook
from store.settings import Settings
from transforms.draft import draft_feed, suggest_mapping
from transforms.expect import draft_expected
from transforms.profile import profile_rows


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options; --data, --rules and --json go before `new` or `check`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="new|check")
    new = actions.add_parser("new", help="profile a sample and draft rules/feeds/NAME/")
    new.add_argument("name", metavar="NAME", help="the source's name: a-z, 0-9 and _")
    new.add_argument("--sample", metavar="FILE", type=Path, required=True, help="a first delivery")
    new.add_argument("--source-format", choices=get_args(Format), help="unset: found out")
    check = actions.add_parser("check", help="every feed against its own sample")
    check.add_argument("name", metavar="NAME", nargs="?", help="one feed; unset: all")
    for action in (new, check):
        for name, kind in (("--data", "DIR"), ("--rules", "DIR")):
            action.add_argument(
                name, metavar=kind, default=argparse.SUPPRESS, help=argparse.SUPPRESS
            )
        action.add_argument(
            "--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS
        )


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Draft or check."""
    rulebook = read_rulebook(settings.rules)
    return {"new": _new, "check": _check}[arguments.action](arguments, settings, rulebook)


def _check(arguments: argparse.Namespace, settings: Settings, rulebook: Rulebook) -> int:
    if arguments.name is not None and arguments.name not in rulebook.feeds:
        known = ", ".join(rulebook.feeds) or "none"
        raise TouchstoneError(f"There is no feed {arguments.name}; the feeds are: {known}.")
    chosen = [arguments.name] if arguments.name else list(rulebook.feeds)
    if not chosen:
        raise TouchstoneError("There are no feeds yet; `touchstone feed new` drafts one.")
    found = {name: check_feed(rulebook.feeds[name], rulebook, settings) for name in chosen}
    lines = [
        line
        for name, problems in found.items()
        for line in (
            [f"{name}: as expected."]
            if not problems
            else [f"{name}: not as expected", *(f"  {problem}" for problem in problems)]
        )
    ]
    if any(found.values()):
        lines.append("Mend feed.toml, or expected.toml where it expects too much, and check again.")
    show(found, "\n".join(lines), as_json=arguments.json)
    return 1 if any(found.values()) else 0


def _new(arguments: argparse.Namespace, settings: Settings, rulebook: Rulebook) -> int:
    folder, path = settings.rules / "feeds" / arguments.name, arguments.sample
    _refuse_names(arguments.name, folder, path)
    try:
        rule = _read_rule(arguments)
        text = _draft(arguments.name, rule, read_delivery(path, rule, Limits()), rulebook)
    except DeliveryRefused as refused:
        raise TouchstoneError(
            f"{path.name} cannot be read: {refused.reason}; "
            "give another sample, or its --source-format."
        ) from refused
    feed = _feed(text, path)
    sample = f"sample{''.join(_suffixes(path)) or '.' + rule.format}"
    has_lines = rule.format in {"csv", "ndjson"}
    content = cut_sample(path, has_lines=has_lines, records=rule.records)
    write_feed(folder, {"feed.toml": text.encode(), sample: content})
    problem = _expect(feed, folder / sample, rulebook, settings)
    answer = {
        "folder": str(folder),
        "columns": feed.columns,
        "left": list(feed.ignore),
        "problem": problem,
    }
    show(answer, _told(feed, folder, sample, problem), as_json=arguments.json)
    return 0


def _feed(text: str, sample: Path) -> Feed:
    """The draft as a feed; one that no run could read is not written."""
    try:
        return Feed.model_validate(tomllib.loads(text))
    except ValidationError as error:
        raise TouchstoneError(
            f"No column of {sample.name} looks like one of ours. Is its first sheet or its first "
            "line the table? Else write feed.toml by hand, after one of the feeds there are."
        ) from error


def _refuse_names(name: str, folder: Path, sample: Path) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        raise TouchstoneError(
            f"{name} is no name for a source; use up to 40 small letters, digits and _, "
            "beginning with a letter."
        )
    if folder.exists():
        raise TouchstoneError(
            f"There is a feed {name} already; choose another name, or change its files in {folder}."
        )
    if not sample.is_file():
        raise TouchstoneError(f"There is no file {sample}; give a delivery as --sample.")


def _read_rule(arguments: argparse.Namespace) -> ReadRule:
    """How the sample is read, and the path that deliveries like it will have in the inbox."""
    rule = sniff(arguments.sample)
    path = f"{arguments.name}/{rule.path}"
    wanted = arguments.source_format
    if wanted is not None and wanted != rule.format:
        return ReadRule(format=wanted, path=path)
    return rule.model_copy(update={"path": path})


def _draft(name: str, rule: ReadRule, reading: Reading, rulebook: Rulebook) -> str:
    countries = {word.lower() for word in rulebook.lookups.countries}
    profiles = profile_rows(reading.rows, countries)
    mapping = suggest_mapping(profiles, read_synonyms(rulebook.folder))
    return draft_feed(name, rule, profiles, mapping, reading.row_count)


def _expect(feed: Feed, sample: Path, rulebook: Rulebook, settings: Settings) -> str | None:
    """Write what comes of the sample as a draft of expected.toml; say why if nothing does."""
    try:
        outcome = outcome_of(feed, sample, rulebook, settings)
    except TouchstoneError as error:
        return str(error)
    text = draft_expected(outcome, sample.name)
    (sample.parent / "expected.toml").write_text(text, encoding="utf-8")
    return None


def _suffixes(path: Path) -> list[str]:
    """The file's endings, one or two: .csv, .csv.gz."""
    return [suffix for suffix in path.suffixes[-2:] if re.fullmatch(r"\.[A-Za-z]\w{0,7}", suffix)]


def _told(feed: Feed, folder: Path, sample: str, problem: str | None) -> str:
    lines = [
        f"Drafted    {folder}: feed.toml, {sample}" + ("." if problem else " and expected.toml."),
        f"Columns    {len(feed.columns)} are mapped: "
        + ", ".join(f"{theirs} = {ours}" for theirs, ours in feed.columns.items())
        + ".",
    ]
    if feed.ignore:
        lines.append(f"Left out   {', '.join(feed.ignore)}: map each, or say why it is ignored.")
    if problem:
        lines.append(f"Not tried  {problem}; write expected.toml by hand.")
    return "\n".join(
        [
            *lines,
            f"Now        finish what is marked TODO, put made-up people into {sample} in the place "
            "of real ones,",
            f"           correct expected.toml, and run `touchstone feed check {feed.source}`.",
        ]
    )
