"""Describe how a source sends its records: one `feed.toml` per feed.

A feed is data. Adding a partner is one folder under `rules/feeds/` and no Python; what these
words cannot say becomes a new word for all feeds, with its tests.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from rules.base import Rule
from rules.fetch import Fetch, is_template

FIELDS = (
    "source_key",
    "full_name",
    "title",
    "first_name",
    "middle_name",
    "last_name",
    "suffix",
    "company",
    "job_title",
    "email",
    "email_2",
    "phone",
    "phone_2",
    "address",
    "address_line1",
    "address_line2",
    "house_number",
    "city",
    "region",
    "postcode",
    "country",
    "birth_date",
    "person_number",
    "gender",
    "language",
    "consent_email",
    "consent_phone",
    "consent_post",
    "campaign",
    "updated_at",
    "operation",
    "note",
)
"""The fields that a feed's columns may be mapped to, in the order in which they are shown."""

SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Format = Literal["csv", "json", "ndjson", "parquet", "xlsx"]
Channel = Literal["web_form", "bulk_list", "partner_feed", "direct_entry"]
Mode = Literal["append", "delta", "full"]
Origin = Annotated[str, StringConstraints(pattern=r"^(self|https?://[a-z0-9.\[\]:-]+)$")]

INTAKE_ID = "intake.id"
INTAKE_TIME = "intake.received_at"
"""The columns that the intake adds to each post: what it is called, and when it came."""


class ReadRule(Rule):
    """How the bytes become rows of text."""

    format: Format
    path: str = Field(description="glob below the inbox that this feed's deliveries match")
    delimiter: str | None = Field(None, description="CSV: one character; unset: found out")
    quote: str = '"'
    encoding: str | None = Field(None, description="unset: BOM, then UTF-8, then cp1252, stated")
    header: bool = Field(True, description="CSV, XLSX: whether the first row names the columns")
    header_row: int | None = Field(
        None, ge=1, description="CSV, XLSX: row number of the header; rows before it are preamble"
    )
    names: tuple[str, ...] = Field((), description="column names where there is no header")
    trailer: str | None = Field(
        None, description="regular expression; rows whose first cell matches are trailer, not data"
    )
    sheet: str | None = Field(None, description="XLSX: unset means the first sheet")
    records: str | None = Field(None, description="JSON: dotted path to the array of records")
    name_value_lists: dict[str, tuple[str, str]] = Field(
        default_factory=dict,
        description="JSON: lists of objects read as columns, e.g. answers = ['name', 'value'] "
        "turns [{'name': 'E-Mail', 'value': 'x'}] into a column 'answers.E-Mail'",
    )
    key: str | None = Field(
        None, description="a column (theirs) that every good row has; optional hint for repair"
    )


AddressPart = Literal[
    "line1",
    "line2",
    "city",
    "region",
    "region?",
    "postcode",
    "country",
    "postcode city",
    "city postcode",
    "region postcode",
]


class Parse(Rule):
    """How text becomes values, where the text alone does not say."""

    birth_date: str = Field("%Y-%m-%d", description="strptime format, or several joined by '|'")
    person_number: str | None = Field(
        None,
        pattern=r"^[a-z][a-z0-9_]{0,19}$",
        description="the kind of number that person_number is, e.g. us_ssn or loyalty; numbers are "
        "compared within one kind, so feeds that mean the same number say the same kind",
    )
    updated_at: str = Field(
        "iso", description="'iso', 'epoch_ms', 'epoch_s', strptime formats; several joined by '|'"
    )
    name_order: Literal["first_last", "last_first", "last_comma_first"] = "first_last"
    given_names: bool = Field(
        False, description="first_name holds all given names: the words after its first are others"
    )
    region: str | None = Field(
        None, pattern=r"^[A-Z]{2}$", description="ISO 3166 country when the record names none"
    )
    address_parts: tuple[AddressPart, ...] = Field(
        (),
        description="what the commas of a one-line address separate, e.g. line1, city, postcode; "
        "`region?` is two or three capitals that may be missing",
    )
    blank_means_erase: bool = Field(False, description="delta, full: a blank erases the old value")
    delete_values: tuple[str, ...] = Field(("delete", "d", "deleted"), description="of `operation`")
    true_values: tuple[str, ...] = ("true", "t", "yes", "y", "1", "ja", "oui", "si", "x")
    false_values: tuple[str, ...] = ("false", "f", "no", "n", "0", "nein", "non")


class Expect(Rule):
    """What a normal delivery looks like; outside of it the delivery is held for a person."""

    rows: tuple[int, int] | None = None
    withdrawn_share: float = Field(
        0.2, ge=0, le=1, description="full: hold when more than this share would be withdrawn"
    )
    quarantined_share: float = Field(
        0.5, ge=0, le=1, description="hold when more than this share of the rows cannot be read"
    )
    drift_share: float = Field(
        0.2, gt=0, le=1, description="tell when the share of a kind of cell moves by so much"
    )
    drift_new_share: float = Field(
        0.05,
        gt=0,
        le=1,
        description="tell when so many cells are of a kind that was ten times rarer",
    )
    drift_rows: int = Field(100, ge=1, description="fewer rows, now or before, tell nothing")
    drift_deliveries: int = Field(10, ge=1, description="how many earlier ones are compared with")
    hold_on_drift: bool = Field(False, description="hold what has drifted instead of telling it")


