"""The tables of the warehouse, a schema for each stage, written by that stage alone."""

WAREHOUSE = """
create schema ledger; create schema ingest; create schema std; create schema valid;
create schema quarantine; create schema verify; create schema match; create schema cluster;
create schema change;

create table ledger.runs (
    run_id varchar primary key, kind varchar, now timestamptz, state varchar,
    started_at timestamptz, finished_at timestamptz, rules_digest varchar, model varchar,
    last_decision bigint);
create table ledger.steps (
    run_id varchar, stage varchar, finished_at timestamptz, seconds double,
    cpu_seconds double, peak_mb bigint, counts varchar);
create table ledger.digests (name varchar primary key, digest varchar);

create table ingest.deliveries (
    delivery_number bigint primary key, delivery_id varchar, source varchar, channel varchar,
    file_name varchar, received_at timestamptz, run_id varchar, state varchar, reason varchar,
    byte_count bigint, row_count bigint, new_count bigint, changed_count bigint,
    unchanged_count bigint, deleted_count bigint, withdrawn_count bigint,
    quarantined_count bigint, notes varchar[]);
create table ingest.cells (
    delivery_number bigint, source varchar, field varchar, kind varchar, cell_count bigint);
create table ingest.records (
    record_number bigint, source varchar, source_key varchar, arrival bigint,
    content_hash ubigint, is_withdrawn boolean);
create table ingest.versions (
    arrival bigint, record_number bigint, received_at timestamptz, is_withdrawn boolean);

create table ingest.corrections (
    arrival bigint, field varchar, value varchar, decision_id bigint, raw varchar);

create table std.records (
    arrival bigint, record_number bigint, source varchar, received_at timestamptz,
    is_test boolean, has_link boolean, title varchar, first_name varchar,
    middle_name varchar, last_name varchar, suffix varchar, company varchar, job_title varchar,
    email varchar, email_2 varchar, phone varchar, phone_2 varchar, address varchar, city varchar,
    region varchar, postcode varchar, country varchar, gender varchar, language varchar,
    consent_email varchar, consent_phone varchar, consent_post varchar, campaign varchar,
    birth_date date, person_number varchar, updated_at timestamptz, phone_key varchar,
    phone_2_key varchar);
create table verify.phones (
    raw varchar, region varchar, value varchar, verification varchar, reason varchar,
    kind varchar, time_zone varchar, number_region varchar, version varchar);
create table verify.domains (
    domain varchar, answer varchar, verification varchar, reason varchar, asked_at timestamptz,
    tried_at timestamptz, expires_at timestamptz);
create table verify.emails (
    raw varchar, value varchar, verification varchar, reason varchar, domain varchar,
    version varchar);

create table quarantine.records (
    arrival bigint, record_number bigint, source varchar, delivery_number bigint,
    row_number bigint, reasons varchar[], raw varchar);
create table quarantine.repeats (arrival bigint, repeated bigint);

create table change.versions (arrival bigint);
create table change.records (record_number bigint);
create table change.domains (domain varchar);
create table change.pairs (record_number bigint);
create table change.customers (founder bigint);
create table change.moves (record_number bigint, old_founder bigint, founder bigint);

create table valid.versions (
    arrival bigint, record_number bigint, received_at timestamptz, is_withdrawn boolean);
create table valid.records (record_number bigint, arrival bigint, source varchar,
    campaign varchar, is_active boolean);

create table cluster.crosswalk (record_number bigint, founder bigint, component bigint);
create table cluster.constraints (record_a bigint, record_b bigint, kind varchar);
create table cluster.refusals (record_a bigint, record_b bigint, match_weight double, why varchar,
    component bigint);
"""

RECORD_FIELDS = (
    "title", "first_name", "middle_name", "last_name", "suffix", "birth_date", "person_number",
    "company", "job_title", "email", "email_2", "phone", "phone_2", "address", "city", "region",
    "postcode", "country", "gender", "language", "consent_email", "consent_phone", "consent_post",
)  # fmt: skip
"""What a standardised record says of its customer, in the order in which people read it."""

