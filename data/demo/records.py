"""Say what a row to be delivered is, and read those that are written out by hand."""

import tomllib
from dataclasses import dataclass, field

from demo.people import HERE
from demo.spelling import Spelling


@dataclass(frozen=True)
class Record:
    """One row to be delivered, and what is true of it."""

    source: str
    night: int
    key: str | None = None
    entity_id: str | None = None
    household_id: str | None = None
    values: Spelling = field(default_factory=dict)
    operation: str = "upsert"
    why: str | None = None
    raw: str | None = None


@dataclass(frozen=True)
class Event:
    """Something that happens to a record after its first night."""

    night: int
    event: str
    source: str
    source_key: str
    entity_id: str | None


def stories() -> list[Record]:
    """Rows of the people whom `stories.toml` tells about."""
    rows = tomllib.loads((HERE / "stories.toml").read_text("utf-8"))["record"]
    return [
        Record(
            row["source"], row["night"], row["key"],
            f"story:{row['person']}", f"story:{row['story']}", row["values"],
        )
        for row in rows
    ]  # fmt: skip


def bad_rows() -> list[Record]:
    """Rows of `bad_rows.toml`, each with the reason why it must be refused."""
    rows = tomllib.loads((HERE / "bad_rows.toml").read_text("utf-8"))["row"]
    return [
        Record(
            row["source"], row.get("night", 1), row.get("key"), why=row["why"], raw=row.get("raw"),
            values={"updated_at": "2026-03-01T12:00:00"} | row.get("values", {}),
        )
        for row in rows
    ]  # fmt: skip
