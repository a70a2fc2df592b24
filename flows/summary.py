"""Say what a run does, while it does it and afterwards, in words that a person understands."""

import sys
import time
from typing import Any

from flows.drift import read_drift
from flows.fetching import tell_fetched
from flows.nightly import Night
from flows.run import Counts, Run
from store.snapshot import held_back, open_snapshot

SAYS = {
    "ingest": "reading deliveries",
    "standardise": "standardising values",
    "validate": "checking records",
    "match": "finding duplicates",
    "cluster": "deciding who is who",
    "survive": "choosing golden values",
    "review": "filling the queues",
    "publish": "publishing the snapshot",
}

_TOTALS = {
    "customers": "select count(*) from customers",
    "records": "select count(*) from crosswalk",
    "in_more_than_one_record": "select count(*) from customers where record_count > 1",
}

_REASONS = """
    select reason, count(*) from (
        select unnest(q.reasons) as reason from quarantine q
        join deliveries d using (delivery_id) where {came})
    group by reason order by 2 desc, 1"""


class Teller:
    """Tell of each stage: a line that is completed on a terminal, plain lines in a log."""

    def __init__(self, *, quiet: bool, title: str | None = None) -> None:
        self.quiet = quiet
        self.began = 0.0
        if title and not quiet:
            print(f"\n{title}", file=sys.stderr)

    def __call__(self, stage: str, counts: Counts | None) -> None:
        """Say that a stage begins, or how it ended."""
        if self.quiet:
            return
        if counts is None:
            self.began = time.perf_counter()
            if sys.stderr.isatty():
                print(f"  {SAYS[stage]:28s}", end="", file=sys.stderr, flush=True)
            return
        seconds = time.perf_counter() - self.began
        lead = "" if sys.stderr.isatty() else f"  {SAYS[stage]:28s}"
        print(f"{lead}{seconds:6.1f} s   {_brief(counts)}", file=sys.stderr, flush=True)


def summary_of(night: Night) -> dict[str, Any]:
    """What a run did, as data; `Any` is whatever JSON can hold."""
    run, inbox = night.run, night.inbox
    held = held_back(run.settings)
    reasons = held[1] if held is not None and held[0] == run.run_id else []
    return {
        "run_id": run.run_id,
        "now": run.now.isoformat(),
        "kind": "rebuild" if run.is_rebuild else "nightly",
        "resumed": night.resumed,
        "finished": summary_of(night.finished) if night.finished else None,
        "nothing_to_do": _nothing_happened(night),
        "stages": night.counts,
        **_published(run),
        "held_back": reasons,
        "repeated_files": inbox.repeated,
        "unmatched_files": inbox.unmatched,
        "fetched": [one._asdict() for one in night.fetched],
        "skipped_files": inbox.skipped,
        "troubled_files": inbox.troubled,
        "snapshot": str(run.settings.published / run.run_id),
    }


def summarise(summary: dict[str, Any]) -> str:
    """The summary in words; before it that of the run which was finished first."""
    stages, totals = summary["stages"], summary["totals"]
    lines = []
    if summary["finished"]:
        lines += [summarise(summary["finished"]), "", f"Then run {summary['run_id']} took its own."]
    if summary["resumed"]:
        lines.append(f"Run {summary['run_id']} had been cut short and was finished.")
    lines += tell_fetched(summary["fetched"])
    if summary["nothing_to_do"]:
        lines.append("There was nothing to do: no delivery and no decision since the last run.")
    else:
        lines += _what_came(summary, stages)
    lines.append(
        f"Customers   {totals['customers']:,} golden customers stand on {totals['records']:,} "
        f"records; {totals['in_more_than_one_record']:,} of them on more than one."
    )
    if summary["waiting"]:
        waiting = ", ".join(f"{count:,} {kind}" for kind, count in summary["waiting"].items())
        lines.append(f"For people  {sum(summary['waiting'].values()):,} items wait: {waiting}.")
    lines += [f"Drift       {warning}" for warning in summary["drift"]]
    lines += [
        f"Held        {printable(held['file_name'])}: {held['reason']}." for held in summary["held"]
    ]
    if summary["unmatched_files"]:
        names = ", ".join(printable(name) for name in summary["unmatched_files"][:5])
        lines.append(f"Left alone  no feed expects these files, or more than one: {names}.")
    for word, files in (("Left alone", "skipped_files"), ("NOT TAKEN", "troubled_files")):
        lines += [f"{word:10s}  {printable(name)}: {why}." for name, why in summary[files].items()]
    if summary["held_back"]:
        lines += [f"HELD BACK   {why}." for why in summary["held_back"]]
        lines.append(f"            {tell_held(summary['run_id'])}")
    lines.append(f"Golden      {summary['snapshot']}/golden.duckdb and one Parquet file a table.")
    return "\n".join(lines)