_TYPES = {
    "birth_date": "date",
    "consent_email": "boolean",
    "consent_phone": "boolean",
    "consent_post": "boolean",
}


def type_of(field: str) -> str:
    """The column type of a golden field."""
    return _TYPES.get(field, "varchar")


_TEXT = "varchar using compression uncompressed"
"""Text is kept as it is: analysing it for a better compression costs more than it saves."""

_OF_EVERY_CUSTOMER = f"""founder bigint, customer_id {_TEXT}, record_count integer,
    source_count integer, first_seen_at timestamptz, changed_at timestamptz, record bigint,
    record_id {_TEXT}"""


VERIFIED_SHARES = """
select founder, count(*) filter (verification = 'valid') / count(*) as verified
from contact_values {which} group by founder"""
"""The rows of `verified_shares`: to count the contact points of all takes longer than to read."""

IGNORED_VALUES = """
create table if not exists ignored_values (
    contact varchar, digest varchar, decision_id bigint, decided_by varchar,
    decided_at timestamptz, because varchar)"""

CONFIRMED_CONTACTS = f"""
create table if not exists confirmed_contacts (
    founder bigint, kind varchar, value {_TEXT}, confirmed_at timestamptz, decision_id bigint)"""

CONTACT_POINTS = """
create or replace view contact_points as
    select c.* replace (
        case when f.founder is not null and c.verification <> 'invalid' then 'confirmed'
            else c.verification end as verification,
        case when f.founder is null or c.verification = 'invalid' then c.reason end as reason),
        coalesce(s.usage, 'personal') as usage, f.confirmed_at
    from contact_values c left join shared_contacts s using (kind, value)
    left join confirmed_contacts f using (founder, kind, value)"""
"""A contact point whose domain takes no mail since it was confirmed cannot be reached by now."""

_OF_ANY_FIELDS = f"""
create table closed_periods (
    founder bigint, customer_id {_TEXT}, field varchar, value {_TEXT}, valid_from timestamptz,
    valid_to timestamptz);
create table conflicts (
    founder bigint, field varchar, value {_TEXT}, record_number bigint, rival_value varchar,
    rival_record bigint, why varchar);
create table crosswalk (
    record_number bigint, founder bigint, source varchar, source_key {_TEXT}, record_id {_TEXT},
    customer_id {_TEXT}, is_active boolean, campaign varchar);
create table contact_values (
    founder bigint, customer_id {_TEXT}, kind varchar, value {_TEXT}, is_primary boolean,
    verification varchar, reason varchar, type varchar, time_zone varchar, record_count integer,
    first_seen_at timestamptz);
create table verified_shares (founder bigint, verified double);
create table shared_contacts (kind varchar, value {_TEXT}, usage varchar, customer_count integer);
{CONFIRMED_CONTACTS};
{CONTACT_POINTS};
create table banding (prior double, link double);
create table redirects (
    founder bigint, old_customer_id varchar, customer_id {_TEXT}, run_id varchar, why varchar);
create table changes (
    run_id varchar, customer_id {_TEXT}, change varchar, fields varchar[],
    other_customer_id varchar);
create table review_items (
    item_id varchar, kind varchar, question varchar, priority double, opened_at timestamptz,
    due_at timestamptz, record_ids varchar[], customer_ids varchar[], field varchar,
    value {_TEXT}, rival_value varchar, match_weight double, why varchar, delivery_id varchar,
    row_number bigint);
create table quarantine (
    source varchar, delivery_id varchar, row_number bigint, reasons varchar[], raw varchar);
create table corrections (
    source varchar, delivery_id varchar, row_number bigint, record_id varchar, field varchar,
    value varchar, decided_by varchar, decided_at timestamptz, because varchar,
    decision_id bigint, state varchar, golden_field varchar, golden_value varchar);
{IGNORED_VALUES};
create table deliveries (
    delivery_id varchar, delivery_number bigint, source varchar, channel varchar,
    file_name varchar, received_at timestamptz, run_id varchar, state varchar, reason varchar,
    byte_count bigint, row_count bigint, new_count bigint, changed_count bigint,
    unchanged_count bigint, deleted_count bigint, withdrawn_count bigint,
    quarantined_count bigint, notes varchar[]);
create table runs (
    run_id varchar, kind varchar, now timestamptz, started_at timestamptz,
    finished_at timestamptz, seconds double, cpu_seconds double, model varchar,
    deliveries bigint, rows bigint, values_parsed bigint, pairs_scored bigint,
    golden_rows_written bigint, customers bigint);
create table metrics (
    run_id varchar, source varchar, field varchar, measure varchar, value double);
create table applied (run_id varchar, stage varchar, counts varchar);
create table forgotten (run_id varchar, customer_id varchar, change varchar, other varchar);
"""
"""The tables that are the same whatever fields a customer has."""


