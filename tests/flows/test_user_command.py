"""`touchstone user`: people are added, changed and listed from the command line."""

import json
from pathlib import Path

import pytest

from flows.cli import main


def user(data: Path, *words: str) -> int:
    return main(["user", *words, "--data", str(data)])


def test_a_person_is_added_with_a_link_that_works_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = user(tmp_path, "add", "ann", "--role", "editor", "--campaign", "spring", "--json")

    told = json.loads(capsys.readouterr().out)
    assert code == 0
    assert told["campaigns"] == ["spring"]
    assert told["invitation"].startswith("/invitation/")


def test_what_is_not_given_stays_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    user(tmp_path, "add", "ann", "--role", "editor", "--campaign", "spring")

    user(tmp_path, "change", "ann", "--function", "data_steward")
    user(tmp_path, "disable", "ann")

    capsys.readouterr()
    user(tmp_path, "list")
    says = capsys.readouterr().out
    assert says == ("ann: editor (cannot sign in); functions data_steward; campaigns spring\n")


@pytest.mark.parametrize("action", ["change", "disable", "invite"])
def test_an_unknown_person_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], action: str
) -> None:
    code = user(tmp_path, action, "bob")

    assert code == 1
    assert "There is no person called bob" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["add", "ann"], ["add"], ["invite"]])
def test_words_that_are_missing_are_asked_for(tmp_path: Path, words: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        user(tmp_path, *words)

    assert stop.value.code == 2
