"""Tell Prometheus what a snapshot says of the runs: its text format, from published tables alone.

Every sample is a number about a run, a source, a field or a queue; none is about a person.
"""

import json
import math
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import duckdb

from store.settings import Settings
from store.snapshot import HELD, current_run, kept_runs, open_snapshot

SAYS = {
    "run_info": "The run whose snapshot readers see.",
    "run_finished_timestamp_seconds": "When that run ended.",
    "run_seconds": "How long its stages took.",
    "run_cpu_seconds": "What CPU they took.",
    "stage_seconds": "How long each stage took.",
    "stage_cpu_seconds": "What CPU each stage took.",
    "customers": "Golden customers.",
    "completeness_ratio": "Share of a source's records that have a field.",
    "measure": "Every other measure of the table metrics.",
    "review_items": "Questions that wait for a person.",
    "deliveries": "Deliveries by what became of them.",
    "snapshot_held": "Whether the newest snapshot is held back.",
    "snapshots_kept": "Snapshots that are kept.",
    "disk_bytes": "What the data folder takes.",
    "audit_timestamp_seconds": "When the last audit was.",
    "audit_found": "What it found, by kind.",
    "audit_rescored_pairs": "Stored pairs that it scored again, by band.",
    "audit_differing_pairs": "How many of these are not as they are stored.",
}
"""Every metric by its name after `touchstone_`."""

_PLACES = ("raw", "published", "decisions", "work", "warehouse.duckdb", "golden.duckdb")


class Sample(NamedTuple):
    """One number with its labels."""

    name: str
    value: float
    labels: dict[str, str] = {}  # noqa: RUF012 - replaced, never changed


def expose(settings: Settings) -> str:
    """The metrics of the current snapshot and of the data folder."""
    samples = [*_of_folder(settings), *_of_audit(settings)]
    if current_run(settings) is not None:
        with open_snapshot(settings) as con:
            samples += _of_snapshot(con)
    return render(samples, SAYS)


def render(samples: Iterable[Sample], says: dict[str, str]) -> str:
    """The text format: each metric once, with what it means before it."""
    by_name: dict[str, list[Sample]] = {}
    for sample in samples:
        by_name.setdefault(sample.name, []).append(sample)
    lines = []
    for name, said in says.items():
        if name in by_name:
            kind = "counter" if name.endswith("_total") else "gauge"
            lines += [f"# HELP touchstone_{name} {said}", f"# TYPE touchstone_{name} {kind}"]
            lines += [_line(sample) for sample in by_name[name]]
    return "\n".join(lines) + "\n"


def write_metrics(path: Path, text: str) -> None:
    """Write metrics where a collector reads them; they name no person, so everybody may."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.chmod(0o644)
    draft.replace(path)


def _of_audit(settings: Settings) -> Iterator[Sample]:
    """What the last audit found; none has been, or it was of before pairs were scored again."""
    newest = max((settings.data / "audits").glob("audit-*.json"), default=None)
    if newest is None:
        return
    told = json.loads(newest.read_text("utf-8"))
    yield Sample("audit_timestamp_seconds", datetime.fromisoformat(told["at"]).timestamp())
    for kind, count in told["found"].items():
        yield Sample("audit_found", float(count), {"kind": kind})
    if rescored := told.get("rescored"):
        for band, count in rescored["pairs"].items():
            yield Sample("audit_rescored_pairs", float(count), {"band": band})
        yield Sample("audit_differing_pairs", float(rescored["differing"]))


def _line(sample: Sample) -> str:
    labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels.items())
    value = repr(sample.value) if math.isfinite(sample.value) else "NaN"
    return (
        f"touchstone_{sample.name}{{{labels}}} {value}"
        if labels
        else (f"touchstone_{sample.name} {value}")
    )


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _of_folder(settings: Settings) -> Iterator[Sample]:
    kept = kept_runs(settings)
    newest = kept[-1] if kept else None
    held = newest is not None and newest != current_run(settings)
    is_held = held and (settings.published / str(newest) / HELD).exists()
    yield Sample("snapshot_held", float(is_held))
    yield Sample("snapshots_kept", float(len(kept)))
    for place in _PLACES:
        yield Sample("disk_bytes", float(size_of(settings.data / place)), {"place": place})


def size_of(path: Path) -> int:
    """The bytes of a file or of all below a folder, each file once however often it is linked."""
    files = path.rglob("*") if path.is_dir() else [path]
    found = {}
    for one in files:
        if one.is_file() and not one.is_symlink():
            stat = one.stat()
            found[stat.st_ino] = stat.st_size
    return sum(found.values())


def _of_snapshot(con: duckdb.DuckDBPyConnection) -> Iterator[Sample]:
    found = con.sql(
        "select run_id, kind, model, epoch(finished_at), seconds, cpu_seconds, customers "
        "from runs order by run_id desc limit 1"
    ).fetchall()
    if not found:
        return
    run_id, kind, model, finished, seconds, cpu, customers = found[0]
    yield Sample("run_info", 1.0, {"run_id": run_id, "kind": kind, "model": model})
    yield Sample("run_finished_timestamp_seconds", float(finished or 0))
    yield Sample("run_seconds", float(seconds or 0))
    yield Sample("run_cpu_seconds", float(cpu or 0))
    yield Sample("customers", float(customers or 0))
    yield from _of_metrics(con, run_id)
    for kind, count in con.sql("select kind, count(*) from review_items group by 1").fetchall():
        yield Sample("review_items", float(count), {"kind": kind})
    for source, state, count in con.sql(
        "select source, state, count(*) from deliveries group by 1, 2 order by all"
    ).fetchall():
        yield Sample("deliveries", float(count), {"source": source, "state": state})


def _of_metrics(con: duckdb.DuckDBPyConnection, run_id: str) -> Iterator[Sample]:
    rows = con.sql(
        "select source, field, measure, value from metrics where run_id = ? and value is not null "
        "order by all",
        params=[run_id],
    ).fetchall()
    for source, field, measure, value in rows:
        labels = {name: said for name, said in (("source", source), ("field", field)) if said}
        if measure == "completeness":
            yield Sample("completeness_ratio", float(value), labels)
        elif measure in {"seconds", "cpu_seconds"}:
            yield Sample(f"stage_{measure}", float(value), {"stage": field})
        else:
            yield Sample("measure", float(value), {"measure": measure, **labels})