def golden_schema(fields: list[str], breakers: list[str]) -> str:
    """The golden tables for these golden fields.

    `golden_values` holds a customer in one row. `record` is the record that its first value came
    from; `record_id` is its name. Beside each value stand the record that it came from, what
    decided for it and since when it holds, but only where that is not what it mostly is: null
    means the customer's `record`, `only_value` and `changed_at`, and record 0 means none. Where
    all of these are null, the customer `is_plain` and lies in a table without them. The tables
    that analysts read, customers, lineage and history, are views of it, so that the three cannot
    disagree and a night writes each value once.

    `shared_contacts` holds the contact points that are not just one person's, and `banding` what
    the pairs are weighed with. `record_values` holds the records as they stand, but for those of
    which a plain customer is the image (`is_one_record`); `records` is the view of all.
    """
    words = ", ".join(f"'{word}'" for word in ["only_value", "steward", *breakers])
    values = ",\n    ".join(f"{field} {_stored(field)}" for field in fields)
    notes = ",\n    ".join(
        f"{field}_record bigint, {field}_by breaker, {field}_since timestamptz" for field in fields
    )
    return f"""
create type breaker as enum ({words});
create table plain_values (
    {_OF_EVERY_CUSTOMER}, is_one_record boolean, updated_at timestamptz,
    {values});
create table noted_values (
    {_OF_EVERY_CUSTOMER},
    {values},
    {notes});
create view golden_values as select *, false as is_plain from noted_values
    union all by name
    select * exclude (is_one_record, updated_at), true as is_plain from plain_values;
create table record_values (
    founder bigint, record_number bigint, received_at timestamptz, updated_at timestamptz,
    {", ".join(f"{field} {_stored(field)}" for field in RECORD_FIELDS)});
{_OF_ANY_FIELDS}
create view records as {_records(fields)};
create view customers as select customer_id, {", ".join(fields)}, record_count, source_count,
    first_seen_at, changed_at from golden_values;
create view lineage as {_union(fields, _LINEAGE)}
    union all {_union(fields, _PLAIN)}
    union all {from_elsewhere(fields)};
create view history as {_union(fields, _OPEN)}
    union all select customer_id, field, value, valid_from, valid_to from closed_periods;
"""


def from_elsewhere(fields: list[str]) -> str:
    """The lineage of the values that are from another record than the customer's `record`."""
    return f"""
select u.customer_id, u.field, u.value, c.record_id, u.decided_by, u.valid_from
from ({_union(fields, _ELSEWHERE)}) u left join crosswalk c on c.record_number = u.record"""


def _records(fields: list[str]) -> str:
    """The records as they stand, one row per row of the crosswalk."""
    named = (
        "c.record_id, c.customer_id, c.source, c.source_key, c.campaign, c.is_active, "
        "c.founder, c.record_number"
    )
    kept = ", ".join(f"v.{field}" for field in RECORD_FIELDS)
    told = ", ".join(
        f"v.{field}" if field in fields else f"null::{type_of(field)} as {field}"
        for field in RECORD_FIELDS
    )
    return f"""
select {named}, v.received_at, coalesce(v.updated_at, v.received_at) as updated_at, {kept}
from record_values v join crosswalk c using (founder, record_number)
union all select {named}, v.changed_at as received_at,
    coalesce(v.updated_at, v.changed_at) as updated_at, {told}
from plain_values v join crosswalk c on c.founder = v.founder and c.record_number = v.record
where v.is_one_record"""


