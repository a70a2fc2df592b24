"""`touchstone doctor`: is everything in order, and if not, what to do."""

import argparse
import os
import platform
import re
import textwrap
from typing import Any, NamedTuple

from flows.cli import show
from flows.examine import examine
from flows.finding import Finding
from store.settings import Settings

_WIDTH = 100


class Setting(NamedTuple):
    """One setting as it is, and where it came from."""

    name: str
    value: str
    origin: str
    means: str


def options(parser: argparse.ArgumentParser) -> None:
    """This command has no options of its own."""


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print every setting and the outcome of every check."""
    shown = settings_of(settings, arguments)
    findings = [
        finding._replace(says=without_password(finding.says)) for finding in examine(settings)
    ]
    faults = [finding for finding in findings if not finding.is_well]
    answer = {
        "python": platform.python_version(),
        "settings": [setting._asdict() for setting in shown],
        "checks": [finding._asdict() for finding in findings],
        "is_well": not faults,
    }
    show(answer, _text(shown, findings), as_json=arguments.json)
    return 1 if faults else 0


def settings_of(settings: Settings, arguments: argparse.Namespace) -> list[Setting]:
    """Every setting; a password in a URL is not shown."""
    given = {name.upper() for name in os.environ}
    found = []
    for name, field in Settings.model_fields.items():
        variable = f"TOUCHSTONE_{name.upper()}"
        if getattr(arguments, name, None) is not None:
            origin = f"--{name}"
        else:
            origin = variable if variable in given else "default"
        value = getattr(settings, name)
        shown = "unset" if value is None else without_secrets(str(value))
        found.append(Setting(name, shown, origin, field.description or ""))
    return found


def without_secrets(text: str) -> str:
    """A text without the password, and without the options, of a URL in it."""
    if "://" not in text:
        return text
    return re.sub(r"\?.*$", "?…", without_password(text))


def without_password(text: str) -> str:
    """A text without the password of a URL in it, also one that holds an @ itself."""
    return re.sub(r"://([^:/@?\s]*):\S*@", r"://\1:***@", text)


def _text(shown: list[Setting], findings: list[Finding]) -> str:
    faults = sum(not finding.is_well for finding in findings)
    lines = ["Settings", *map(_setting, shown), "", "Checks"]
    lines += [line for finding in findings for line in _finding(finding)]
    verdict = (
        "Everything is in order."
        if not faults
        else f"{faults} of {len(findings)} checks found something wrong; each says what to do."
    )
    return "\n".join([*lines, "", verdict])


def _setting(setting: Setting) -> str:
    return f"  {setting.name:20s} {setting.value}  ({setting.origin})  {setting.means}".rstrip()


def _finding(finding: Finding) -> list[str]:
    mark = "ok   " if finding.is_well else "WRONG"
    says: Any = textwrap.wrap(finding.says, _WIDTH - 36) or [""]
    first = f"  {mark} {finding.about:26s} {says[0]}"
    return [first, *(f"{'':35s}{line}" for line in says[1:])]
