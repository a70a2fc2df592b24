"""Items know the set of campaigns that their records have."""

import sqlalchemy as sa
from alembic import op

from store.state.tables import CAMPAIGN_SETS

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COUNTED = """CREATE INDEX items_counted ON items
(kind, campaign_set, state, assigned_to, first_run, version, item_id)
WHERE state IN ('open', 'second_look')"""


def upgrade() -> None:
    """Bring a database that was made before to what a new one has."""
    connection = op.get_bind()
    if "campaign_set" not in {
        column["name"] for column in sa.inspect(connection).get_columns("items")
    }:
        _add_sets(connection)
    op.execute(COUNTED)


def downgrade() -> None:
    """Refused: there is no way back that keeps what was done."""
    raise NotImplementedError("the state database is not taken back; restore a backup instead")


def _add_sets(connection: sa.Connection) -> None:
    CAMPAIGN_SETS.create(connection)
    op.execute("DROP INDEX items_in_order")
    op.execute("ALTER TABLE items ADD COLUMN campaign_set TEXT NOT NULL DEFAULT ''")
    query = "SELECT item_id, campaign FROM item_campaigns ORDER BY item_id, campaign"
    campaigns: dict[str, list[str]] = {}
    for item_id, campaign in connection.execute(sa.text(query)):
        campaigns.setdefault(item_id, []).append(campaign)
    named = {item_id: ("\x1f".join(sorted(some)), some) for item_id, some in campaigns.items()}
    rows = {(name, one) for name, some in named.values() for one in some} | {("", "")}
    connection.execute(
        sa.insert(CAMPAIGN_SETS), [{"campaign_set": name, "campaign": one} for name, one in rows]
    )
    if named:
        connection.execute(
            sa.text("UPDATE items SET campaign_set = :name WHERE item_id = :item_id"),
            [{"item_id": item_id, "name": name} for item_id, (name, _) in named.items()],
        )
    op.execute("DROP TABLE item_campaigns")
