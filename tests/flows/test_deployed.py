"""The Prefect flow runs the same line, and what is deployed is there."""

import asyncio
import importlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 2, 2, 15, tzinfo=UTC)
ENTRIES = "entry,taken_at,clerk,customer,born,telephone,e_mail,address,country,news,remarks\n"
PERSON = (
    "D-1,2026-02-27T09:00,Jo,Ms Ada Stone,14/06/1979,+44 7400 123443,ada@post.example.org,"
    '"12 High Street, Leeds, LS1 4AP",GB,yes,\n'
)


@pytest.fixture(scope="module", autouse=True)
def _prefect_at_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Prefect finds its home when it is imported, which every test here does for itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        yield


@pytest.fixture
def deployed() -> Iterator[Any]:  # a module
    """The module with the flows, and a server of Prefect's own for the time of the test."""
    module = importlib.import_module("flows.deployed")
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=180):
        yield module


def test_the_flow_runs_the_line_as_tasks_and_shows_the_summary(
    deployed: Any, tmp_path: Path
) -> None:
    from prefect.client.orchestration import get_client

    inbox = tmp_path / "inbox" / "front_desk"
    inbox.mkdir(parents=True)
    (inbox / "desk_2026-03-01.csv").write_text(ENTRIES + PERSON)

    run_id = deployed.nightly(data=str(tmp_path), now=NOW)

    with get_client(sync_client=True) as client:
        tasks = [run.name.rpartition("-")[0] for run in client.read_task_runs()]
        shown = client.request("POST", "/artifacts/filter", json={}).json()
    assert run_id == "R0001"
    assert sorted(tasks) == sorted(["fetch", "receive", *deployed.STAGES])
    assert [artifact["key"] for artifact in shown] == ["night"]
    assert "1 golden customers stand on 1 records" in shown[0]["data"]
    assert "Ada" not in shown[0]["data"]
    assert (tmp_path / "published" / "current" / "customers.parquet").exists()


def test_waiting_may_help_only_where_the_system_could_not_read() -> None:
    from prefect.states import Failed

    from flows.deployed import _may_pass
    from store.errors import TouchstoneError

    assert _may_pass(None, None, Failed(data=TimeoutError("the folder is gone")))
    assert not _may_pass(None, None, Failed(data=TouchstoneError("the rule is wrong")))


def deployments() -> list[dict[str, Any]]:
    content = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    return list(content["deployments"])


@pytest.mark.parametrize("deployment", deployments(), ids=lambda found: str(found["name"]))
def test_every_deployment_names_a_flow_that_there_is(deployment: dict[str, Any]) -> None:
    from prefect import Flow

    path, _, name = deployment["entrypoint"].partition(":")

    module = importlib.import_module(path.removesuffix(".py").replace("/", "."))

    assert (ROOT / path).exists()
    assert isinstance(getattr(module, name), Flow)
    assert deployment["concurrency_limit"]["limit"] == 1
    assert deployment["concurrency_limit"]["collision_strategy"] == "CANCEL_NEW"


def test_what_is_done_by_the_clock_names_its_time_zone() -> None:
    schedules = {found["name"]: found["schedules"] for found in deployments()}

    assert [name for name, planned in schedules.items() if planned] == [
        "nightly",
        "audit",
        "escalate",
        "train",
    ]
    assert not schedules["train"][0]["active"]
    assert schedules["nightly"][0]["cron"] == "15 2 * * *"
    assert schedules["nightly"][0]["timezone"]
    assert schedules["audit"][0]["timezone"]
    assert schedules["escalate"][0]["timezone"]
    assert schedules["train"][0]["timezone"]


@pytest.mark.parametrize("around", [datetime(2026, 3, 27), datetime(2026, 10, 23)])
def test_there_is_one_night_a_day_when_the_clocks_change_too(around: datetime) -> None:
    from prefect.client.schemas.schedules import CronSchedule
    from prefect.server.schemas.schedules import CronSchedule as Planned

    planned = next(found["schedules"][0] for found in deployments() if found["schedules"])
    told = CronSchedule(cron=planned["cron"], timezone=planned["timezone"])
    zone = ZoneInfo(told.timezone or "")

    dates = asyncio.run(Planned(**told.model_dump()).get_dates(5, around.replace(tzinfo=zone)))

    local = [date.astimezone(zone) for date in dates]
    assert [f"{date:%H:%M}" for date in local] == ["02:15"] * 5
    assert len({date.date() for date in local}) == 5


def test_importing_the_flows_turns_telemetry_off() -> None:
    importlib.import_module("flows.deployed")

    assert os.environ["DO_NOT_TRACK"] == "1"
    assert os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
