"""Run the line under Prefect: on a schedule, a task for each stage, a page for operators.

The flow wraps the stages of `flows/nightly.py` and decides nothing. A task takes and returns
names and counts; the data lies in the warehouse. The writer's lock is held for the whole run, so
a run of Prefect's and one of the command line never meet. Only this module imports Prefect.

`python -m flows.deployed` runs a night without any server: Prefect starts one of its own for as
long as the run takes, and keeps its notes in `prefect/` below the data folder.
"""

import argparse
import importlib
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows import audit as auditing
from flows import escalating, fetching
from flows.alerts import announce, tell_of_audit, telling_of_failure
from flows.beginning import prepare
from flows.late import is_more_waiting
from flows.line import STAGES, open_warehouse, perform
from flows.nightly import Night, close
from flows.run import Counts, Run
from flows.summary import SAYS, summarise, summary_of
from store.errors import TouchstoneError
from store.fetch import Fetched
from store.files import keep_private
from store.lock import one_writer
from store.priority import give_way
from store.settings import Settings

PREFECT = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
}
"""What Prefect must know before it is imported: nothing is sent to anyone, and its own server may
take its time to start on a busy machine. `prefect.toml` says the same to its commands."""

for _name, _value in PREFECT.items():
    os.environ.setdefault(_name, _value)
if __name__ == "__main__" and not {"PREFECT_HOME", "PREFECT_API_URL"} & set(os.environ):
    os.environ["PREFECT_HOME"] = str((Settings().data / "prefect").resolve())

from prefect import Task, flow, get_run_logger, runtime, task  # noqa: E402  it reads PREFECT now
from prefect.artifacts import create_markdown_artifact  # noqa: E402
from prefect.cache_policies import NO_CACHE  # noqa: E402
from prefect.client.schemas.objects import State, TaskRun  # noqa: E402

Named = dict[str, Any]
"""What a summary is made of: whatever JSON can hold."""


def _run_name() -> str:
    """The deployment and the time for which the run was planned, which need not be when it runs."""
    what = runtime.deployment.name or "direct"
    return f"{what} {runtime.flow_run.scheduled_start_time:%Y-%m-%d %H:%M} UTC"


@flow(name="nightly", flow_run_name=_run_name)
def nightly(data: str | None = None, rules: str | None = None, now: datetime | None = None) -> str:
    """Take in what has arrived and publish what is known now; returns the name of the run.

    Args:
        data: the data folder; unset, TOUCHSTONE_DATA or ./data.
        rules: the folder of rules; unset, TOUCHSTONE_RULES or the ones beside the code.
        now: the time of the run, to repeat one; unset, the time at which it begins.

    """
    settings, time = _settings(data, rules), now or datetime.now(UTC)
    give_way(settings.nightly_niceness)
    with telling_of_failure(settings, "A night"):
        fetched = _fetch_task(settings, time)
        with one_writer(settings.lock):
            night = _run_night(settings, time, fetched)
            if night.resumed and is_more_waiting(night.run):
                finished = night._replace(fetched=())
                night = _run_night(settings, time, [])._replace(finished=finished, fetched=fetched)
    summary = summary_of(night)
    _report(summary)
    for said in (summary["finished"], summary):
        for problem in announce(settings, said) if said else []:
            get_run_logger().warning(problem)
    fetching.refuse_gaps(fetched)
    return night.run.run_id


@flow(name="fetch", flow_run_name=_run_name)
def fetch(data: str | None = None, rules: str | None = None, source: str | None = None) -> None:
    """Bring what partners have for us into the inbox; the next run takes it in.

    Args:
        data: the data folder; unset, TOUCHSTONE_DATA or ./data.
        rules: the folder of rules; unset, TOUCHSTONE_RULES or the ones beside the code.
        source: the feed to fetch for; unset, all that say how.

    """
    fetching.refuse_gaps(_fetch_task(_settings(data, rules), datetime.now(UTC), source))


@flow(name="audit", flow_run_name=_run_name)
def audit(data: str | None = None, rules: str | None = None, now: datetime | None = None) -> None:
    """Measure each source, find what is wrong, and remove what is past its days.

    Args:
        data: the data folder; unset, TOUCHSTONE_DATA or ./data.
        rules: the folder of rules; unset, TOUCHSTONE_RULES or the ones beside the code.
        now: the time of the audit; unset, the time at which it begins.

    """
    settings = _settings(data, rules)
    give_way(settings.nightly_niceness)
    log = get_run_logger()

    def tell(stage: str, counts: Counts | None) -> None:
        if counts is not None:
            log.info("%s: %s", stage, counts)

    with telling_of_failure(settings, "An audit"):
        at = now or datetime.now(UTC)
        told = auditing.audit(settings, at, tell, remove=True)
    create_markdown_artifact(
        key="audit", markdown=f"```json\n{json.dumps(told, indent=1)}\n```", description="Audit"
    )
    for problem in tell_of_audit(settings, told["wrong"], at):
        log.warning("%s", problem)
    if told["wrong"]:
        raise TouchstoneError(told["wrong"])


