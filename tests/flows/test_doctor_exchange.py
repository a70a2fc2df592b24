"""The doctor looks at keys, secrets, host keys and the last fetch, and shows no secret."""

import json
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from flows.cli import main
from tests.flows.builders import Company, found

KEY = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU="
INTAKE = """[intake]
required = ["email"]
"""
SFTP = """[fetch]
kind = "sftp"
host = "sftp.acme.example"
user = "touchstone"
password = "ACME_PASSWORD"
folder = "/out"
"""


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return found(tmp_path / "company")


def say(company: Company, feed: str, text: str) -> None:
    with (company.settings.rules / "feeds" / feed / "feed.toml").open("a") as content:
        content.write(text)


def door(company: Company) -> None:
    """A feed of web forms beside the others."""
    folder = company.settings.rules / "feeds" / "door"
    folder.mkdir()
    (folder / "feed.toml").write_text(
        'source = "door"\ntitle = "Door"\nchannel = "web_form"\nowner = "o@example.org"\n'
        'trust = 50\n[read]\nformat = "ndjson"\npath = "door/*"\n'
        '[columns]\n"intake.id" = "source_key"\n"intake.received_at" = "updated_at"\n'
        'email = "email"\n' + INTAKE
    )


def examined(company: Company, capsys: pytest.CaptureFixture[str], about: str) -> dict[str, Any]:
    """What the doctor says of one thing."""
    places = ["--data", str(company.settings.data), "--rules", str(company.settings.rules)]
    capsys.readouterr()
    main(["doctor", "--json", *places])
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return next(check for check in told["checks"] if check["about"] == about)


def test_a_door_without_a_key_is_said(company: Company, capsys: pytest.CaptureFixture[str]) -> None:
    door(company)

    told = examined(company, capsys, "intake door")

    assert not told["is_well"]
    assert "TOUCHSTONE_INTAKE_KEYS_DOOR" in told["says"]


def test_a_door_with_a_key_of_its_own_is_well_and_the_key_is_not_shown(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    door(company)
    company.settings.keys.mkdir(parents=True)
    (company.settings.keys / "door.keys").write_text(KEY + "\n")
    (company.settings.keys / "door.keys").chmod(0o600)

    told = examined(company, capsys, "intake door")

    assert told == {
        "about": "intake door",
        "is_well": True,
        "says": "One key; unsigned posts are refused.",
    }


def test_keys_that_others_may_read_and_keys_of_no_feed_are_said(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    door(company)
    company.settings.keys.mkdir(parents=True)
    for name in ("door.keys", "dor.keys"):
        (company.settings.keys / name).write_text(KEY)
        (company.settings.keys / name).chmod(0o644)

    assert "chmod 600" in examined(company, capsys, "intake door")["says"]
    assert "called dor;" in examined(company, capsys, "intake keys")["says"]


def test_a_secret_and_a_host_key_that_are_missing_are_said(
    company: Company, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    say(company, "partner", SFTP)

    without_secret = examined(company, capsys, "fetch partner")
    monkeypatch.setenv("ACME_PASSWORD", "hunter2")
    without_host = examined(company, capsys, "fetch partner")
    key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    (company.settings.rules / "known_hosts").write_text(f"sftp.acme.example {key}")
    whole = examined(company, capsys, "fetch partner")

    assert "no secret ACME_PASSWORD" in without_secret["says"]
    assert "no key of sftp.acme.example, port 22" in without_host["says"]
    assert whole["says"] == "What it needs is there; nothing was fetched yet."
    assert "hunter2" not in json.dumps([without_host, whole])


def test_how_the_last_fetch_ended_is_said(
    company: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out"
    say(company, "partner", f'[fetch]\nkind = "folder"\nfolder = "{folder}"\n')
    company.night(1)
    missing = examined(company, capsys, "fetch partner")
    folder.mkdir()
    failed = examined(company, capsys, "fetch partner")
    company.night(2)
    well = examined(company, capsys, "fetch partner")

    assert "mend `folder`" in missing["says"]
    assert "The last fetch" in failed["says"]
    assert not failed["is_well"]
    assert "last fetched" in well["says"]
    assert well["is_well"]
