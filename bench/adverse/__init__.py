"""Hostile deliveries at full size, each made when it is asked for."""

from functools import cache
from multiprocessing import get_context
from pathlib import Path

from bench.adverse.files import file_kinds
from bench.adverse.kind import Kind
from bench.adverse.tables import table_kinds
from bench.adverse.texts import text_kinds


def adverse_kinds() -> list[Kind]:
    """Every kind there is."""
    return [*file_kinds(), *table_kinds(), *text_kinds()]


def make_aside(file: str, path: Path) -> None:
    """Make a file of ours in a process of its own.

    A night begins with the most memory that whoever starts it ever held, and some files take
    gigabytes to make.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(["bench.adverse"])
    process = context.Process(target=_make, args=(file, path))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{file} could not be made; what went wrong stands above.")


def _make(file: str, path: Path) -> None:
    _kinds()[file].make(path)


@cache
def _kinds() -> dict[str, Kind]:
    return {kind.file: kind for kind in adverse_kinds()}
