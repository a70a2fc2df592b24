"""One run writes at a time."""

import os
from pathlib import Path

import pytest

from store.errors import TouchstoneError
from store.lock import one_writer


def test_a_second_writer_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    with (
        one_writer(tmp_path / "run.lock"),
        pytest.raises(TouchstoneError, match=f"process {os.getpid()}"),
        one_writer(tmp_path / "run.lock"),
    ):
        pass


def test_the_lock_is_free_when_its_holder_failed(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), one_writer(tmp_path / "run.lock"):
        raise ZeroDivisionError

    with one_writer(tmp_path / "run.lock"):
        assert (tmp_path / "run.lock").read_text() == f"{os.getpid()}\n"


def test_the_lock_of_a_process_that_was_killed_is_free(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        one_writer(tmp_path / "run.lock").__enter__()
        os._exit(9)
    os.waitpid(child, 0)

    with one_writer(tmp_path / "run.lock"):
        assert (tmp_path / "run.lock").exists()


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(TouchstoneError, match="--data"), one_writer(tmp_path / "no" / "run.lock"):
        pass

    assert not (tmp_path / "no").exists()
