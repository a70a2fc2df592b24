"""Items know their customers, so that one customer can have an account manager."""

from alembic import op

from store.state.tables import ITEM_CUSTOMERS

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring a database that was made before to what a new one has; the next run fills it."""
    ITEM_CUSTOMERS.create(op.get_bind(), checkfirst=True)


def downgrade() -> None:
    """Refused: there is no way back that keeps what was done."""
    raise NotImplementedError("the state database is not taken back; restore a backup instead")
