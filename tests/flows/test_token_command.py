"""`touchstone token`: a program's token is shown once, listed and taken back."""

import json
from pathlib import Path

import pytest

from flows.cli import main
from store.settings import Settings
from store.state.open import open_state

WORDS = ["--scope", "customers", "--scope", "match", "--purpose", "the shop"]


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(list(words))
    said = capsys.readouterr()
    return code, said.out + said.err


def test_a_token_is_shown_once_and_opens_until_it_is_revoked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(tmp_path)]
    run(capsys, "user", "add", "shop", "--role", "viewer", "--dataset", "crm", *data)
    made = json.loads(run(capsys, "token", "add", "shop", *WORDS, *data, "--json")[1])

    with open_state(Settings(data=tmp_path)) as state:
        bearer = state.tokens.bearer(made["token"])
        assert bearer is not None
        assert (bearer.user.datasets, bearer.scopes) == ({"crm"}, {"customers", "match"})
    listed = run(capsys, "token", "list", *data)[1]
    assert "the shop" in listed
    assert made["token"] not in listed
    assert run(capsys, "token", "revoke", made["token_id"], *data)[0] == 0
    with open_state(Settings(data=tmp_path)) as state:
        assert state.tokens.bearer(made["token"]) is None
        assert [one.action for one in state.audit.about(made["token_id"])] == [
            "token_added",
            "token_revoked",
        ]


def test_a_token_of_somebody_who_is_disabled_opens_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(tmp_path)]
    run(capsys, "user", "add", "shop", "--role", "administrator", *data)
    made = json.loads(run(capsys, "token", "add", "shop", *WORDS, *data, "--json")[1])

    run(capsys, "user", "disable", "shop", *data)

    with open_state(Settings(data=tmp_path)) as state:
        assert state.tokens.bearer(made["token"]) is None


def test_what_cannot_be_done_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path)]

    assert "no person called shop" in run(capsys, "token", "add", "shop", *WORDS, *data)[1]
    assert "no token 12345678" in run(capsys, "token", "revoke", "12345678", *data)[1]
    run(capsys, "user", "add", "shop", "--role", "viewer", *data)
    assert "1 to 366 days" in run(capsys, "token", "add", "shop", *WORDS, "--days", "0", *data)[1]
