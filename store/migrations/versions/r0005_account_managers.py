"""Items know whose customers they are about, and to whom they went when they were past due."""

import sqlalchemy as sa
from alembic import op

from store.state.tables import ACCOUNT_SETS

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COLUMNS = (
    "account_set TEXT NOT NULL DEFAULT ''",
    "manager TEXT",
    "manager_until TEXT NOT NULL DEFAULT ''",
    "escalated_to TEXT",
)
INDEXES = (
    """CREATE INDEX items_counted ON items (kind, campaign_set, state, assigned_to, first_run,
version, item_id, manager, manager_until) WHERE state IN ('open', 'second_look')""",
    """CREATE INDEX items_by_due ON items (due_at, item_id)
WHERE state IN ('open', 'second_look')""",
)


def upgrade() -> None:
    """Bring a database that was made before to what a new one has."""
    connection = op.get_bind()
    known = {column["name"] for column in sa.inspect(connection).get_columns("items")}
    for column in COLUMNS:
        if column.partition(" ")[0] not in known:
            op.execute(f"ALTER TABLE items ADD COLUMN {column}")
    ACCOUNT_SETS.create(connection, checkfirst=True)
    op.execute("DROP INDEX items_counted")
    for statement in INDEXES:
        op.execute(statement)


def downgrade() -> None:
    """Refused: there is no way back that keeps what was done."""
    raise NotImplementedError("the state database is not taken back; restore a backup instead")
