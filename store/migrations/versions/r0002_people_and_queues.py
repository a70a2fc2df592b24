"""People, their sessions, the queues that they work and the audit trail."""

from alembic import op

from store.state.tables import METADATA

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEPT = ("audit", "seals", "verdicts", "comments")
"""Tables that are added to and never changed."""

SQLITE = """CREATE TRIGGER {table}_refuse_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is added to, never changed'); END"""

POSTGRESQL = """CREATE TRIGGER {table}_refuse_change BEFORE UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION decisions_refuse_change()"""

INDEXES = (
    "CREATE INDEX verdicts_by_item ON verdicts (item_id)",
    "CREATE INDEX comments_by_item ON comments (item_id)",
    "CREATE INDEX sessions_by_user ON sessions (user_name)",
    "CREATE INDEX claims_by_user ON claims (user_name)",
    "CREATE INDEX audit_by_subject ON audit (subject)",
)


def upgrade() -> None:
    """Create the tables and their indexes, and refuse changes of what is only added to.

    The tables are made as they are today; the revisions after this one change those that were
    made before.
    """
    connection = op.get_bind()
    METADATA.create_all(connection)
    for statement in INDEXES:
        op.execute(statement)
    is_sqlite = connection.dialect.name == "sqlite"
    for table in KEPT:
        if is_sqlite:
            for verb in ("UPDATE", "DELETE"):
                op.execute(SQLITE.format(table=table, verb=verb.lower()))
        else:
            op.execute(POSTGRESQL.format(table=table))


def downgrade() -> None:
    """Refused: there is no way back that keeps what was done."""
    raise NotImplementedError("the state database is not taken back; restore a backup instead")
