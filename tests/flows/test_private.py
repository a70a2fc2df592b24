"""What lies below the data folder is its owner's alone, and nights go forwards in time."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from store.errors import TouchstoneError
from tests.flows.builders import environment, found, person, placed

ANN = person("Ann", "Ashworth", email="ann@example.com", phone="020 7946 0123", news="yes")
TIME = "2026-03-02T02:15:00+00:00"
ROLE = ("--role", "viewer")
OPEN_TO_ALL = """
import json, os, sys
from flows.cli import main
for words in sys.argv[1:]:
    os.umask(0)
    print(main(json.loads(words)))
"""


def test_nothing_below_the_data_folder_is_open_to_others_whatever_the_umask(
    tmp_path: Path,
) -> None:
    company = found(tmp_path)
    company.drop("forms", [ANN])
    commands = (["nightly", "--now", TIME], ["erase", "forms:none"], ["user", "add", "anna", *ROLE])

    subprocess.run(
        [sys.executable, "-c", OPEN_TO_ALL, *(json.dumps(placed(company, *c)) for c in commands)],
        env=environment(), check=True, capture_output=True,
    )  # fmt: skip

    data = company.settings.data
    made = [path for path in data.rglob("*") if "inbox" not in path.relative_to(data).parts]
    kinds = {path: stat.S_IMODE(path.lstat().st_mode) for path in made if not path.is_symlink()}
    assert company.ask("select count(*) from customers").item() == 1
    assert {path.name: oct(mode) for path, mode in kinds.items() if mode & 0o077} == {}


def test_a_run_before_the_last_one_is_refused_in_one_sentence(tmp_path: Path) -> None:
    company = found(tmp_path)
    company.night(2)

    with pytest.raises(TouchstoneError, match="would be before the last one, which was at 2026"):
        company.night(1)

    assert company.ask("select count(*) from runs").item() == 1
