"""The decision log: one row per decision, added to and never changed."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""SQLite keeps a table in the order of its key only when the key is called INTEGER."""

SQLITE = (
    """CREATE TRIGGER decisions_refuse_update BEFORE UPDATE ON decisions
    BEGIN SELECT RAISE(ABORT, 'decisions are added to, never changed'); END""",
    """CREATE TRIGGER decisions_refuse_delete BEFORE DELETE ON decisions
    BEGIN SELECT RAISE(ABORT, 'decisions are added to, never deleted'); END""",
    # INSERT OR REPLACE deletes without asking the delete trigger, so an insert is asked too.
    """CREATE TRIGGER decisions_refuse_replace BEFORE INSERT ON decisions
    WHEN NEW.decision_id <> (SELECT coalesce(max(decision_id), 0) + 1 FROM decisions)
      OR EXISTS (SELECT 1 FROM decisions WHERE idempotency_key = NEW.idempotency_key)
    BEGIN SELECT RAISE(ABORT, 'decisions are added to, in order and once'); END""",
)

POSTGRESQL = (
    """CREATE FUNCTION decisions_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'decisions are added to, never changed or deleted'; END $$""",
    """CREATE TRIGGER decisions_refuse_update BEFORE UPDATE OR DELETE ON decisions
    FOR EACH ROW EXECUTE FUNCTION decisions_refuse_change()""",
    """CREATE TRIGGER decisions_refuse_truncate BEFORE TRUNCATE ON decisions
    FOR EACH STATEMENT EXECUTE FUNCTION decisions_refuse_change()""",
)

TRIGGERS = {"sqlite": SQLITE, "postgresql": POSTGRESQL}
"""What keeps the table append-only, whoever connects to it."""


def upgrade() -> None:
    """Create the table, its indexes and the triggers that refuse a change."""
    op.create_table(
        "decisions",
        sa.Column("decision_id", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("decided_at", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("item_id", sa.Text),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("snapshot_run_id", sa.Text),
        sa.Column("fingerprint", sa.Text),
        sa.Column("idempotency_key", sa.Text, nullable=False, unique=True),
    )
    op.create_index("decisions_by_item", "decisions", ["item_id"])
    for statement in TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """Refused: there is no way back that keeps the decisions."""
    raise NotImplementedError("a decision log is not taken back; restore a backup instead")
