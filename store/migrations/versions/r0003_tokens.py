"""Tokens of programs that ask the read API."""

from alembic import op

from store.state.tables import TOKENS

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, unless the revision before made it with all others."""
    TOKENS.create(op.get_bind(), checkfirst=True)


def downgrade() -> None:
    """Refused: there is no way back that keeps what was done."""
    raise NotImplementedError("the state database is not taken back; restore a backup instead")
