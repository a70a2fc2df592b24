"""Items are ordered by urgency: their priority and their day, which no clock has to touch again.

What a person said last is found without reading what all have said.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

THAT_WAIT = """CREATE INDEX items_that_wait ON items (urgency DESC, item_id, kind, state,
campaign_set, assigned_to, first_run, manager, manager_until)
WHERE state IN ('open', 'second_look')"""
SEEN_ONCE = """CREATE INDEX items_seen_once ON items (urgency DESC, item_id)
WHERE state = 'second_look'"""


def upgrade() -> None:
    """Bring a database that was made before to what a new one has."""
    known = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("items")}
    op.execute("DROP INDEX IF EXISTS items_that_wait")
    op.execute("DROP INDEX IF EXISTS items_seen_once")
    if "urgency" not in known:
        op.execute("ALTER TABLE items RENAME COLUMN priority TO urgency")
    op.execute(THAT_WAIT)
    op.execute(SEEN_ONCE)
    op.execute("CREATE INDEX verdicts_by_user ON verdicts (user_name, said_at)")


def downgrade() -> None:
    """Refused: there is no way back that keeps what was done."""
    raise NotImplementedError("the state database is not taken back; restore a backup instead")
