"""Write what was measured as Markdown tables; `results` is what bench-data/results.json holds."""

from collections.abc import Callable, Iterator
from typing import Any

Results = dict[str, Any]
"""By part: full, increment, quiet, contacts, five. `Any` is whatever JSON can hold."""


def write_report(results: Results) -> str:
    """All tables, in the order of docs/benchmarks.md."""
    parts = {
        "full": _full,
        "increment": _increment,
        "quiet": _quiet,
        "contacts": _contacts,
        "five": _five,
    }
    lines = [line for name, part in parts.items() if name in results for line in part(results)]
    return "\n".join(lines).strip()


def _full(results: Results) -> Iterator[str]:
    full = results["full"]
    ours, theirs = full["ours"], full["reference"]
    yield from _head(
        f"A first night of {full['records']:,} records, median of {full['runs']}",
        ["", "Touchstone", "reference", "ratio"],
    )
    yield _row(
        "CPU seconds",
        f"{ours['cpu_seconds']:.1f}",
        f"{theirs['cpu_seconds']:.1f}",
        _ratio(ours["cpu_seconds"], theirs["cpu_seconds"]),
    )
    yield _row("peak memory, MiB", f"{ours['peak_mb']:,}", f"{theirs['peak_mb']:,}", "")
    for name in ("precision", "recall", "f1"):
        yield _row(f"pairwise {name}", f"{full['score'][name]:.4f}", f"{theirs['score'][name]:.4f}")
    yield from _stages("Its stages", ours)
    yield from _stages("The reference's phases", theirs)


def _increment(results: Results) -> Iterator[str]:
    part = results["increment"]
    first, second = part["first"], part["second"]
    yield from _head(
        f"A second night of {part['new_records']:,} new records on {part['records']:,}, "
        f"median of {part['runs']}",
        ["CPU seconds", "first night", "second night", "ratio"],
    )
    for name, says in {
        "cpu_seconds": "whole run",
        "without_copy": "without copying the snapshot",
        "without_publish": "without the stage publish",
        "copy": "copying the snapshot, on its own",
    }.items():
        a, b = first[name], second[name]
        yield _row(says, f"{a:.2f}", f"{b:.2f}", "" if name == "copy" else _ratio(b, a))
    yield _row("peak memory, MiB", f"{first['peak_mb']:,}", f"{second['peak_mb']:,}")
    yield ""
    yield f"Pairwise F1 of all records after the second night: {part['score']['f1']:.4f}."
    yield from _stages("Its stages", second)


def _quiet(results: Results) -> Iterator[str]:
    part = results["quiet"]
    title = f"A night with nothing new on {part['records']:,} records, median of {part['runs']}"
    yield from _head(title, ["", ""])
    yield _row("CPU seconds", f"{part['night']['cpu_seconds']:.2f}")
    yield _row("peak memory, MiB", f"{part['night']['peak_mb']:,}")
    for name, value in part["counters"].items():
        yield _row(f"`{name}`", f"{value:,}")


def _contacts(results: Results) -> Iterator[str]:
    parts = results["contacts"]
    yield from _head("Phones and e-mails", ["CPU seconds", *parts])
    rows: dict[str, Callable[[dict[str, Any]], str]] = {
        "distinct values": lambda part: f"{part['values']:,}",
        "of them valid": lambda part: f"{part['valid']:.0%}",
        "ours, first call": lambda part: f"{part['first_call']:.2f}",
        "ours, later calls": lambda part: f"{part['ours']:.2f}",
        "library, the same columns": lambda part: f"{part['library']:.1f}",
        "ratio": lambda part: _ratio(part["ours"], part["library"]),
        "library, normal form alone": lambda part: f"{part['library_bare']:.1f}",
        "ratio to that": lambda part: _ratio(part["ours"], part["library_bare"]),
        "values that ours asked the library": lambda part: f"{part['asked']:,}",
        "differences": lambda part: f"{part['differences']:,}",
    }
    for says, shown in rows.items():
        yield _row(says, *map(shown, parts.values()))


def _five(results: Results) -> Iterator[str]:
    part = results["five"]
    night = part["night"]
    yield from _head(f"A first night of {part['records']:,} records, once", ["", ""])
    yield _row("CPU seconds", f"{night['cpu_seconds']:.1f}")
    yield _row("peak memory, MiB", f"{night['peak_mb']:,}")
    yield _row("pairwise F1", f"{part['score']['f1']:.4f}")
    if "full" in results:
        full = results["full"]
        times = night["cpu_seconds"] / full["ours"]["cpu_seconds"]
        yield _row(f"CPU of a first night of {full['records']:,}", f"× {times:.2f}")
    yield from _stages("Its stages", night)


def _stages(title: str, night: dict[str, Any]) -> Iterator[str]:
    """A table of stages; what is in none of them is the start, the rules and the end."""
    yield from _head(title, ["stage", "CPU seconds", "seconds", "peak memory, MiB"], level=3)
    for name, cost in night["stages"].items():
        cpu, wall = f"{cost['cpu_seconds']:.2f}", f"{cost['seconds']:.2f}"
        yield _row(name, cpu, wall, f"{cost['peak_mb']:,}")
    outside = night["cpu_seconds"] - sum(cost["cpu_seconds"] for cost in night["stages"].values())
    if outside > 0.1:
        yield _row("start and end", f"{outside:.2f}")


def _head(title: str, columns: list[str], level: int = 2) -> Iterator[str]:
    yield from ("", f"{'#' * level} {title}", "", _row(*columns))
    yield _row(*["---", *["---:"] * (len(columns) - 1)])


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _ratio(part: float, whole: float) -> str:
    return f"1 / {whole / part:.1f}"
