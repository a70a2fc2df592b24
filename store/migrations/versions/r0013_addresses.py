"""Who guesses passwords waits, by the address that they guess from."""

from alembic import op

from store.state.tables import ADDRESSES

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring a database that was made before to what a new one has."""
    ADDRESSES.create(op.get_bind(), checkfirst=True)


def downgrade() -> None:
    """Refused: there is no way back that keeps what was done."""
    raise NotImplementedError("the state database is not taken back; restore a backup instead")
