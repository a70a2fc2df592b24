"""`touchstone steward`: the web app, which takes posts in.

The process becomes `python -m steward`: the app and the flows are neighbours that do not know each
other (an import would tie them), and one process is what a service manager can watch and stop.
"""

import argparse
import os
import sys

from store.settings import Settings


def options(parser: argparse.ArgumentParser) -> None:
    """Where to listen."""
    parser.add_argument("--host", help="where to listen (TOUCHSTONE_STEWARD_HOST)")
    parser.add_argument("--port", type=int, help="on which port (TOUCHSTONE_STEWARD_PORT)")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Become the app; this returns only if that cannot be done."""
    words = ["--data", str(settings.data), "--rules", str(settings.rules)]
    words += ["--host", arguments.host or settings.steward_host]
    port = settings.steward_port if arguments.port is None else arguments.port
    words += ["--port", str(port)]
    sys.stdout.flush()
    os.environ.setdefault("POLARS_MAX_THREADS", "1")  # of small frames
    os.execv(sys.executable, [sys.executable, "-P", "-m", "steward", *words])  # noqa: S606 - no shell
