"""An entry that equals a customer can wait for a steward."""

from alembic import op

from store.state.tables import ENTRIES

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring a database that was made before to what a new one has."""
    ENTRIES.create(op.get_bind(), checkfirst=True)


def downgrade() -> None:
    """Refused: there is no way back that keeps what was done."""
    raise NotImplementedError("the state database is not taken back; restore a backup instead")
