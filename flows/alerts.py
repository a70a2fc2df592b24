"""Tell people what a run found that they should know of: it failed, is held back, drifted.

One alert for each kind of thing, however many of them there are. That an alert could not be sent
stops nothing; it waits for the next run, which says so, as `touchstone doctor` does.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from store.alerting import Alert, channels, keep, send_all
from store.errors import TouchstoneError
from store.exposition import expose, write_metrics
from store.settings import Settings
from store.snapshot import current_run
from store.state.open import open_state


@contextmanager
def telling_of_failure(settings: Settings, what: str) -> Iterator[None]:
    """Tell of it when `what` fails; the failure goes on as it is."""
    try:
        yield
    except (TouchstoneError, OSError) as error:
        _tell(settings, [_of_failure(settings, what, error)])
        raise
    except Exception as error:
        fault = TouchstoneError(f"a fault of ours: {type(error).__name__}")
        _tell(settings, [_of_failure(settings, what, fault)])
        raise


def announce(settings: Settings, summary: dict[str, Any]) -> list[str]:
    """Tell of what a run that ended found, and write its metrics; what of that went wrong."""
    problems = []
    if settings.metrics_file is not None:
        try:
            write_metrics(settings.metrics_file, expose(settings))
        except OSError as error:
            problems.append(f"the metrics cannot be written ({error.strerror})")
    if channels(settings):
        late = overdue(settings, datetime.now(UTC))
        problems += _tell(settings, alerts_of(summary, late))
    return problems


def alerts_of(summary: dict[str, Any], late: dict[str, int]) -> list[Alert]:
    """The alerts of a run, by its summary and by what is overdue in the queues."""
    run_id, found = summary["run_id"], []

    def add(kind: str, title: str, lines: list[str]) -> None:
        if lines:
            found.append(Alert(kind, title, "\n".join(lines), run_id, datetime.now(UTC)))

    add("run.held_back", f"The tables of {run_id} are held back", summary["held_back"])
    add("drift", f"{run_id} drifted from what was expected", summary["drift"])
    held = Counter(one["file_name"].partition("/")[0] for one in summary["held"])
    add(
        "delivery.held",
        f"{sum(held.values())} deliveries are held",
        [f"{count} of {folder}; see `touchstone decide --list delivery`" for folder, count in
         sorted(held.items())],
    )  # fmt: skip
    add(
        "queue.overdue",
        f"{sum(late.values())} review items are overdue",
        [f"{count} {kind}" for kind, count in sorted(late.items())],
    )
    lost = [one["source"] for one in summary["fetched"] if one["problems"]]
    add("fetch.failed", "Not everything could be fetched", lost)
    return found


def tell_of_escalation(settings: Settings, went: Counter[str]) -> list[str]:
    """Tell of items that went up because they are past due; what of that went wrong."""
    lines = [f"{count} to {to.replace('_', ' ')}s" for to, count in sorted(went.items())]
    title = f"{sum(went.values())} review items past due went up"
    run_id = current_run(settings)
    alert = Alert("queue.escalated", title, "\n".join(lines), run_id, datetime.now(UTC))
    return _tell(settings, [alert])


def tell_of_audit(settings: Settings, wrong: str, now: datetime) -> list[str]:
    """Tell of what an audit found past its limit, if anything; what of that went wrong."""
    if not wrong:
        return []
    title = "Stored evidence is not what the records say"
    return _tell(settings, [Alert("audit.found", title, wrong, current_run(settings), now)])


def overdue(settings: Settings, now: datetime) -> dict[str, int]:
    """How many items of each kind wait beyond their day."""
    with open_state(settings) as state:
        late = [item for item in state.workload.waiting(None) if item.due_at < now]
    return dict(Counter(item.kind for item in late))


def _of_failure(settings: Settings, what: str, error: Exception) -> Alert:
    run_id = current_run(settings)
    text = f"{error}\nReaders see {run_id or 'nothing yet'}."
    return Alert("run.failed", f"{what} failed", text, run_id, datetime.now(UTC))


def _tell(settings: Settings, alerts: list[Alert]) -> list[str]:
    """Keep the alerts and send what waits; that it cannot be sent must not hide a failure."""
    if not channels(settings):
        return []
    try:
        for alert in alerts:
            keep(settings, alert)
        return [f"an alert waits for the next run ({why})" for why in send_all(settings)]
    except (OSError, ValueError) as error:
        return [f"alerts cannot be kept ({type(error).__name__})"]
