"""`touchstone train`: propose a dated match model; nothing is switched on."""

import argparse
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from flows.cli import show
from flows.known import Known, read_known
from flows.learning import (
    Learnt,
    Named,
    extended,
    learn_population,
    learn_prior,
    learn_whole,
    matching_of,
)
from flows.page import write_page
from flows.proposal import (
    Answer,
    answer_of,
    changes,
    page_facts,
    weighed,
    with_names,
)
from rules.matching import Matching
from store.errors import TouchstoneError
from store.models import write_model
from store.rulebook import Model, latest_model, read_model, read_rule
from store.settings import Settings
from transforms.extend import missing_comparisons
from transforms.match import band, check_model
from transforms.propose import compare_bands, count_bands

_FEW = 1_000
"""Fewer records than this teach a model little."""


class Current(NamedTuple):
    """The model in use, and what keeps it from being used."""

    model: Model
    problems: list[str]


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same model (1)")
    parser.add_argument("--to", metavar="DIR", type=Path, help="a new folder for the proposal")
    parser.add_argument(
        "--prior-only",
        action="store_true",
        help="keep the weights; learn only how common it is that two records are one customer",
    )
    parser.add_argument(
        "--refresh",
        action="store_true",
        help="keep the weights; learn what depends on who is in the file: how common one customer, "
        "a household and each name are, and what families share",
    )
    parser.add_argument(
        "--extend",
        action="store_true",
        help="keep the model as it is; only give it the comparisons that matching.toml names and "
        "it lacks, or has with the levels of an earlier version, with cautious weights",
    )
    parser.add_argument(
        "--afresh",
        action="store_true",
        help="learn from the records alone, without leaning on the model in use where they show "
        "too little",
    )
    parser.add_argument(
        "--show-values",
        action="store_true",
        help="show the examples of the report as they are, not masked",
    )


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Train on the warehouse's records and say how the proposal differs."""
    rules = read_rule(settings.rules / "matching.toml", Matching)
    today = datetime.now(UTC).date()
    folder = arguments.to or _folder(settings, today.isoformat())
    _refuse_folder(folder, settings)
    current = _current(settings, rules)
    if arguments.extend:
        return _extend(current, rules, folder, as_json=arguments.json)
    known = read_known(settings, rules)
    named = Named(folder.name, today)
    proposal, pairs = _learnt(arguments, current, known, rules, named)
    asked = answer_of(known, pairs, matching_of(proposal), rules)
    proposal, proposed = with_names(proposal, known, asked)
    write_model(folder, proposal.settings, proposal.frequencies, proposal.manifest)
    differs = _changes(known, current, proposed, rules, show_values=arguments.show_values)
    answer = {
        "folder": str(folder),
        "report": str(folder.with_name(f"{folder.name}.html")),
        **_compare(proposal, current, known, pairs, rules),
        "customers": differs and {name: differs[name] for name in ("merged", "split")},
    }
    facts = page_facts(proposal, known, pairs, rules)
    _report(answer, settings, changes=differs, show_values=arguments.show_values, **facts)
    show(answer, _text(answer, settings), as_json=arguments.json)
    return 0


def _learnt(
    arguments: argparse.Namespace,
    current: Current | None,
    known: Known,
    rules: Matching,
    named: Named,
) -> Learnt:
    """What was asked to be learnt: the population, the prior, or a whole model."""
    if arguments.refresh:
        return learn_population(_usable(current), known, rules, arguments.seed, named)
    if arguments.prior_only:
        return learn_prior(_usable(current), known.pairs, known, named)
    earlier = current.model if current and not arguments.afresh else None
    return learn_whole(known, rules, arguments.seed, named, earlier)


def _extend(current: Current | None, rules: Matching, folder: Path, *, as_json: bool) -> int:
    """Write the model in use with the comparisons that it lacks; it needs no records."""
    if current is None:
        raise TouchstoneError("There is no model to extend; train one whole first.")
    model, used = extended(current.model, rules), current.model.name
    write_model(folder, model.settings, model.frequencies, model.manifest)
    added = missing_comparisons(current.model.settings, rules)
    show(
        {"folder": str(folder), "model": used, "added": list(added)},
        f"Added to     {used}: {', '.join(added)}, with cautious weights; all else is as it was.\n"
        f"Proposal     {folder}; nothing uses it yet. Copy it to rules/weights to use it.",
        as_json=as_json,
    )
    return 0


def _folder(settings: Settings, day: str) -> Path:
    """A folder of today's date, or of a name after that of the model in use."""
    names = [path.parent.name for path in settings.rules.glob("weights/*/manifest.toml")]
    last = max(names, default="")
    if day > last:
        return settings.data / "models" / day
    dated = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:-(\d))?", last)
    name = f"{dated[1]}-{int(dated[2] or 1) + 1}" if dated else f"{last}-2"
    return settings.data / "models" / name


def _refuse_folder(folder: Path, settings: Settings) -> None:
    if (settings.rules / "weights").resolve() in folder.resolve().parents:
        raise TouchstoneError(
            "A model in rules/weights is in use at once; give --to another folder, review what "
            "is proposed, then copy it there."
        )
    if folder.exists() and any(folder.iterdir()) and not (folder / "manifest.toml").exists():
        raise TouchstoneError(f"{folder} holds something else; give --to a new folder.")


def _current(settings: Settings, rules: Matching) -> Current | None:
    """The model in use; a first model has none before it."""
    if not any(settings.rules.glob("weights/*/manifest.toml")):
        return None
    model = read_model(latest_model(settings.rules))
    return Current(model, check_model(matching_of(model), rules))


