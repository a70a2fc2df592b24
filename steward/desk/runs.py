"""Show the runs and what each made, start one, and lead readers back to an earlier night."""

from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple
from uuid import uuid4

from starlette.responses import HTMLResponse, Response

from steward.desk.drift import drift_of
from steward.desk.pages import Page
from steward.desk.refused import Refused, not_here
from steward.desk.visit import Visit, see_other
from steward.permission import Resource
from store.opened import Row, Snapshot
from store.publications import Said, answer_held, item_of
from store.queueing import queue_of, show_queue
from store.run_figures import reports
from store.snapshot import held_back, is_held, kept_runs, lead_back, open_snapshot
from store.state.moments import to_moment
from store.state.published import noted_digest
from store.sums import digest_of

STEPS = (
    ("Deliveries", "deliveries"),
    ("Rows", "rows"),
    ("New", "new"),
    ("Changed", "changed"),
    ("Quarantined", "quarantined"),
    ("Held deliveries", "held"),
    ("Values parsed", "values_parsed"),
    ("Pairs scored", "pairs_scored"),
    ("Customers made", "created"),
    ("Merged", "merged"),
    ("Split", "split"),
    ("Withdrawn", "withdrawn"),
)
"""What a run counted, in the order of the line: its name on the page and in metrics."""
SHORTEST_REASON = 3
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
)
_BACK = ("Back to the runs", "/runs")


def show_runs(visit: Visit) -> Response:
    """All runs, the newest first; and the deliveries of sources in scope."""
    with visit.desk.snapshots.reading() as snapshot:
        runs = snapshot.rows("select * from runs order by run_id desc limit 60")
        live = snapshot.run_id
    is_admin = visit.may("run", Resource())
    settings = visit.desk.settings
    newest = next(reversed(kept_runs(settings)), "")
    return visit.page(
        "runs.html",
        runs=runs,
        live=live,
        kept=set(kept_runs(settings)),
        newest=newest,
        is_led_back=newest not in {live, ""} and not is_held(settings, newest),
        **_held(visit),
        may_run=is_admin,
        reported=reports(settings) if is_admin else {},
        started=visit.desk.runner.last() if is_admin else None,
        said=visit.request.query_params.get("said", "")[:20],
    )


def _held(visit: Visit) -> dict[str, Any]:
    """What is held back and how its item stands, for those who may answer it."""
    held = held_back(visit.desk.settings) if visit.may("run", Resource()) else None
    if held is None:
        return {"held": None, "asked": None, "key": ""}
    asked = visit.state.work.find(visit.reader, item_of(held[0]))
    return {"held": held, "asked": asked, "key": str(uuid4())}


def show_report(visit: Visit) -> Response:
    """The page on a run as it was kept; it brings its own style and may do nothing else."""
    visit.insist("run", Resource())
    page = reports(visit.desk.settings).get(visit.request.path_params["run_id"])
    if page is None:
        raise not_here()
    headers = {"Content-Security-Policy": REPORT_POLICY}
    return HTMLResponse(page.read_text("utf-8"), headers=headers)


def show_run(visit: Visit) -> Response:
    """One run: what it counted and whether anything drifted.

    Counts of a whole run are for administrators, since they tell of every campaign.
    """
    run_id = visit.request.path_params["run_id"]
    with visit.desk.snapshots.reading() as snapshot:
        run = snapshot.row("select * from runs where run_id = $run_id", {"run_id": run_id})
        if run is None:
            raise not_here()
        is_all = visit.may("run", Resource())
        counts = _counts(snapshot, run_id) if is_all else {}
        limits = visit.desk.rulebook.matching.drift
        drift = drift_of(snapshot, run_id, limits) if is_all else []
        live = snapshot.run_id
    return visit.page(
        "run.html",
        run=run,
        published=_published(visit, run_id, live),
        is_all=is_all,
        reported=is_all and run_id in reports(visit.desk.settings),
        steps=[(title, counts[name]) for title, name in STEPS if name in counts],
        drift=drift,
        items={
            name.removeprefix("items_"): counts[name]
            for name in sorted(counts)
            if name.startswith("items_")
        },
    )


