"""Survive, for the many customers who stand on one version of one record.

Nothing competes there, so the golden record is the record. It is copied from the warehouse to the
golden tables inside the database, and no value of it is looked at. What comes of it is what
`transforms/survive.py` would make of it.
"""

import polars as pl

from rules.survivorship import Survivorship
from store.golden import Golden
from store.schema import RECORD_FIELDS, type_of
from transforms.classify import ARRIVALS
from transforms.contacts import KINDS

CROSSWALK = """
    insert into crosswalk by name
    select l.record_number, l.founder, r.source, r.source_key,
        r.source || ':' || r.source_key as record_id, {name} as customer_id,
        v.is_active, v.campaign
    from {live} l join ingest.records r using (record_number)
    join valid.records v using (record_number)"""

RECORDS = f"""
    insert into record_values by name
    select l.founder, l.record_number, s.received_at, s.updated_at,
        {", ".join(f"s.{f}" for f in RECORD_FIELDS)}
    from {{live}} l join valid.records v using (record_number)
    join std.records s on s.arrival = v.arrival"""

CONTACTS = """
    insert into contact_values by name
    select p.*, t.kind as type, t.time_zone,
        case p.kind when 'phone' then 'valid' else coalesce(d.verification, 'unverified') end
            as verification,
        case when p.kind = 'email' and d.domain is null then 'not_asked' else d.reason end
            as reason
    from {points} p left join verify.domains d
    on p.kind = 'email' and split_part(p.value, '@', 2) = d.domain left join (
        select value, any_value(kind) as kind, any_value(time_zone) as time_zone
        from verify.phones where value in (select value from {points} where kind = 'phone')
        group by value) t
    on p.kind = 'phone' and p.value = t.value"""


def named(founder: str) -> str:
    """The customer's name in SQL, as `transforms.identify.customer_id` makes it."""
    return f"'C' || ({founder} // {ARRIVALS}) || '-' || ({founder} % {ARRIVALS})"


def find_alone(golden: Golden, rules: Survivorship, anchors: pl.DataFrame) -> None:
    """Make the table `alone` of those of `touched` who stand on one version of one record.

    Not they whose record says two values that compete or an address that takes no mail, nor they
    for whom a steward has chosen a value (anchors: record_id).
    """
    golden.execute(
        """
        create temp table alone as
        select x.founder, any_value(v.record_number) as record_number,
            any_value(v.arrival) as arrival, any_value(v.received_at) as received_at
        from cluster.crosswalk x semi join touched using (founder)
        join valid.versions v using (record_number)
        group by x.founder having count(*) = 1 and not bool_or(v.is_withdrawn)"""
    )
    further = _further(golden, rules)
    if further:
        says_more = " or ".join(f"{column} is not null" for column in further)
        golden.execute(
            "delete from alone where arrival in "
            f"(select arrival from std.records where {says_more})"
        )
    golden.execute(
        """
        delete from alone where arrival in (
            select s.arrival from std.records s join verify.domains d
            on d.domain = split_part(s.email, '@', 2) and d.verification = 'invalid')"""
    )
    if not anchors.is_empty():
        golden.execute(
            """
            delete from alone where founder in (
                select x.founder from cluster.crosswalk x join ingest.records r
                using (record_number)
                where r.source || ':' || r.source_key in (select record_id from anchors))""",
            anchors=anchors,
        )


def write_alone(golden: Golden) -> int:
    """Write the golden tables of `alone`; returns how many rows."""
    have = _standardised(golden)
    values = ", ".join(
        f"s.{field}::{type_of(field)} as {field}" for field in golden.fields if field in have
    )
    golden.execute(
        f"""
        insert into plain_values by name
        select a.founder, {named("a.founder")} as customer_id, 1 as record_count,
            1 as source_count, a.received_at as first_seen_at, a.received_at as changed_at,
            a.record_number as record, r.source || ':' || r.source_key as record_id,
            true as is_one_record, s.updated_at, {values}
        from alone a join std.records s using (arrival)
        join ingest.records r on r.record_number = a.record_number
        where {_publishable([field for field in golden.fields if field in have])}"""
    )
    golden.execute(CROSSWALK.format(name=named("l.founder"), live="alone"))
    golden.execute(RECORDS.format(live="(from alone anti join plain_values using (founder))"))
    golden.execute(CONTACTS.format(points=f"({_POINTS})"))
    return sum(
        golden.one(f"select count(*) from {table} semi join alone using (founder)")
        for table in ("plain_values", "contact_values")
    )


_POINTS = " union all ".join(
    f"""
    select founder, customer_id, '{kind}' as kind, {kind} as value, true as is_primary,
        1 as record_count, first_seen_at
    from plain_values semi join alone using (founder) where {kind} is not null"""
    for kind in KINDS
)


def _further(golden: Golden, rules: Survivorship) -> list[str]:
    """Columns beside a field's own that give it a value too."""
    have = _standardised(golden)
    also = [name for rule in rules.fields.values() for name in rule.also]
    also += [name for columns in KINDS.values() for name in columns[1:]]
    return [name for name in dict.fromkeys(also) if name in have]


def _publishable(fields: list[str]) -> str:
    """`transforms.wide.publishable` in SQL."""
    names = [name for name in ("last_name", "first_name", "company") if name in fields]
    contacts = [name for name in ("email", "phone") if name in fields]
    return " and ".join(
        f"coalesce({', '.join(['null', *(f's.{name}' for name in wanted)])}) is not null"
        for wanted in (names, contacts)
    )


def _standardised(golden: Golden) -> list[str]:
    return golden.read("select * from std.records limit 0").columns