def _usable(current: Current | None) -> Model:
    if current is None:
        raise TouchstoneError("There is no model to give a new prior; train one whole first.")
    if current.problems:
        raise TouchstoneError(
            f"The model {current.model.name} cannot be used: {current.problems[0]}; "
            "train one whole, without --prior-only or --refresh."
        )
    return current.model


def _changes(
    known: Known,
    current: Current | None,
    proposed: Answer,
    rules: Matching,
    *,
    show_values: bool,
) -> dict[str, Any] | None:
    """What would change for customers; nothing to compare with without a model that works."""
    if current is None or current.problems:
        return None
    pairs = weighed(known.pairs, current.model.manifest.prior)
    used = current.model
    now = answer_of(known, pairs, matching_of(used), rules.fitted(used.manifest))
    return changes(known, now, proposed, show_values=show_values)


def _report(answer: dict[str, Any], settings: Settings, **facts: Any) -> None:
    """Write the report beside the proposal: it may hold values, the proposal does not."""
    name = Path(answer["folder"]).name
    used = answer["in_use"] or {}
    write_page(
        Path(answer["report"]),
        "train.html",
        name=name,
        folder=answer["folder"],
        target=str(settings.rules / "weights" / name),
        bands=answer["bands"],
        in_use=answer["in_use"],
        moves={(move["before"], move["after"]): move["pairs"] for move in used.get("moves", ())},
        **facts,
    )


def _compare(
    proposal: Model, current: Current | None, known: Known, pairs: pl.DataFrame, rules: Matching
) -> dict[str, Any]:
    """How the proposal differs, as data; `Any` is whatever JSON can hold."""
    manifest = proposal.manifest
    proposed = pairs.select("record_a", "record_b", band=band(manifest.prior, rules.thresholds))
    return {
        "records": manifest.record_count,
        "verdicts": manifest.verdicts,
        "prior": manifest.prior,
        "name_alone": rules.fitted(manifest).clustering.name_alone,
        "bands": count_bands(proposed),
        "leant_on": manifest.leant_on,
        "untrained": list(manifest.untrained),
        "remarks": list(manifest.remarks),
        "in_use": _in_use(current, known, proposed, rules) if current else None,
    }


def _in_use(
    current: Current, known: Known, proposed: pl.DataFrame, rules: Matching
) -> dict[str, Any]:
    """The model in use, and which pairs would change their band."""
    name, prior = current.model.name, current.model.manifest.prior
    if current.problems:
        return {"name": name, "problem": current.problems[0]}
    now = known.pairs.select("record_a", "record_b", band=band(prior, rules.thresholds))
    moves = [move._asdict() for move in compare_bands(now, proposed)]
    return {"name": name, "prior": prior, "moves": moves}


def _text(answer: dict[str, Any], settings: Settings) -> str:
    name = Path(answer["folder"]).name
    few = answer["records"] < _FEW
    lines = [
        f"Learnt from  {answer['records']:,} records"
        + (f"; fewer than {_FEW:,} teach little, so look twice." if few else "."),
        *_differences(answer),
        f"Names        where two share a name alone it must say {answer['name_alone']:.1f} bits.",
        *_customers(answer["customers"]),
        *(
            f"Unsure       {level}: too few showed it, so it weighs about {_otherwise(answer)}."
            for level in answer["untrained"]
        ),
        *(f"Look at      {remark}." for remark in answer["remarks"]),
        f"Proposal     {answer['folder']}; nothing uses it yet.",
        f"Report       {answer['report']}",
        f"To use it    read the report, then copy the folder to "
        f"{settings.rules / 'weights' / name}: the last name there is in use, and the next run "
        "makes all tables anew by it.",
    ]
    return "\n".join(lines)


def _otherwise(answer: dict[str, Any]) -> str:
    """What counts where records showed too little."""
    return f"what it does in {answer['leant_on']}" if answer["leant_on"] else "its default"


def _customers(changed: dict[str, int] | None) -> list[str]:
    if changed is None:
        return []
    return [
        f"Customers    {changed['merged']:,} would be made of two or more that are apart now, "
        f"{changed['split']:,} would fall into two or more."
    ]


def _differences(answer: dict[str, Any]) -> list[str]:
    bands, used = answer["bands"], answer["in_use"]
    counts = f"{bands['link']:,} pairs to link, {bands['review']:,} to ask about."
    prior = f"Prior        {answer['prior']:.2f}"
    if used is None:
        return [f"{prior}; there is no model in use.", f"Pairs        {counts}"]
    if "problem" in used:
        return [
            f"{prior}; the model in use, {used['name']}, cannot be used: {used['problem']}.",
            f"Pairs        {counts}",
        ]
    kept = {(move["before"], move["after"]): move["pairs"] for move in used["moves"]}
    gained = sum(kept[before, "link"] for before in ("review", "apart"))
    lost = sum(kept["link", after] for after in ("review", "apart"))
    return [
        f"{prior}, where {used['name']} in use has {used['prior']:.2f}: the log2 odds that any two "
        "records are one customer.",
        f"Pairs        {counts}",
        f"Links        {kept['link', 'link']:,} stay, {gained:,} are gained "
        f"({kept['apart', 'link']:,} of them were apart), {lost:,} are lost "
        f"({kept['link', 'apart']:,} of them to apart).",
        f"Questions    {kept['review', 'review']:,} stay, "
        f"{kept['link', 'review'] + kept['apart', 'review']:,} are new, "
        f"{kept['review', 'link'] + kept['review', 'apart']:,} are settled.",
    ]
