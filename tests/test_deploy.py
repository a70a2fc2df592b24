"""What is in deploy/ names commands, settings and files that there are."""

import re
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

from store.settings import Settings

ROOT = Path(__file__).parents[1]
UNITS = sorted((ROOT / "deploy").glob("*.service"))


def unit(path: Path) -> ConfigParser:
    """A unit file; a key that stands twice keeps the last."""
    read = ConfigParser(strict=False, interpolation=None)
    read.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys have capitals
    read.read(path, "utf-8")
    return read


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_a_command_that_there_is_and_writes_its_data_alone(path: Path) -> None:
    service = unit(path)["Service"]

    command = service["ExecStart"].split()[1]
    assert (ROOT / "flows" / "commands" / f"{command}.py").exists()
    assert service["ProtectSystem"] == "strict"
    assert service["ReadWritePaths"] == "/srv/touchstone/data"


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_system_call_that_the_filter_does_not_know_fails_and_kills_nothing(path: Path) -> None:
    service = unit(path)["Service"]

    assert service["SystemCallFilter"] == "@system-service"
    assert service["SystemCallErrorNumber"] == "ENOSYS"


def test_each_timer_starts_a_service_that_there_is_and_makes_up_for_what_was_missed() -> None:
    timers = sorted((ROOT / "deploy").glob("*.timer"))

    assert {path.with_suffix(".service").name for path in timers} < {path.name for path in UNITS}
    assert all(unit(path)["Timer"]["Persistent"] == "true" for path in timers)


@pytest.mark.parametrize("path", [*UNITS, ROOT / "deploy" / "Containerfile"], ids=lambda p: p.name)
def test_every_setting_is_one_of_ours(path: Path) -> None:
    named = set(re.findall(r"TOUCHSTONE_([A-Z_]+)=", path.read_text("utf-8")))

    assert named
    assert {name.lower() for name in named} <= set(Settings.model_fields)


def test_the_desk_says_the_hour_at_which_the_timer_and_the_schedule_begin_a_night() -> None:
    text = (ROOT / "deploy" / "touchstone-steward.service").read_text("utf-8")
    fires = unit(ROOT / "deploy" / "touchstone.timer")["Timer"]["OnCalendar"]
    planned = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]
    (cron,) = (one["schedules"][0]["cron"] for one in planned if one["name"] == "nightly")

    (hour,) = re.findall(r"TOUCHSTONE_NIGHTLY_AT=([0-9:]+)", text)
    assert fires == f"*-*-* {hour}:00"
    assert cron == "{1:d} {0:d} * * *".format(*map(int, hour.split(":")))


def test_the_image_has_every_package_of_ours() -> None:
    text = (ROOT / "deploy" / "Containerfile").read_text("utf-8")

    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"}
    assert {one for one in packages if f"COPY {one} {one}\n" in text} == packages


def test_the_guide_names_every_file() -> None:
    guide = (ROOT / "docs" / "operations.md").read_text("utf-8")

    lost = [path.name for path in (ROOT / "deploy").iterdir() if f"deploy/{path.name}" not in guide]
    assert lost == []
