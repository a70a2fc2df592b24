"""Serve the app: `python -m steward`, which is what `touchstone steward` becomes."""

import argparse
import gc
import json
import logging
import sys
import time
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from steward.app import opened
from steward.desk.visit import Desk
from store.errors import TouchstoneError
from store.files import keep_private
from store.settings import Settings
from store.state.people import INVITATION_LASTS

MOST_CONNECTIONS = 1_000
STOP_SECONDS = 20
FIRST = "administrator"
"""What the first administrator is called."""


def main(words: list[str] | None = None) -> int:
    """Serve until told to stop; 1 when the app could not start."""
    keep_private()
    settings = _settings(words)
    _log_lines()
    sys.setswitchinterval(0.001)  # the thread that judges must not keep the others waiting
    try:
        with opened(settings) as app:
            _invite_first(app, settings)
            app.state.desk.ahead.start()
            return _serve(app, settings)
    except TouchstoneError as error:
        return _fail(str(error))
    except OSError as error:
        name = Path(error.filename).name if error.filename else "A file"
        return _fail(f"{name} cannot be used ({error.strerror}); mend this and start again.")
    except KeyboardInterrupt:
        return 0


def _serve(app: Starlette, settings: Settings) -> int:
    config = uvicorn.Config(
        app,
        host=settings.steward_host,
        port=settings.steward_port,
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=20,
        timeout_graceful_shutdown=STOP_SECONDS,
        h11_max_incomplete_event_size=16_384,
        lifespan="on",
    )
    server = uvicorn.Server(config)
    gc.freeze()  # what lasts as long as the app is no garbage: to look at it all takes 40 ms
    try:
        server.run()
    finally:
        gc.unfreeze()
    return 0 if server.started else 1


def _invite_first(app: Starlette, settings: Settings) -> None:
    """Nobody is known at the first start: print the link by which somebody becomes the first."""
    desk: Desk = app.state.desk
    token = desk.state.people.first_invitation(FIRST)
    if token is not None:
        sys.stderr.write(
            f"touchstone: nobody may sign in yet. The first administrator, {FIRST}, sets a "
            f"password at http://{settings.steward_host}:{settings.steward_port}/invitation/{token}"
            " (or at the same path of the desk's https address), once, within "
            f"{INVITATION_LASTS.days} days.\n"
        )


def _fail(says: str) -> int:
    sys.stderr.write(f"touchstone: {says}\n")
    return 1


def _settings(words: list[str] | None) -> Settings:
    parser = argparse.ArgumentParser(prog="touchstone steward")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--rules", type=Path)
    parser.add_argument("--host", dest="steward_host")
    parser.add_argument("--port", dest="steward_port", type=int)
    given = {
        name: value for name, value in vars(parser.parse_args(words)).items() if value is not None
    }
    return Settings(**given)


def _log_lines() -> None:
    """One JSON object a line on stderr, for a person as for a collector of logs."""
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("uvicorn.error").setLevel(logging.INFO)


class _JsonLines(logging.Formatter):
    """Requests are told as fields; everything else as a text."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        told: dict[str, object] = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if record.name == "touchstone.access":
            return json.dumps(told | json.loads(record.getMessage()))
        said = record.getMessage()
        if record.exc_info and record.exc_info[1]:
            said += f" ({record.exc_info[0].__name__})"
        return json.dumps(told | {"says": said})


if __name__ == "__main__":
    sys.exit(main())
