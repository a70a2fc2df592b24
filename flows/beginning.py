"""Begin a run: read the rules, find out what there is to do, and note it in the ledger."""

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import NamedTuple

import polars as pl

from flows import ledger
from flows.decided import last_of, needs_rebuild, read_decided
from flows.digests import READING, changed_parts, digests
from flows.erasing.carry_out import begin_erasures
from flows.late import has_read
from flows.rebuild import begun_anew, put_in_place, start_anew
from flows.restoring import finish_restore
from flows.run import Run
from store.archive import Archive, Inbox
from store.erasures import Erasures
from store.errors import OlderError, TouchstoneError, UnreadableError
from store.files import remove_tree
from store.golden import is_laid_out_as_before
from store.rulebook import Rulebook, read_rulebook
from store.schema import WAREHOUSE
from store.settings import Settings
from store.spool import sealed_segments
from store.warehouse import Warehouse, read_older
from transforms.match import MatchModel, check_model
from transforms.resolve import state_of


class Prepared(NamedTuple):
    """A run that has begun."""

    run: Run
    resumed: bool
    inbox: Inbox
    warehouse: Warehouse | None
    """Still open for the stages; none where the run makes its tables anew."""


def prepare(settings: Settings, now: datetime, *, takes_in: bool = True) -> Prepared:
    """Read the rules, find out what there is to do, and note that a run begins.

    The warehouse stays open for the stages: to close it and open it again takes longer than most
    of them.
    """
    finish_restore(settings)
    rulebook = read_checked_rules(settings)
    put_in_place(settings)
    erases = begin_erasures(settings, rulebook)
    try:
        opened = Warehouse(settings.warehouse, settings, WAREHOUSE, compress=False)
    except OlderError:
        return _prepare_upgrade(settings, rulebook, now, takes_in=takes_in)
    with ExitStack() as stack:
        warehouse = stack.enter_context(opened)
        run, resumed = _begin(settings, rulebook, now, warehouse, erases=erases)
        _clear_away(run)
        inbox = receive(run, takes_in=takes_in, resumed=resumed)
        if not run.is_rebuild:
            stack.pop_all()
            return Prepared(run, resumed, inbox, warehouse)
    start_anew(run)
    return Prepared(run, resumed, inbox, None)


def _begin(
    settings: Settings, rulebook: Rulebook, now: datetime, warehouse: Warehouse, *, erases: bool
) -> tuple[Run, bool]:
    """The run that the ledger has now, and whether it is one that was cut short."""
    decisions = read_decided(settings)
    begun = ledger.unfinished(warehouse)
    resumed = begun is not None
    changed = changed_parts(ledger.last_digests(warehouse), digests(rulebook))
    if begun is None:
        refuse_the_past(warehouse, now)
        run_id = _next_run_id(settings, ledger.last_run_number(warehouse))
        is_anew = (
            erases
            or is_laid_out_as_before(warehouse, settings.golden, rulebook.survivorship)
            or changed & set(READING)
            or needs_rebuild(decisions, warehouse)
        )
        kind = "rebuild" if is_anew else "nightly"
        begun = ledger.Begun(run_id, now, kind, last_of(decisions))
        ledger.begin(warehouse, begun, rulebook.model.name)
    elif begun.kind == "nightly" and (erases or changed & set(READING)):
        begun = ledger.turn_into_rebuild(warehouse, begun)
    return _run_of(settings, rulebook, begun, changed, decisions), resumed


def _prepare_upgrade(
    settings: Settings, rulebook: Rulebook, now: datetime, *, takes_in: bool
) -> Prepared:
    """Begin the run that makes the tables of an earlier version anew, or go on with it."""
    runs = read_older(settings.warehouse, "ledger.runs")
    known = begun_anew(settings)
    if known is None and not runs.is_empty():
        _refuse_before(runs["now"].max(), now)
    run_id = _next_run_id(settings, max((int(one[1:]) for one in runs["run_id"]), default=0))
    begun = known or ledger.Begun(run_id, now, "rebuild", last_of(read_decided(settings)))
    run = load_run(settings, rulebook, begun, frozenset())
    inbox = receive(run, takes_in=takes_in, resumed=known is not None)
    start_anew(run, begun)
    return Prepared(run, known is not None, inbox, None)


