"""Keep what DNS answered, one file for each run that asked, among the kept deliveries.

Nothing else can tell again what was answered on a day that is past, so that a rebuild reads it from
here. A file appears whole, by one rename.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import polars as pl

from store.files import read_json, write_json

SCHEMA = {
    "number": pl.Int64(),
    "domain": pl.String(),
    "answer": pl.String(),
    "asked_at": pl.Datetime("us", "UTC"),
}


class Answer(NamedTuple):
    """What came of one question."""

    domain: str
    answer: str
    """A key of `transforms.deliverability.VERDICTS`."""
    detail: str
    """What was said, for a person."""


class Answers:
    """The kept answers below one folder."""

    def __init__(self, raw: Path) -> None:
        self.folder = raw / "dns"

    def has(self, run_id: str) -> bool:
        """Whether this run has asked already."""
        return self._path(run_id).exists()

    def keep(self, run_id: str, asked_at: datetime, answers: list[Answer]) -> None:
        """Keep what a run was answered."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        rows = [answer._asdict() for answer in sorted(answers)]
        write_json(self._path(run_id), {"asked_at": asked_at.isoformat(), "answers": rows})

    def read(self, run_id: str | None = None) -> pl.DataFrame:
        """The answers of one run, or of all: number, domain, answer, asked_at."""
        paths = self.folder.glob("R[0-9]*.json") if run_id is None else [self._path(run_id)]
        found = [_read(path) for path in paths if path.exists()]
        return pl.concat([pl.DataFrame(schema=SCHEMA), *found])

    def forget(self, which: Callable[[pl.Series], pl.Series], is_any: bool) -> int:
        """Remove the answers about the domains that `which` marks; how many there were."""
        count = 0
        for path in sorted(self.folder.glob("R[0-9]*.json")) if is_any else ():
            content = read_json(path)
            domains = pl.Series([row["domain"] for row in content["answers"]], dtype=pl.String)
            marks = which(domains)
            kept = [row for row, gone in zip(content["answers"], marks, strict=True) if not gone]
            if len(kept) < domains.len():
                count += domains.len() - len(kept)
                write_json(path, content | {"answers": kept})
        return count

    def _path(self, run_id: str) -> Path:
        return self.folder / f"{run_id}.json"


def _read(path: Path) -> pl.DataFrame:
    content = read_json(path)
    answers = pl.DataFrame(content["answers"], schema=["domain", "answer", "detail"], orient="row")
    return answers.select(
        number=pl.lit(int(path.stem[1:]), pl.Int64),
        domain=pl.col("domain").cast(pl.String),
        answer=pl.col("answer").cast(pl.String),
        asked_at=pl.lit(datetime.fromisoformat(content["asked_at"])).dt.cast_time_unit("us"),
    )
