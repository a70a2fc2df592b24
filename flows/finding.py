"""What one check of an installation found."""

from collections.abc import Callable
from typing import NamedTuple

import duckdb

from store.errors import DecisionLogError, TouchstoneError


class Finding(NamedTuple):
    """What one check found."""

    about: str
    is_well: bool
    says: str


def attempt(about: str, check: Callable[[], str]) -> Finding:
    """Run one check; what it raises says what is wrong."""
    try:
        return Finding(about, True, check())
    except (TouchstoneError, DecisionLogError) as error:
        return Finding(about, False, str(error))
    except (OSError, duckdb.Error) as error:
        return Finding(about, False, f"It cannot be read: {str(error).splitlines()[0]}")
