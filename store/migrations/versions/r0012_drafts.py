"""What is typed of a customer can be kept until it is complete."""

from alembic import op

from store.state.tables import DRAFTS

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring a database that was made before to what a new one has."""
    DRAFTS.create(op.get_bind(), checkfirst=True)


def downgrade() -> None:
    """Refused: there is no way back that keeps what was done."""
    raise NotImplementedError("the state database is not taken back; restore a backup instead")