_LINEAGE = """
select customer_id, '{f}' as field, {f}::varchar as value, record_id,
    coalesce({f}_by, 'only_value')::varchar as decided_by,
    coalesce({f}_since, changed_at) as valid_from
from noted_values where {f} is not null and {f}_record is null"""

_PLAIN = """
select customer_id, '{f}' as field, {f}::varchar as value, record_id,
    'only_value' as decided_by, changed_at as valid_from
from plain_values where {f} is not null"""
"""Each half is asked where it lies: their union has every note, and must be read twice."""

_ELSEWHERE = """
select customer_id, '{f}' as field, {f}::varchar as value, {f}_record as record,
    coalesce({f}_by, 'only_value')::varchar as decided_by,
    coalesce({f}_since, changed_at) as valid_from
from noted_values where {f} is not null and {f}_record is not null"""

_OPEN = """
select customer_id, '{f}' as field, {f}::varchar as value,
    coalesce({f}_since, changed_at) as valid_from,
    null::timestamptz as valid_to
from golden_values where {f} is not null"""


PAIRS = """
create view pairs as
select a.record_id as record_id_a, b.record_id as record_id_b, p.* exclude (record_a, record_b)
from pair_weights p join crosswalk a on a.record_number = p.record_a
join crosswalk b on b.record_number = p.record_b"""

_MOST_COLLEAGUES = 20
"""A contact point that more customers share makes nobody a colleague: they would be too many."""


_SAYS_NOTHING = frozenset({"both_names", "country"})
"""Comparisons whose agreement makes nobody related."""


def relationships(comparisons: list[str]) -> str:
    """The view of customers who are probably related and not the same; of these comparisons.

    Who shares a contact point alone, and neither last name nor house, is no household.
    """
    told = [name for name in comparisons if name not in _SAYS_NOTHING]
    equal = ", ".join(f"case when level_{name} = 0 then '{name}' end" for name in told)
    near = {"last_name": "level_last_name = 0", "address": "level_address between 0 and 1"}
    is_near = " or ".join(sql for name, sql in near.items() if name in comparisons) or "true"
    return f"""
create view relationships as
with offices as materialized (
    select c.founder, c.kind, c.value from contact_values c join shared_contacts s
    using (kind, value)
    where s.usage = 'organisational' and s.customer_count <= {_MOST_COLLEAGUES}),
related as (
    select a.founder as founder_a, b.founder as founder_b, 'household' as kind,
        max(p.kinship + w.prior) as weight,
        flatten(list(list_filter([{equal}], lambda name: name is not null))) as evidence
    from pair_weights p cross join banding w
    join crosswalk a on a.record_number = p.record_a
    join crosswalk b on b.record_number = p.record_b
    where p.kinship + w.prior >= w.link and a.founder <> b.founder and ({is_near})
    group by all
    union all
    select a.founder, b.founder, 'same_organisation', null, list(a.kind)
    from offices a join offices b using (kind, value)
    where a.founder < b.founder group by all)
select a.customer_id as customer_id_a, b.customer_id as customer_id_b, r.kind,
    round(max(r.weight), 2) as match_weight,
    list_sort(list_distinct(flatten(list(r.evidence)))) as evidence
from related r
join golden_values a on a.founder = least(r.founder_a, r.founder_b)
join golden_values b on b.founder = greatest(r.founder_a, r.founder_b)
group by all"""


def _union(fields: list[str], select: str) -> str:
    return " union all ".join(select.format(f=field) for field in fields)


def _stored(field: str) -> str:
    """How a golden field is stored."""
    kind = type_of(field)
    return _TEXT if kind == "varchar" else kind
