"""Messages to customers go to the outbox or to a program, and nowhere else."""

import json
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from store.sending import KEPT_SECONDS, Message, SendingError, sender_of
from store.settings import Settings

MESSAGE = Message("email", "zoe@nagy.hu", "Your code is 123456.")


def program(folder: Path, text: str) -> Path:
    path = folder / "send"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return path


def test_nobody_sends_unless_it_is_said(tmp_path: Path) -> None:
    assert sender_of(Settings(data=tmp_path)) is None


def test_the_outbox_has_one_private_file_for_each_message(tmp_path: Path) -> None:
    sender = sender_of(Settings(data=tmp_path, code_sender="outbox"))
    assert sender is not None

    sender.send(MESSAGE)
    sender.send(MESSAGE)

    files = list((tmp_path / "outbox").iterdir())
    assert len(files) == 2
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert (tmp_path / "outbox").stat().st_mode & 0o777 == 0o700
    assert not any("zoe" in path.name or "123456" in path.name for path in files)
    assert json.loads(files[0].read_text("utf-8")) == MESSAGE._asdict()


def test_what_nobody_took_in_time_leaves_the_outbox(tmp_path: Path) -> None:
    sender = sender_of(Settings(data=tmp_path, code_sender="outbox"))
    assert sender is not None
    sender.send(MESSAGE)
    old = next((tmp_path / "outbox").iterdir())
    past = old.stat().st_mtime - KEPT_SECONDS - 1
    os.utime(old, (past, past))

    sender.send(MESSAGE)

    assert not old.exists()
    assert len(list((tmp_path / "outbox").iterdir())) == 1


def test_a_message_that_is_not_in_the_outbox_was_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, _: str) -> None:
        raise FileNotFoundError(path)

    sender = sender_of(Settings(data=tmp_path, code_sender="outbox"))
    assert sender is not None
    monkeypatch.setattr("store.sending.write_private", refuse)

    with pytest.raises(SendingError, match="cannot be put into the outbox"):
        sender.send(MESSAGE)


def test_a_program_is_given_the_message_and_says_whether_it_went(tmp_path: Path) -> None:
    good = program(tmp_path, f"cat > {tmp_path}/given")
    sender = sender_of(Settings(data=tmp_path, code_sender=f"program:{good}"))
    assert sender is not None
    sender.send(MESSAGE)
    program(tmp_path, "echo zoe@nagy.hu >&2; exit 3")

    with pytest.raises(SendingError) as refused:
        sender.send(MESSAGE)

    assert json.loads((tmp_path / "given").read_text("utf-8")) == MESSAGE._asdict()
    assert "zoe" not in str(refused.value)


def test_a_program_that_is_not_there_is_said_in_a_sentence(tmp_path: Path) -> None:
    sender = sender_of(Settings(data=tmp_path, code_sender=f"program:{tmp_path}/nowhere"))
    assert sender is not None

    with pytest.raises(SendingError, match="did not do so"):
        sender.send(MESSAGE)


def test_another_sender_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="nobody sends codes by pigeon"):
        Settings(data=tmp_path, code_sender="pigeon")