@flow(name="escalate", flow_run_name=_run_name)
def escalate(data: str | None = None, rules: str | None = None) -> None:
    """Take review items that are past due to the next level, and tell of it.

    Args:
        data: the data folder; unset, TOUCHSTONE_DATA or ./data.
        rules: the folder of rules; unset, TOUCHSTONE_RULES or the ones beside the code.

    """
    went, problems = escalating.escalate(_settings(data, rules), datetime.now(UTC))
    get_run_logger().info(escalating.say(went))
    for problem in problems:
        get_run_logger().warning(problem)


@flow(name="train", flow_run_name=_run_name, log_prints=True)
def train(data: str | None = None, rules: str | None = None) -> None:
    """Propose a dated match model; a person reviews it and puts it among the rules.

    Args:
        data: the data folder; unset, TOUCHSTONE_DATA or ./data.
        rules: the folder of rules; unset, TOUCHSTONE_RULES or the ones beside the code.

    """
    command = importlib.import_module("flows.commands.train")
    parser = argparse.ArgumentParser()
    command.options(parser)
    settings = _settings(data, rules)
    give_way(settings.nightly_niceness)
    command.run(parser.parse_args([], argparse.Namespace(json=False)), settings)


def _settings(data: str | None, rules: str | None) -> Settings:
    keep_private()
    given = {"data": data, "rules": rules}
    return Settings().model_copy(
        update={name: Path(place) for name, place in given.items() if place is not None}
    )


def _fetch_task(settings: Settings, now: datetime, source: str | None = None) -> list[Fetched]:
    """Fetch from partners in a task of its own; one that failed does not end the flow here."""
    fetched: list[Fetched] = []

    @task(name="fetch", cache_policy=NO_CACHE)
    def fetch_all(data_folder: str) -> Counts:
        """Bring what partners have for us into the inbox."""
        fetched.extend(fetching.fetch(settings, now, source))
        for line in fetching.tell_fetched([one._asdict() for one in fetched]):
            get_run_logger().info(line)
        return _tell("fetch", fetching.counts_of(fetched))

    fetch_all(str(settings.data))
    return fetched


def _run_night(settings: Settings, now: datetime, fetched: list[Fetched]) -> Night:
    """Receive, run every stage, and close."""
    prepared: list[Night] = []

    @task(
        name="receive",
        cache_policy=NO_CACHE,
        retries=3,
        retry_delay_seconds=[10, 60, 300],
        retry_condition_fn=_may_pass,
    )
    def receive(data_folder: str) -> Counts:
        """Begin a run, or go on with one that was cut short, and empty the inbox."""
        begun = prepare(settings, now)
        if begun.warehouse is not None:
            begun.warehouse.close()
        fetching.note_fetch(begun.run, fetched)
        prepared.append(Night(begun.run, begun.inbox, {}, begun.resumed, fetched))
        names = ("received", "repeated", "unmatched")
        return _tell("receive", {name: len(getattr(begun.inbox, name)) for name in names})

    receive(str(settings.data))
    night = prepared[-1]
    counts = {stage: _stage_task(stage, night.run)(night.run.run_id) for stage in STAGES}
    with open_warehouse(night.run) as warehouse:
        close(night.run, warehouse)
    return night._replace(counts=counts)


def _stage_task(stage: str, run: Run) -> Task[[str], Counts]:
    """The task of one stage.

    It is not retried: a stage that failed would fail again, by the same rule on the same data.
    The next run goes on where this one stopped.
    """

    @task(name=stage, description=SAYS[stage], cache_policy=NO_CACHE)
    def perform_stage(run_id: str) -> Counts:
        with open_warehouse(run) as warehouse:
            return _tell(stage, perform(run, stage, warehouse))

    return perform_stage


def _may_pass(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether waiting may help: a network folder can come back, a wrong rule stays wrong."""
    return isinstance(state.data, OSError)


def _tell(stage: str, counts: Counts) -> Counts:
    told = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())
    get_run_logger().info("%s: %s", stage, told or "nothing")
    return counts


def _report(summary: Named) -> None:
    """Show the run's summary on Prefect's page of artifacts."""
    create_markdown_artifact(
        key="night", markdown=_markdown(summary), description=f"Run {summary['run_id']}"
    )


def _markdown(summary: Named) -> str:
    lines = [f"# Run {summary['run_id']}", ""]
    for line in summarise(summary).splitlines():
        label, _, text = line.partition("  ")
        lines.append(f"- **{label}** {text.strip()}" if text else f"- {line}")
    lines += ["", "| stage | what | count |", "|---|---|---:|"]
    for stage, counts in summary["stages"].items():
        for name, count in counts.items():
            lines.append(f"| {stage} | {name.replace('_', ' ')} | {count:,} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run a night directly; 0 when it is published, 1 with one sentence when it is not."""
    try:
        nightly()
    except TouchstoneError as error:
        sys.stderr.write(f"touchstone: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
