"""A real PostgreSQL beside SQLite, for what must work on both."""

import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

POSTGRESQL = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


@pytest.fixture(scope="session")
def postgresql_socket() -> Iterator[Path]:
    """Start a PostgreSQL of our own that listens on a socket in its folder and nowhere else."""
    if POSTGRESQL is None:
        why = "NOT TESTED ON POSTGRESQL: needs PostgreSQL"
        if os.environ.get("TOUCHSTONE_REQUIRE_POSTGRESQL"):
            pytest.fail(why)
        pytest.skip(why)
    folder = Path(tempfile.mkdtemp(prefix="touchstone-postgresql-"))
    runuser = shutil.which("runuser", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    run = [runuser or "runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if run:
        shutil.chown(folder, "postgres")
    cluster = str(folder / "cluster")
    control = [*run, str(POSTGRESQL / "pg_ctl"), "-D", cluster, "-w"]
    options = f"-c listen_addresses='' -c unix_socket_directories={folder}"
    make = [*run, str(POSTGRESQL / "initdb"), "-D", cluster, "-A", "trust", "-U", "postgres"]
    try:
        subprocess.run([*make, "-E", "UTF8"], check=True, capture_output=True, cwd="/")
        start = [*control, "-o", options, "-l", str(folder / "log"), "start"]
        subprocess.run(start, check=True, capture_output=True, cwd="/")
        yield folder
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True)
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where a new log may be made, on each of the databases."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/decisions/decisions.db"
    socket = request.getfixturevalue("postgresql_socket")
    server = f"postgresql+pg8000://postgres@/postgres?unix_sock={socket}/.s.PGSQL.5432"
    name = f"log_{random.SystemRandom().randrange(10**12)}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return server.replace("/postgres?", f"/{name}?")
