"""Create and upgrade the tables of the state database."""

import logging
from pathlib import Path

from sqlalchemy import Connection, inspect, text

REVISIONS = tuple(f"{number:04}" for number in range(1, 14))
"""Every revision, oldest first. Kept here so that opening an up-to-date database is one
look at one row: loading Alembic for it would take longer than everything else."""


class NewerDatabaseError(Exception):
    """The tables were made by a later version of this program."""


def upgrade(connection: Connection) -> None:
    """Bring the tables to the last revision, inside the connection's own transaction."""
    revision = _revision(connection)
    if revision == REVISIONS[-1]:
        return
    if revision is not None and revision not in REVISIONS:
        raise NewerDatabaseError(revision)
    _run_migrations(connection)


def is_up_to_date(connection: Connection) -> bool:
    """Whether the tables are of the last revision."""
    return _revision(connection) == REVISIONS[-1]


def older_revision(connection: Connection) -> str | None:
    """The revision of a database that an earlier version made; none where it is new or of today."""
    revision = _revision(connection)
    return revision if revision in REVISIONS[:-1] else None


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _run_migrations(connection: Connection) -> None:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