class _Published(NamedTuple):
    """The snapshot of a run."""

    state: str
    """`live`, `held`, `kept` or `gone`."""
    digest: str | None
    at: datetime | None
    """When the digest was noted."""


def _published(visit: Visit, run_id: str, live: str) -> _Published:
    settings = visit.desk.settings
    noted = noted_digest(visit.state.engine, run_id)
    state = "kept" if run_id in kept_runs(settings) else "gone"
    state = "held" if state == "kept" and is_held(settings, run_id) else state
    return _Published(
        "live" if run_id == live else state,
        noted.digest if noted else digest_of(settings.published / run_id),
        to_moment(noted.at) if noted else None,
    )


def start_run(visit: Visit) -> Response:
    """Start a run in a process of its own."""
    visit.insist("run", Resource())
    if visit.form.get("sure") != "yes":
        raise Refused(422, "Start a run?", "Press the button on the page of the runs.", _BACK)
    visit.desk.runner.start(visit.actor.name)
    visit.note("run")
    return see_other("/runs?said=started")


def publish_again(visit: Visit) -> Response:
    """Lead readers and the queue to the snapshot of another run that is kept."""
    visit.insist("run", Resource())
    run_id = visit.request.path_params["run_id"]
    if run_id not in kept_runs(visit.desk.settings):
        raise not_here()
    _insist_on_a_reason(
        visit,
        "Everybody who reads the golden table is led to another night: the reason is kept in "
        "the audit trail.",
    )
    settings, rulebook = visit.desk.settings, visit.desk.rulebook
    with open_snapshot(settings, run_id) as con:
        items = queue_of(con, rulebook.feeds, rulebook.queues)
    if _is_waiting(visit, run_id):
        _answer(visit, run_id, "publish")
    lead_back(settings, run_id)
    show_queue(settings, items, run_id, datetime.now(UTC), rulebook.queues)
    visit.note("lead_readers", run_id, _because(visit))
    return see_other("/runs?said=switched")


def withhold(visit: Visit) -> Response:
    """Say that what is held back stays so; the next run is asked about anew if it is held too."""
    visit.insist("run", Resource())
    run_id = visit.request.path_params["run_id"]
    if not _is_waiting(visit, run_id):
        raise not_here()
    _insist_on_a_reason(visit, "Who made the night must know what to mend.")
    _answer(visit, run_id, "withhold")
    visit.note("withhold", run_id, _because(visit))
    return see_other("/runs?said=withheld")


def _is_waiting(visit: Visit, run_id: str) -> bool:
    held = held_back(visit.desk.settings)
    return held is not None and held[0] == run_id


def _answer(visit: Visit, run_id: str, kind: Literal["publish", "withhold"]) -> None:
    key = f"desk-{visit.form.get('key') or uuid4()}"[:200]
    said = Said(run_id, kind, visit.actor.name, _because(visit), key)
    answer_held(visit.desk.settings, visit.state.engine, visit.desk.rulebook.queues, said)


def _because(visit: Visit) -> str:
    return visit.form.get("because", "").replace("\0", "").strip()[:500]


def _insist_on_a_reason(visit: Visit, why: str) -> None:
    if len(_because(visit)) < SHORTEST_REASON:
        raise Refused(422, "Say why", why, _BACK)


def _counts(snapshot: Snapshot, run_id: str) -> dict[str, float]:
    """What a run measured about itself as a whole."""
    rows: list[Row] = snapshot.rows(
        "select measure, sum(value) as value from metrics where run_id = $run_id "
        "and source is null group by measure",
        {"run_id": run_id},
    )
    return {row["measure"]: row["value"] for row in rows}


PAGES = (
    Page("/runs", show_runs, "see"),
    Page("/runs/{run_id}", show_run, "see"),
    Page("/runs/{run_id}/report", show_report, "run"),
    Page("/runs/now", start_run, "run", "POST"),
    Page("/runs/{run_id}/publish", publish_again, "run", "POST"),
    Page("/runs/{run_id}/withhold", withhold, "run", "POST"),
)