def _published(run: Run) -> dict[str, Any]:
    """What the run's snapshot says of itself."""
    came = "true" if run.is_rebuild else f"d.run_id = '{run.run_id}'"
    with open_snapshot(run.settings, run.run_id) as con:

        def ask(query: str) -> list[tuple[Any, ...]]:  # whatever DuckDB holds
            return con.sql(query).fetchall()

        held = ask("select file_name, reason from deliveries where state = 'held' order by 1")
        return {
            "totals": {name: ask(query)[0][0] for name, query in _TOTALS.items()},
            "quarantine_reasons": dict(ask(_REASONS.format(came=came))),
            "held": [{"file_name": name, "reason": reason} for name, reason in held],
            "waiting": dict(
                ask("select kind, count(*) from review_items group by kind order by kind")
            ),
            "drift": read_drift(con, run.rulebook),
        }


def tell_held(run_id: str) -> str:
    """What to do about a snapshot that is held back."""
    return (
        f"Readers keep the snapshot before. Look at {run_id} with `touchstone query --as-of "
        f'{run_id}`; release it with `touchstone publish {run_id} --by NAME --because "…"`.'
    )


def printable(name: str) -> str:
    """A file's name without line ends, colours or directions that a terminal would obey."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in name)


def _what_came(summary: dict[str, Any], stages: dict[str, Counts]) -> list[str]:
    came, checked = stages["ingest"], stages["validate"]
    quarantined = came.get("quarantined", 0) + checked.get("records_quarantined", 0)
    lines = [
        f"Deliveries  {came['deliveries']:,} came in ({came['held']:,} held), "
        f"{came['rows']:,} rows: {came.get('new', 0):,} new, {came.get('changed', 0):,} changed, "
        f"{came.get('unchanged', 0):,} as before, "
        f"{came.get('deleted', 0) + came.get('withdrawn', 0):,} withdrawn.",
        f"Quarantine  {quarantined:,} rows"
        + "".join(f"; {count:,} {why}" for why, count in summary["quarantine_reasons"].items())
        + ".",
        f"Duplicates  {stages['match']['pairs_scored']:,} pairs of records looked alike.",
    ]
    if "domains_waiting" in checked:
        lines.append(_domains(checked))
    survive = stages["survive"]
    told = ", ".join(
        f"{survive[kind]:,} {kind}"
        for kind in ("created", "changed", "merged", "split", "withdrawn")
        if survive.get(kind)
    )
    return [*lines, f"Changes     {told or 'no customer changed'}."]


def _domains(checked: Counts) -> str:
    """What DNS said of the domains of e-mail addresses."""
    asked, waiting = checked.get("domains_asked", 0), checked["domains_waiting"]
    invalid, unclear = checked.get("domains_invalid", 0), checked.get("domains_unverified", 0)
    told = [
        f"{asked:,} were asked",
        f"of all, {invalid:,} {'takes' if invalid == 1 else 'take'} no mail",
        f"{unclear:,} gave no answer",
    ]
    if waiting:
        told.append(f"{waiting:,} wait for the next night")
    return f"Domains     {'; '.join(told)}."


def _nothing_happened(night: Night) -> bool:
    counts = night.counts
    return not (
        counts["ingest"]["deliveries"]
        or counts["match"]["records_matched"]
        or counts["survive"]["golden_rows"]
        or counts["cluster"]["customers_touched"]
    )


def _brief(counts: Counts) -> str:
    return ", ".join(
        f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items() if count
    )
