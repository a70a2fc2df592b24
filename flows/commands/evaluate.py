"""`touchstone evaluate`: measure a snapshot against a truth file, or by the verdicts of people."""

import argparse
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from flows.cli import show
from flows.judging import draw_list, judge_decided, judge_links, read_judged
from flows.measured import Measured, find_members
from flows.page import write_page
from store.rulebook import Rulebook, read_rulebook
from store.settings import Settings
from store.snapshot import current_run, open_snapshot
from store.truth import read_truth
from transforms import evaluate
from transforms.judge import ENOUGH
from transforms.match import match_weight
from transforms.strictness import Strictness, weigh_strictness


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--truth",
        metavar="FILE",
        type=Path,
        help="CSV or Parquet: entity_id, and record_id, or source and source_key, "
        "or file and row_number",
    )
    how.add_argument(
        "--draw",
        metavar="FILE",
        type=Path,
        help="without truth: write a random list of pairs for people to judge, blind",
    )
    how.add_argument(
        "--judged",
        metavar="FILE",
        type=Path,
        help="measure by that list, its column `same` filled with yes and no",
    )
    parser.add_argument("--size", type=int, default=250, help="pairs to draw (250)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other pairs (1)")
    parser.add_argument("--html", metavar="FILE", type=Path, help="write a page of it as well")
    parser.add_argument("--as-of", metavar="RUN", help="measure an older snapshot, e.g. R0002")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Measure by what there is to measure by, and say what came of it."""
    if arguments.draw:
        return _draw(arguments, settings)
    return _by_truth(arguments, settings) if arguments.truth else _by_verdicts(arguments, settings)


def _by_truth(arguments: argparse.Namespace, settings: Settings) -> int:
    truth = read_truth(arguments.truth)
    with open_snapshot(settings, arguments.as_of) as con:
        measured = find_members(con, truth)
        pairs = con.sql("select record_a, record_b, evidence, kinship from pair_weights").pl()
    answer = _answer(measured, pairs, settings)
    if arguments.html:
        about = {"run_id": arguments.as_of or current_run(settings), "file": arguments.truth.name}
        write_page(arguments.html, "truth.html", **answer, **about)
    show(answer, _text(answer), as_json=arguments.json)
    return 0


def _draw(arguments: argparse.Namespace, settings: Settings) -> int:
    rulebook = read_rulebook(settings.rules)
    counts = draw_list(arguments.draw, settings, rulebook, arguments.size, arguments.seed)
    show(
        {"file": str(arguments.draw), "strata": counts},
        f"{sum(counts.values()):,} pairs are in {arguments.draw}, which holds personal data. Let "
        "people write yes or no into\nits column same, then run `touchstone evaluate --judged "
        f"{arguments.draw}`.",
        as_json=arguments.json,
    )
    return 0


def _by_verdicts(arguments: argparse.Namespace, settings: Settings) -> int:
    """By a list that was judged; without one by what stewards said of pairs that chance drew."""
    rulebook = read_rulebook(settings.rules)
    run_id, verdicts = arguments.as_of, None
    if arguments.judged:
        run_id, verdicts = read_judged(arguments.judged, rulebook)
    with open_snapshot(settings, run_id) as con:
        found, lost = (
            judge_decided(con, rulebook, settings)
            if verdicts is None
            else judge_links(con, rulebook, verdicts)
        )
        stricter = _stricter(con, rulebook)
    answer = {
        "run_id": run_id or current_run(settings),
        "verdicts": sum(stratum.judged for stratum in found.strata),
        "decided_otherwise": sum(stratum.known for stratum in found.strata),
        "by_stewards": verdicts is None,
        "precision": _plain(found.precision),
        "recall": _plain(found.recall),
        "strata": [_plain(stratum) for stratum in found.strata],
        "too_few": found.too_few,
        "lost": _plain(lost),
        "stricter": [_plain(one) for one in stricter],
    }
    if arguments.html:
        write_page(arguments.html, "judged.html", enough=ENOUGH, **answer)
    show(answer, _verdicts_text(answer), as_json=arguments.json)
    return 0


def _stricter(con: duckdb.DuckDBPyConnection, rulebook: Rulebook) -> list[Strictness]:
    """What stricter link thresholds would do, by the odds of the model."""
    link = rulebook.matching.thresholds.link
    members = con.sql("select record_number, founder from crosswalk").pl()
    pairs = con.sql("select record_a, record_b, evidence, kinship from pair_weights").pl()
    weight = match_weight(rulebook.model.manifest.prior)
    links = pairs.select("record_a", "record_b", match_weight=weight)
    return weigh_strictness(members, links.filter(pl.col("match_weight") >= link), link)


def _answer(measured: Measured, pairs: pl.DataFrame, settings: Settings) -> dict[str, Any]:
    """What was measured, as data; `Any` is whatever JSON can hold."""
    members = measured.members
    customers = members.group_by("cluster").agg(pl.col("entity").n_unique())
    people = members.group_by("entity").agg(pl.col("cluster").n_unique())
    return {
        "records": members.height,
        "customers": customers.height,
        "people": people.height,
        "over_merged_customers": customers.filter(pl.col("entity") > 1).height,
        "over_split_people": people.filter(pl.col("cluster") > 1).height,
        "truth_rows_without_a_record": measured.unknown_rows,
        "records_with_two_truths": measured.contradicted,
        "records_without_truth": measured.unlabelled,
        "all": _plain(evaluate.score(members)),
        "by_source": {
            source: _plain(score) for source, score in evaluate.score_by_source(members).items()
        },
        "by_channel": {
            channel: _plain(score)
            for channel, score in evaluate.score_by_source(
                members.with_columns(source="channel")
            ).items()
        },
        "by_size": [_plain(band) for band in evaluate.score_by_size(members)],
        "by_threshold": _choices(members, pairs, settings),
    }


def _choices(members: pl.DataFrame, pairs: pl.DataFrame, settings: Settings) -> list[Any]:
    """What other link thresholds would cost, around the one in use."""
    rulebook = read_rulebook(settings.rules)
    link = rulebook.matching.thresholds.link
    who = members.select("record", "entity")
    judged = (
        pairs.with_columns(match_weight=match_weight(rulebook.model.manifest.prior))
        .join(who, left_on="record_a", right_on="record")
        .join(who, left_on="record_b", right_on="record", suffix="_b")
        .select("match_weight", is_same=pl.col("entity") == pl.col("entity_b"))
    )
    thresholds = [link + step for step in (-6, -4, -2, 0, 2, 4, 8)]
    found = evaluate.weigh_thresholds(judged, evaluate.true_pairs(members), thresholds)
    return [{**_plain(choice), "in_use": choice.threshold == link} for choice in found]


def _plain(value: Any) -> Any:  # named tuples all the way down, as JSON can hold them
    if hasattr(value, "_asdict"):
        return {name: _plain(part) for name, part in value._asdict().items()}
    return value


def _text(answer: dict[str, Any]) -> str:
    whole = answer["all"]
    return "\n".join(
        [
            f"Measured    {answer['records']:,} records: {answer['customers']:,} customers of "
            f"ours, {answer['people']:,} people in truth.",
            f"Pairs       {_quality(whole['pairwise'])}",
            f"B-cubed     {_quality(whole['b_cubed'])}",
            f"Too much    {answer['over_merged_customers']:,} customers hold records of more than "
            "one person.",
            f"Too little  {answer['over_split_people']:,} people are spread over more than one "
            "customer.",
            *_left_out(answer),
            *_tables(answer),
        ]
    )


def _tables(answer: dict[str, Any]) -> list[str]:
    bands = answer["by_size"]
    return [
        *_parts(
            "By channel; a pair counts for each channel that it has a record of",
            answer["by_channel"],
        ),
        *_parts("By source", answer["by_source"]),
        "",
        "By size; precision by records per customer, recall by records per person",
        *(_band(band) for band in bands if band["customers"] or band["people"]),
        "",
        "By link threshold; pairs only, before clusters are made",
        *(_choice(choice) for choice in answer["by_threshold"]),
    ]


def _parts(title: str, parts: dict[str, Any]) -> list[str]:
    return [
        "",
        title,
        *(
            f"  {name:22.22s}{score['record_count']:>9,} records   {_quality(score['pairwise'])}"
            for name, score in parts.items()
        ),
    ]


def _verdicts_text(answer: dict[str, Any]) -> str:
    lost = answer["lost"]
    blocked = (
        "it cannot be told what blocking lost"
        if lost["share"] is None
        else f"with {lost['share']:.1%} that blocking lost, or more"
    )
    few = ", ".join(f"{name} ({ENOUGH})" for name in answer["too_few"])
    more = "the queue asks for them, or see --draw" if answer["by_stewards"] else "see --draw"
    return "\n".join(
        [
            f"Judged      {answer['verdicts']:,} pairs of snapshot {answer['run_id']}"
            + (", which chance had stewards judge blind." if answer["by_stewards"] else "."),
            *_decided_otherwise(answer),
            f"Links       precision {_verdict(answer['precision'])}",
            f"            recall    {_verdict(answer['recall'])}, {blocked}",
            *([f"Too few     verdicts on pairs that are: {few}; {more}."] if few else []),
            "",
            "By stratum of match weight",
            *(
                f"  {part['stratum']:20s}{part['pairs']:>10,} pairs {part['judged']:>6,} judged  "
                f"one customer {_share(part['share'])}"
                for part in answer["strata"]
            ),
            "",
            "By link threshold, by the odds of the model itself",
            *(
                f"  {one['threshold']:>6.1f}  {one['over_merged']:.2%} of customers hold two "
                f"people, {one['given_up']:.2%} of right joins given up "
                f"({one['joins_given_up']:,} joins){'' if number else '  <- in use'}"
                for number, one in enumerate(answer["stricter"])
            ),
        ]
    )


def _decided_otherwise(answer: dict[str, Any]) -> list[str]:
    count = answer["decided_otherwise"]
    if not count:
        return []
    return [f"Decided     {count:,} pairs otherwise: they count for themselves alone."]


def _verdict(share: dict[str, Any]) -> str:
    return "too few verdicts" if share["value"] is None else _share(share)


def _left_out(answer: dict[str, Any]) -> list[str]:
    says = {
        "truth_rows_without_a_record": "rows of the truth name no record of this snapshot "
        "(withdrawn, in quarantine, a repeat, or not delivered).",
        "records_with_two_truths": "records are two people in the truth and were left out.",
        "records_without_truth": "records are not in the truth and were left out.",
    }
    return [f"Left out    {answer[name]:,} {text}" for name, text in says.items() if answer[name]]


def _band(band: dict[str, Any]) -> str:
    return (
        f"  {band['size']:12s}{band['customers']:>8,} customers "
        f"({band['over_merged']:,} too much)  precision {_share(band['precision'])}  "
        f"{band['people']:>8,} people ({band['over_split']:,} too little)  "
        f"recall {_share(band['recall'])}"
    ).rstrip()


def _choice(choice: dict[str, Any]) -> str:
    mark = "  <- in use" if choice["in_use"] else ""
    return (
        f"  {choice['threshold']:>6.1f}{choice['pairs_linked']:>10,} pairs   "
        f"precision {_share(choice['precision'])}  recall {_share(choice['recall'])}{mark}"
    )


def _quality(quality: dict[str, Any]) -> str:
    f1 = "-" if quality["f1"] is None else f"{quality['f1']:.4f}"
    return f"precision {_share(quality['precision'])}  recall {_share(quality['recall'])}  F1 {f1}"


def _share(share: dict[str, Any]) -> str:
    if share["value"] is None:
        return f"{'-':23s}"
    return f"{share['value']:.4f} ({share['low']:.4f}-{share['high']:.4f})"
