"""The tables of the state database beside the decision log.

Text and numbers only, and moments as ISO 8601 texts in UTC, so that both databases hold the same.
"""

import sqlalchemy as sa

METADATA = sa.MetaData()

USERS = sa.Table(
    "users",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text),
    sa.Column("is_active", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("wait_until", sa.Text),
    sa.Column("preferences", sa.Text, nullable=False),
)
"""One row per person who may sign in; people are made inactive, never deleted."""

ADDRESSES = sa.Table(
    "addresses",
    METADATA,
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("failed_at", sa.Text, nullable=False),
    sa.Column("wait_until", sa.Text),
)
"""One row per address from which a wrong password came lately, by its digest."""

GRANTS = sa.Table(
    "grants",
    METADATA,
    sa.Column("user_name", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
)
"""One row per campaign, dataset, function or account that a person has."""

SESSIONS = sa.Table(
    "sessions",
    METADATA,
    sa.Column("token_digest", sa.Text, primary_key=True),
    sa.Column("user_name", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("seen_at", sa.Text, nullable=False),
    sa.Column("device", sa.Text, nullable=False),
)
"""One row per open session; the token itself is with the browser alone."""

INVITATIONS = sa.Table(
    "invitations",
    METADATA,
    sa.Column("token_digest", sa.Text, primary_key=True),
    sa.Column("user_name", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text, nullable=False),
)
"""One row per link by which a person sets a password, once."""

TOKENS = sa.Table(
    "tokens",
    METADATA,
    sa.Column("token_digest", sa.Text, primary_key=True),
    sa.Column("token_id", sa.Text, nullable=False, unique=True),
    sa.Column("user_name", sa.Text, nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text, nullable=False),
    sa.Column("revoked_at", sa.Text),
)
"""One row per token with which a program asks the read API as a person; the token itself is with
the program alone."""

ITEMS = sa.Table(
    "items",
    METADATA,
    sa.Column("item_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("urgency", sa.Float, nullable=False),
    sa.Column("opened_at", sa.Text, nullable=False),
    sa.Column("due_at", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("assigned_to", sa.Text),
    sa.Column("first_run", sa.Integer, nullable=False),
    sa.Column("campaign_set", sa.Text, nullable=False),
    sa.Column("account_set", sa.Text, nullable=False, server_default=""),
    sa.Column("manager", sa.Text),
    sa.Column("manager_until", sa.Text, nullable=False, server_default=""),
    sa.Column("escalated_to", sa.Text),
)
"""One row per review item that a run published; it shows from `first_run` on. What it asks about is
in the snapshot: no values of customers here."""

CAMPAIGN_SETS = sa.Table(
    "campaign_sets",
    METADATA,
    sa.Column("campaign_set", sa.Text, primary_key=True),
    sa.Column("campaign", sa.Text, primary_key=True),
)
"""One row per campaign of each set of campaigns that the records of an item have; a record of none
has ''. There are few sets, so that a question of scope is asked of few rows, not of all items."""

ACCOUNT_SETS = sa.Table(
    "account_sets",
    METADATA,
    sa.Column("account_set", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, primary_key=True),
)
"""One row per campaign (`campaign:NAME`) and source (`source:NAME`) of each set of those that the
customers of an item have: by them an account manager is found."""

ITEM_CUSTOMERS = sa.Table(
    "item_customers",
    METADATA,
    sa.Column("customer_id", sa.Text, primary_key=True),
    sa.Column("item_id", sa.Text, primary_key=True),
)
"""One row per customer that an item is about, and per id that such a customer had before: by them
the manager of one customer is found."""

CLAIMS = sa.Table(
    "claims",
    METADATA,
    sa.Column("item_id", sa.Text, primary_key=True),
    sa.Column("user_name", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text, nullable=False),
)
"""One row per item that somebody has before them."""

SKIPS = sa.Table(
    "skips",
    METADATA,
    sa.Column("item_id", sa.Text, primary_key=True),
    sa.Column("user_name", sa.Text, primary_key=True),
    sa.Column("until", sa.Text, nullable=False),
)
"""One row per item that a person does not want to see for a while."""

ASKS = sa.Table(
    "asks",
    METADATA,
    sa.Column("item_id", sa.Text, primary_key=True),
    sa.Column("user_name", sa.Text, nullable=False),
    sa.Column("asked_at", sa.Text, nullable=False),
    sa.Column("until", sa.Text, nullable=False),
)
"""One row per item whose customer was asked: nobody is handed it before `until`."""

ENTRIES = sa.Table(
    "entries",
    METADATA,
    sa.Column("item_id", sa.Text, primary_key=True),
    sa.Column("entry_id", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("campaign", sa.Text, nullable=False),
    sa.Column("user_name", sa.Text, nullable=False),
    sa.Column("asked_at", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("record_id", sa.Text, nullable=False),
    sa.Column("is_entered", sa.Integer, nullable=False),
)
"""One row per entry that equals a customer and was handed to a steward, with what was typed; blank
from the run on that follows the answer. It holds values, so an erasure looks here too."""

DRAFTS = sa.Table(
    "drafts",
    METADATA,
    sa.Column("user_name", sa.Text, primary_key=True),
    sa.Column("draft_id", sa.Text, primary_key=True),
    sa.Column("saved_at", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
)
"""One row per customer whom somebody has begun to type. It holds values, so an erasure looks here
too."""

CODES = sa.Table(
    "codes",
    METADATA,
    sa.Column("code_id", sa.Text, primary_key=True),
    sa.Column("user_name", sa.Text, nullable=False),
    sa.Column("contact", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("records", sa.Text, nullable=False),
    sa.Column("back", sa.Text, nullable=False),
    sa.Column("code_hash", sa.Text, nullable=False),
    sa.Column("asked_at", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
)
"""One row per code that was sent to a contact point, which stands here by its digest alone, as does
the code by its hash."""

VERDICTS = sa.Table(
    "verdicts",
    METADATA,
    sa.Column("verdict_id", sa.Text, primary_key=True),
    sa.Column("item_id", sa.Text, nullable=False),
    sa.Column("item_version", sa.Integer, nullable=False),
    sa.Column("user_name", sa.Text, nullable=False),
    sa.Column("said_at", sa.Text, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("because", sa.Text, nullable=False),
    sa.Column("decision_id", sa.BigInteger),
    sa.Column("batch_id", sa.Text),
    sa.UniqueConstraint("item_id", "item_version", "user_name"),
)
"""One row per answer to an item; what two people must agree on has two before it is a decision."""

BATCHES = sa.Table(
    "batches",
    METADATA,
    sa.Column("batch_id", sa.Text, primary_key=True),
    sa.Column("first_batch_id", sa.Text, nullable=False),
    sa.Column("user_name", sa.Text, nullable=False),
    sa.Column("said_at", sa.Text, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("because", sa.Text, nullable=False),
    sa.Column("pattern", sa.Text, nullable=False),
)
"""One row per answer to many items at once; a second person's names the first one."""

COMMENTS = sa.Table(
    "comments",
    METADATA,
    sa.Column("comment_id", sa.Text, primary_key=True),
    sa.Column("item_id", sa.Text, nullable=False),
    sa.Column("user_name", sa.Text, nullable=False),
    sa.Column("said_at", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)
"""One row per comment on an item."""

LIVE = sa.Table(
    "live",
    METADATA,
    sa.Column("only", sa.Integer, primary_key=True),
    sa.Column("run_number", sa.Integer, nullable=False),
    sa.Column("switched_at", sa.Text, nullable=False),
)
"""One row: the run whose queue and snapshot are shown."""

AUDIT = sa.Table(
    "audit",
    METADATA,
    sa.Column("audit_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("user_name", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
)
"""One row per look at personal data and per change; ids, never values."""

SEALS = sa.Table(
    "seals",
    METADATA,
    sa.Column("last_audit_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("sealed_at", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
)
"""One row per sealed stretch of the audit: a digest of its rows and of the seal before."""
