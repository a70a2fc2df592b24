"""`touchstone rebuild`: the same tables from raw deliveries, from nothing."""

import argparse

from flows.alerts import telling_of_failure
from flows.commands.nightly import moment, options, tell
from flows.nightly import rebuild
from flows.summary import Teller
from store.settings import Settings

__all__ = ["options", "run"]


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Make all tables anew and say what came of it."""
    with telling_of_failure(settings, "A rebuild"):
        night = rebuild(settings, moment(arguments.now), Teller(quiet=arguments.json))
    return tell(night, arguments)