def refuse_the_past(warehouse: Warehouse, now: datetime) -> None:
    """What arrives now must not be older than what arrived before."""
    _refuse_before(ledger.last_now(warehouse), now)


def _refuse_before(last: object, now: datetime) -> None:
    if isinstance(last, datetime) and now < last:
        raise TouchstoneError(
            f"A run at {_told(now)} would be before the last one, which was at {_told(last)}; "
            "give a later --now, or set the clock right."
        )


def _told(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def receive(run: Run, *, takes_in: bool, resumed: bool) -> Inbox:
    """Take what lies in the inbox, then what was posted since the last run, into the archive.

    A run that goes on finishes taking in what it began with; once it has read that, it takes no
    more.
    """
    if has_read(run) if resumed else not takes_in:
        return Inbox([], [], [])
    settings, archive = run.settings, Archive(run.settings.raw)
    dropped = archive.receive(settings.inbox, run.rulebook.feeds, run.now, run.run_id)
    posted = archive.take(sealed_segments(settings.spool), run.now, run.run_id)
    return dropped._replace(
        received=dropped.received + posted.received,
        repeated=dropped.repeated + posted.repeated,
        troubled=dropped.troubled | posted.troubled,
    )


def prepare_rebuild(settings: Settings, now: datetime) -> Run:
    """Note that a rebuild begins; whatever another run left unfinished is made by it anew."""
    finish_restore(settings)
    rulebook = read_checked_rules(settings)
    begin_erasures(settings, rulebook)
    run_id = _next_run_id(settings, _last_run_number(settings))
    begun = ledger.Begun(run_id, now, "rebuild", last_of(read_decided(settings)))
    run = load_run(settings, rulebook, begun, frozenset())
    _clear_away(run)
    start_anew(run, begun)
    return run


def _clear_away(run: Run) -> None:
    """Remove what runs left that died before they could remove it: their work, half a page."""
    for folder in run.settings.work.glob("R*"):
        if folder != run.work:
            remove_tree(folder)
    for draft in run.settings.reports.glob(".*.draft"):
        draft.unlink()


def load_run(
    settings: Settings, rulebook: Rulebook, begun: ledger.Begun, changed: frozenset[str]
) -> Run:
    """The run that the ledger knows, with the decisions that it began with."""
    return _run_of(settings, rulebook, begun, changed, read_decided(settings))


def _run_of(
    settings: Settings,
    rulebook: Rulebook,
    begun: ledger.Begun,
    changed: frozenset[str],
    decisions: pl.DataFrame,
) -> Run:
    decisions = decisions.filter(decisions["decision_id"] <= begun.last_decision)
    return Run(
        begun.run_id,
        begun.now,
        settings,
        rulebook,
        decisions,
        state_of(decisions),
        changed,
        is_rebuild=begun.kind == "rebuild",
        erasures=tuple(Erasures(settings.raw).all()),
    )


def read_checked_rules(settings: Settings) -> Rulebook:
    """Read all rules; refuse to run with a model that has a hole in it."""
    rulebook = read_rulebook(settings.rules)
    model = rulebook.model
    problems = check_model(
        MatchModel(model.settings, model.frequencies, model.manifest.prior), rulebook.matching
    )
    if problems:
        raise TouchstoneError(
            f"The model {model.name} cannot be used: {problems[0]}. Mend that, or move its "
            "folder out of rules/weights, so that the one that ships is used, and run again; then "
            "learn your own with `touchstone train`."
        )
    return rulebook


def _last_run_number(settings: Settings) -> int:
    """The number of the last run; a rebuild is what mends a warehouse that cannot be read."""
    if not settings.warehouse.exists():
        return 0
    try:
        with Warehouse(settings.warehouse, settings, WAREHOUSE, compress=False) as warehouse:
            return ledger.last_run_number(warehouse)
    except OlderError:
        runs = read_older(settings.warehouse, "ledger.runs")["run_id"]
        return max((int(one[1:]) for one in runs), default=0)
    except UnreadableError:
        return 0


def _next_run_id(settings: Settings, last: int) -> str:
    """The name of the next run: one more than any that began or was published."""
    published = [int(path.name[1:]) for path in settings.published.glob("R[0-9]*")]
    return f"R{max([*published, last]) + 1:04d}"
