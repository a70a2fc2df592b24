"""Law 7 by attack, the short version: `make chaos` has the long one."""

import subprocess
import sys
from pathlib import Path

from tests.flows.builders import environment


def test_what_is_struck_by_a_fault_is_whole_and_the_next_run_ends_as_if_nothing_had_been(
    tmp_path: Path,
) -> None:
    words = ["--only", "erase", "--kills", "1", "--faults", "1", "--others", "0", "--seed", "11"]

    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *words],
        env=environment() | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 faults, 0 of them broke a law" in done.stdout
    assert list(tmp_path.iterdir()) == []
