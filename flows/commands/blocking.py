"""`touchstone blocking`: what the blocking rules cost, what they find and what they lose."""

import argparse
from pathlib import Path
from typing import Any

from flows.blocks import look_at_blocks
from flows.cli import show
from flows.measured import find_members
from store.rulebook import read_rulebook
from store.settings import Settings
from store.snapshot import open_snapshot
from store.truth import read_truth

_LEGEND = (
    "compared: pairs in its blocks. largest: records of its largest block. capped: keys that more",
    "records share than its max_block; they find nothing. left out: records with such a key.",
)


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument(
        "--truth",
        metavar="FILE",
        type=Path,
        help="as for evaluate: also how many of the true pairs each rule finds",
    )


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Look at the blocking rules of the last run."""
    rulebook = read_rulebook(settings.rules)
    members = None
    if arguments.truth:
        truth = read_truth(arguments.truth)
        with open_snapshot(settings) as con:
            members = find_members(con, truth).members
    answer = look_at_blocks(settings, rulebook, members)
    show(answer, _text(answer), as_json=arguments.json)
    return 0


def _text(answer: dict[str, Any]) -> str:
    """The answer in words; `Any` is whatever JSON can hold."""
    compared = answer["compared_per_record"]
    return "\n".join(
        [
            f"Records     {answer['records']:,}, each compared with {compared:,.1f} others or "
            f"fewer; a run stops at {answer['max_compared']:,.0f} (max_compared).",
            f"Kept        {answer['pairs_kept']:,} pairs, {answer['links']:,} of them links.",
            _lost(answer["lost"]),
            *_truth(answer["truth"]),
            "",
            "By rule: what it costs, and what it brings",
            f"  {'':28s}{'compared':>11s}{'largest':>9s}{'capped':>8s}{'left out':>9s}"
            f"{'links':>9s}{'only by it':>11s}"
            + (f"{'true pairs':>12s}{'only by it':>11s}" if answer["truth"] else ""),
            *(_rule(rule, answer) for rule in answer["rules"]),
            "",
            *_LEGEND,
        ]
    )


def _lost(lost: dict[str, Any]) -> str:
    """What blocking lost; links that only one kind of rule finds tell of those that none does."""
    counts = ", ".join(f"{count:,} by {n}" for n, count in enumerate(lost["by_kinds"], 1))
    if lost["share"] is None:
        return f"Lost        too few links to tell; kinds of rules that found them: {counts}."
    return (
        f"Lost        about {lost['share']:.1%} of the links are never compared, or more "
        f"({lost['low']:.1%} to {lost['high']:.1%}); kinds of rules that found the others: "
        f"{counts}."
    )


def _truth(truth: dict[str, Any] | None) -> list[str]:
    if truth is None:
        return []
    found = 1 - truth["lost"] / max(truth["true_pairs"], 1)
    return [
        f"Truth       {truth['true_pairs']:,} true pairs, {truth['lost']:,} of them never "
        f"compared: the rules find {found:.2%}."
    ]


def _rule(rule: dict[str, Any], answer: dict[str, Any]) -> str:
    line = (
        f"  {rule['rule']:28.28s}{rule['compared']:>11,}{rule['largest_block']:>9,}"
        f"{rule['capped_keys']:>8,}{rule['capped_records']:>9,}{rule['links']:>9,}{rule['only']:>11,}"
    )
    if answer["truth"]:
        true, count = answer["truth"]["rules"][rule["rule"]], max(answer["truth"]["true_pairs"], 1)
        line += f"{true['covered'] / count:>12.1%}{true['covered_only'] / count:>11.2%}"
    return line
