"""Settings in one place: typed, overridable by environment, printed by `touchstone doctor`."""

import os
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

import rules
from rules.limits import Limits
from store.nights import next_night

OUTBOX, PROGRAM = "outbox", "program:"
"""What sends codes to customers, as the setting says it."""

USUAL_MEMORY = "1GB"
"""What a database may take where nothing is set and no warehouse is large."""


class Settings(BaseSettings):
    """Where things lie and how much of the machine a run may use.

    Every field can be set by an environment variable `TOUCHSTONE_<NAME>`; the command line
    options `--data` and `--rules` win over both.
    """

    model_config = SettingsConfigDict(env_prefix="TOUCHSTONE_", extra="ignore", frozen=True)

    data: Path = Field(Path("data"), description="inbox, warehouse, decisions, snapshots")
    rules: Path = Field(Path(rules.__file__).parent, description="the folder of rule files")
    decisions_url: str | None = Field(
        None, description="SQLAlchemy URL of the decision log; unset: SQLite below data/"
    )
    snapshots_kept: int = Field(14, ge=1, description="published snapshots that are kept")
    threads: int = Field(default_factory=lambda: os.cpu_count() or 2, ge=1)
    nightly_niceness: int = Field(
        10,
        ge=0,
        le=19,
        description="of runs, audits and training, so that people go before; 0: off",
    )
    nightly_at: str | None = Field(
        None,
        description="when the night begins, for stewards to read: `02:15`, by the machine's "
        "clock, or `02:15 Europe/London`; unset: they read when the last one was",
    )
    memory_limit: str | None = Field(
        None,
        description="for each database that a run has open; unset: 1GB, and half of the "
        "warehouse's file where that is more, a quarter of the machine's memory at most",
    )
    secrets: Path | None = Field(
        None, description="a folder with a file for each secret that the environment does not have"
    )
    fetch_seconds: int = Field(1800, ge=0, description="for fetching from all partners in a night")
    dns: str | None = Field(
        None,
        description="who is asked whether a domain takes mail: `system` or an address such as "
        "192.0.2.53; unset: nobody is asked",
    )
    dns_seconds: int = Field(60, ge=0, description="for all questions of a night to DNS")
    dns_days: int = Field(30, ge=1, description="until a domain is asked again")
    intake_keys: Path | None = Field(
        None, description="folder of key files, <feed>.keys; unset: keys/ below data/"
    )
    steward_host: str = Field("127.0.0.1", description="where the steward app listens")
    steward_hosts: str = Field(
        "*",
        description="names by which the app is reached, with commas between them; `*`: any name",
    )
    steward_port: int = Field(8470, ge=0, le=65_535, description="its port")
    api_per_minute: int = Field(6_000, ge=1, description="questions of one token to the read API")
    api_costly_per_minute: int = Field(
        1_200, ge=1, description="searches and matches among them, each"
    )
    match_processes: int = Field(
        1, ge=0, le=16, description="that answer matches beside the app; 0: the app does it itself"
    )
    looks_wait: bool = Field(
        False, description="whether a look waits until the audit trail is on the disk, as all else"
    )
    alert_url: str | None = Field(
        None, description="where alerts are posted, signed; unset: nowhere"
    )
    alert_mail: str | None = Field(
        None, description="whom alerts are mailed to, by commas; unset: nobody"
    )
    mail_server: str = Field("127.0.0.1:25", description="host:port of the mail server")
    mail_from: str = Field("touchstone@localhost", description="who alerts are from")
    mail_user: str | None = Field(None, description="who signs in at the mail server")
    metrics_file: Path | None = Field(
        None, description="where each run writes its metrics, for Prometheus; unset: nowhere"
    )
    oidc_issuer: str | None = Field(
        None, description="the OpenID provider at which people sign in; unset: none"
    )
    oidc_client_id: str | None = Field(None, description="by which the provider knows this desk")
    oidc_name_claim: str = Field(
        "preferred_username", description="which of the provider's words is a person's name here"
    )
    shortest_password: int = Field(
        15, ge=8, le=64, description="characters that a new password has at least"
    )
    local_passwords: bool = Field(True, description="whether the desk takes passwords itself")
    code_sender: str | None = Field(
        None,
        description="who sends codes to customers: `outbox`, files below outbox/ in data/, or "
        "`program:PATH`, which is given each message as JSON; unset: nobody",
    )
    max_delivery_bytes: int = Field(10_000_000_000, ge=1, description="larger files are held")

    max_expanded_bytes: int = Field(10_000_000_000, ge=1, description="once unpacked")
    max_document_bytes: int = Field(
        1 << 28, ge=1, description="JSON, XLSX, packed Parquet: read whole"
    )
    max_rows: int = Field(200_000_000, ge=1, description="rows of one delivery")
    max_rejects: int = Field(1_000_000, ge=1, description="damaged rows of one delivery")
    max_columns: int = Field(500, ge=1, description="columns of one delivery")
    max_field_chars: int = Field(100_000, ge=1, le=131_072, description="of one value")
    max_nesting: int = Field(20, ge=1, le=100, description="of JSON")

    @field_validator("nightly_at")
    @classmethod
    def _is_an_hour(cls, text: str | None) -> str | None:
        if text is not None:
            next_night(text, datetime.now(UTC))
        return text

    @field_validator("code_sender")
    @classmethod
    def _is_a_sender(cls, text: str | None) -> str | None:
        if text is None or text == OUTBOX or text.startswith(PROGRAM):
            return text
        raise ValueError(f"nobody sends codes by {text}; choose `{OUTBOX}` or `{PROGRAM}PATH`")

    @property
    def limits(self) -> Limits:
        """What one delivery may cost."""
        return Limits(
            max_bytes=self.max_delivery_bytes,
            max_expanded_bytes=self.max_expanded_bytes,
            max_document_bytes=self.max_document_bytes,
            max_rows=self.max_rows,
            max_rejects=self.max_rejects,
            max_columns=self.max_columns,
            max_field_chars=self.max_field_chars,
            max_nesting=self.max_nesting,
        )

    @property
    def inbox(self) -> Path:
        """Where deliveries are dropped."""
        return self.data / "inbox"

    @property
    def spool(self) -> Path:
        """Where posts wait for the next run."""
        return self.data / "spool"

    @property
    def alerts(self) -> Path:
        """Where alerts wait until they are sent."""
        return self.data / "alerts"

    @property
    def outbox(self) -> Path:
        """Where messages to customers wait for whoever takes them."""
        return self.data / "outbox"

    @property
    def keys(self) -> Path:
        """Where the keys lie by which posts are signed."""
        return self.intake_keys or self.data / "keys"

    @property
    def raw(self) -> Path:
        """Where deliveries are kept, byte for byte."""
        return self.data / "raw"

    @property
    def work(self) -> Path:
        """Where an unfinished run keeps what it will not need afterwards."""
        return self.data / "work"

    @property
    def warehouse(self) -> Path:
        """The warehouse: the run is its only reader and writer."""
        return self.data / "warehouse.duckdb"

    @property
    def golden(self) -> Path:
        """The golden tables as the last run left them; snapshots are copies of it."""
        return self.data / "golden.duckdb"

    @property
    def before(self) -> Path:
        """Where tables that an earlier version wrote are kept until a run has ended well."""
        return self.data / "before-upgrade"

    @property
    def published(self) -> Path:
        """Where snapshots are published."""
        return self.data / "published"

    @property
    def reports(self) -> Path:
        """Where the page on each run is kept."""
        return self.data / "reports"

    @property
    def lock(self) -> Path:
        """The file whose lock is held by the one writer."""
        return self.data / "run.lock"

    @property
    def log_url(self) -> str:
        """The decision log's URL, by default an SQLite file below `data/`."""
        if self.decisions_url:
            return self.decisions_url
        return f"sqlite:///{(self.data / 'decisions' / 'decisions.sqlite').resolve()}"
