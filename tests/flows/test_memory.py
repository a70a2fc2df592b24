"""A night that changes little of a large warehouse works in little memory, or in all there is."""

import os
from pathlib import Path

import pytest

from flows import line
from flows.line import spare_memory
from flows.run import Run
from store.warehouse import Warehouse
from tests.flows.builders import Company, differences, found, person


def two_nights(folder: Path) -> Company:
    company = found(folder)
    company.drop(
        "forms", [person("Margaret", "Miller", email="margaret@millers.org")], name="first"
    )
    company.night(1)
    company.drop("forms", [person("Robert", "Miller", email="robert@millers.org")], name="later")
    company.night(2)
    return company


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """As it comes out with all the memory there is."""
    return two_nights(tmp_path_factory.mktemp("usual"))


def limits_of(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The memory that each stage was given."""
    given = []

    def note(run: Run, opened: Warehouse) -> Run:
        spared = spare_memory(run, opened)
        given.append(spared.settings.memory_limit)
        return spared

    monkeypatch.setattr(line, "spare_memory", note)
    return given


def test_a_night_that_changes_little_of_a_large_warehouse_has_less_memory_and_ends_the_same(
    usual: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.warehouse._SMALL", 0)
    given = limits_of(monkeypatch)

    spared = two_nights(tmp_path / "spared")

    second = given[8:]
    assert second == ["1GB", *["268435456B"] * 7]
    assert differences(usual.tables(), spared.tables()) == {}


def test_a_stage_that_takes_more_memory_than_it_was_left_has_all_there_is(
    usual: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.warehouse._SMALL", 0)
    monkeypatch.setattr(line, "_LEAST", 1)
    given = limits_of(monkeypatch)

    short = two_nights(tmp_path / "short")

    assert min(int(limit.removesuffix("B")) for limit in given[9:]) < 10_000_000
    assert differences(usual.tables(), short.tables()) == {}


@pytest.mark.parametrize(
    ("held", "machine", "limit"),
    [
        (0, 24 * 10**9, "1GB"),
        (2 * 10**9, 24 * 10**9, "1GB"),
        (5 * 10**9, 24 * 10**9, "2500000000B"),
        (100 * 10**9, 24 * 10**9, "6000000000B"),
        (100 * 10**9, 2 * 10**9, "1GB"),
    ],
)
def test_a_large_warehouse_has_more_memory_as_far_as_the_machine_has_it(
    held: int, machine: int, limit: str
) -> None:
    assert line.memory_for(held, machine) == limit


@pytest.mark.parametrize(("said", "machine"), [("1000\n", 1000), ("max\n", None), (None, None)])
def test_a_container_may_have_less_memory_than_its_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None, machine: int | None
) -> None:
    if said is not None:
        (tmp_path / "memory.max").write_text(said)
    monkeypatch.setattr(line, "_CONTAINER", tmp_path / "memory.max")

    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert line._machine_bytes() == (machine or whole)


def test_nobody_has_more_memory_than_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "memory_for", lambda held, machine: "900MB")
    given = limits_of(monkeypatch)

    two_nights(tmp_path / "unsaid")
    monkeypatch.setenv("TOUCHSTONE_MEMORY_LIMIT", "300MB")
    two_nights(tmp_path / "said")

    assert given == [*["900MB"] * 16, *["300MB"] * 16]


@pytest.mark.parametrize(
    ("said", "size"),
    [("1GB", 10**9), ("1.5 GiB", 3 << 29), ("800mb", 800 * 10**6), ("80%", None)],
)
def test_sizes_are_read_as_duckdb_reads_them(said: str, size: int | None) -> None:
    assert line._bytes_of(said) == size
