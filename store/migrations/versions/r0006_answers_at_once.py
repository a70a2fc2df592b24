"""Items with the same agreement may be answered at once, and such answers are kept together."""

import sqlalchemy as sa
from alembic import op

from store.migrations.versions.r0002_people_and_queues import POSTGRESQL, SQLITE
from store.state.tables import BATCHES

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring a database that was made before to what a new one has."""
    connection = op.get_bind()
    known = {column["name"] for column in sa.inspect(connection).get_columns("verdicts")}
    if "batch_id" not in known:
        op.execute("ALTER TABLE verdicts ADD COLUMN batch_id TEXT")
    BATCHES.create(connection, checkfirst=True)
    op.execute("CREATE INDEX verdicts_by_batch ON verdicts (batch_id) WHERE batch_id IS NOT NULL")
    if connection.dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(SQLITE.format(table="batches", verb=verb.lower()))
    else:
        op.execute(POSTGRESQL.format(table="batches"))


def downgrade() -> None:
    """Refused: there is no way back that keeps what was done."""
    raise NotImplementedError("the state database is not taken back; restore a backup instead")