class IntakeRule(Rule):
    """How this feed is sent over HTTP, a post at a time; without it, it cannot be."""

    required: tuple[str, ...] = Field(
        (), description="ours that must be given and valid; 'email|phone' means one of them"
    )
    invalid: Literal["refuse", "accept"] = Field(
        "refuse", description="a contact point or date that is given and cannot be used"
    )
    max_bytes: int = Field(65_536, ge=1_024, le=1_048_576, description="of one post")
    per_minute: int = Field(6_000, ge=1, description="signed posts; more are told to wait")
    remember_hours: int = Field(72, ge=1, le=720, description="how long a repeat is known as one")
    origins: tuple[Origin, ...] = Field(
        (), description="pages that may post unsigned, 'self' or https://host; empty: none may"
    )
    unsigned_per_minute: int = Field(120, ge=1, description="unsigned posts of all visitors")
    visitor_per_minute: int = Field(6, ge=1, description="unsigned posts of one address")
    redirect: str | None = Field(
        None, pattern=r"^https?://[^\s/?#]+[^\s]*$", description="where an unsigned form leads to"
    )

    @model_validator(mode="after")
    def _required_are_ours(self) -> Self:
        named = {field for choice in self.required for field in choice.split("|")}
        if unknown := sorted(named - set(FIELDS)):
            raise ValueError(f"not a field of ours: {', '.join(unknown)}; choose from {FIELDS}")
        return self


class Feed(Rule):
    """One source, how it sends and how far it is trusted."""

    source: SourceName
    title: str
    channel: Channel
    mode: Mode = "append"
    owner: str
    trust: int = Field(ge=0, le=100, description="read by survivorship")
    campaign: str | None = Field(None, description="of every record, when no column says")
    duplicate_free: bool = Field(False, description="two keys of this source are two customers")
    read: ReadRule
    columns: dict[str, str] = Field(description="theirs = ours")
    constants: dict[str, str] = Field(default_factory=dict, description="ours = a fixed text")
    ignore: dict[str, str] = Field(default_factory=dict, description="theirs = why it is left")
    optional: tuple[str, ...] = Field((), description="columns that may be missing, e.g. of JSON")
    parse: Parse = Parse()
    expect: Expect = Expect()
    fetch: Fetch | None = Field(None, description="unset: the deliveries are brought to the inbox")
    intake: IntakeRule | None = None

    @model_validator(mode="after")
    def _columns_are_ours(self) -> Self:
        named = [*self.columns.values(), *self.constants]
        unknown = sorted(set(named) - set(FIELDS))
        if unknown:
            raise ValueError(f"not a field of ours: {', '.join(unknown)}; choose from {FIELDS}")
        if self.mode != "append" and "source_key" not in named:
            raise ValueError(f"mode {self.mode} needs a column mapped to source_key")
        return self

    @model_validator(mode="after")
    def _fetched_files_have_a_place(self) -> Self:
        fetch, folder = self.fetch, self.read.path.rpartition("/")[0]
        if fetch is None:
            return self
        if any(letter in folder for letter in "*?[]") or ".." in folder.split("/"):
            raise ValueError("[fetch] needs a [read] path whose folder has no wildcards")
        if fetch.kind == "rest":
            if not is_template(self.read.path):
                raise ValueError(
                    "[fetch] of pages needs a [read] path with one *, in its last part"
                )
            if self.read.format != "json" and (
                fetch.next or (self.read.format != "ndjson" and fetch.needs_records())
            ):
                raise ValueError("[fetch] can look into pages of JSON only")
            if self.mode == "full" and fetch.paging != "none":
                raise ValueError(
                    "mode full takes each page for all there is; choose delta or append"
                )
        return self

    @model_validator(mode="after")
    def _posts_can_be_read(self) -> Self:
        """What is acknowledged over HTTP must never be held at night for its form."""
        if self.intake is None:
            return self
        said = self.columns | dict.fromkeys(self.ignore, "")
        rows = self.expect.rows
        keys = {theirs for theirs, ours in self.columns.items() if ours == "source_key"}
        faults = {
            "needs [read] format 'ndjson'": self.read.format != "ndjson",
            "needs UTF-8": self.read.encoding not in {None, "utf-8"},
            f"needs {INTAKE_ID!r} = 'source_key'": said.get(INTAKE_ID) != "source_key",
            f"needs {INTAKE_TIME!r} mapped to updated_at, or ignored": (
                said.get(INTAKE_TIME) not in {"updated_at", ""}
            ),
            "names each column that it ignores, without a pattern": any(
                mark in name for name in self.ignore for mark in "*?["
            ),
            "expects one row or more, not more than one": rows is not None and rows[0] > 1,
            "cannot be a full dump": self.mode == "full",
            "lets no unsigned post choose a key or delete": bool(self.intake.origins)
            and (keys != {INTAKE_ID} or self.mode != "append"),
        }
        if wrong := [says for says, is_wrong in faults.items() if is_wrong]:
            raise ValueError(f"a feed with [intake] {'; '.join(wrong)}")
        return self
