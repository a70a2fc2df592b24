"""What is dear to make and all processes that test side by side have in common."""

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.flows.builders import Company, company_in


class Shared:
    """A folder of all processes that test: what is in it was made once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def once(self, name: str, make: Callable[[Path], object]) -> Path:
        """The folder of this name; who asks for it first fills it, and the others wait."""
        home = self.folder / name
        done = home.with_suffix(".done")
        with home.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(home, ignore_errors=True)
                make(home)
                done.touch()
        return home

    def company(self, make: Callable[[Path], Company], folder: Path) -> Company:
        """A copy of the company that `make` makes, in `folder`, to be worked on."""
        return company_in(self.once(make.__name__, make)).twin(folder)
