"""The lookups as they are in the repository, for tests that standardise."""

import tomllib
from pathlib import Path
from typing import Any

from rules.lookups import Lookups

ROOT = Path(__file__).parents[1]


def read_tables() -> dict[str, Any]:
    folder = ROOT / "rules" / "lookups"
    return {path.stem: tomllib.loads(path.read_text("utf-8")) for path in folder.glob("*.toml")}


def read_cases(name: str) -> list[dict[str, Any]]:
    path = ROOT / "tests" / "cases" / f"{name}.toml"
    cases: list[dict[str, Any]] = tomllib.loads(path.read_text("utf-8"))["case"]
    return cases


LOOKUPS = Lookups.from_tables(read_tables())
