"""What analysts ask for most, as views and macros in the snapshot.

Each is worked out from the published tables when it is asked, so that none can disagree with them.
"""

from store.marts import quality_marts
from store.schema import type_of

CONTRACT = "1.7.0"
"""The version of the published tables: the first number rises when a query may break."""

_COUNTED = ("first_name", "last_name", "email", "phone", "address", "postcode", "birth_date")
"""The fields whose presence makes a customer complete."""


def analyst_views(fields: list[str]) -> str:
    """SQL of the views and macros over golden tables with these fields."""
    return ";\n".join(
        [
            f"create view contract as select '{CONTRACT}' as version",
            f"create view customers_active as {_ACTIVE}",
            f"create view contactable as {_contactable(fields)}",
            f"create view customer_quality as {_quality(fields)}",
            f"create view customer_360 as {_360}",
            *(f"create view {name} as {sql}" for name, sql in quality_marts(fields).items()),
            "create macro current_customer_id(id) as coalesce("
            "(select max(r.customer_id) from redirects r where r.old_customer_id = id), id)",
            f"create macro customers_as_of(moment) as table {_as_of(fields)}",
            "",
        ]
    )


_ACTIVE = """
select * from customers
where customer_id in (select customer_id from crosswalk where is_active)"""


def _contactable(fields: list[str]) -> str:
    """Customers by channel who have said yes and can be reached by it."""
    reached = {"email": "email", "phone": "phone", "post": "address"}
    parts = [
        f"""
        select g.customer_id, '{channel}' as channel, g.{field} as value,
            coalesce(p.verification, 'unverified') as verification,
            coalesce(g.consent_{channel}_since, g.changed_at) as consent_since
        from golden_values g left join contact_points p
            on p.founder = g.founder and p.kind = '{channel}' and p.value = g.{field}
        where g.consent_{channel} and g.{field} is not null"""
        for channel, field in reached.items()
        if field in fields and f"consent_{channel}" in fields
    ]
    none = (
        "select null::varchar as customer_id, null::varchar as channel, null::varchar as value, "
        "null::varchar as verification, null::timestamptz as consent_since where false"
    )
    return " union all ".join(parts or [none])


def _quality(fields: list[str]) -> str:
    """How good what is known of a customer is: four parts between 0 and 1, and their mean."""
    counted = [name for name in _COUNTED if name in fields]
    filled = " + ".join(f"(g.{name} is not null)::integer" for name in counted) or "0"
    return f"""
    with contested as (
        select founder, list_sort(list(field)) as fields from conflicts group by founder),
    last_run as (select max(now) as now from runs),
    parts as (
        select g.customer_id, ({filled}) / {max(len(counted), 1)}.0 as completeness,
            coalesce(p.verified, 0.0) as verified,
            case when c.fields is null then 1.0 else 1.0 / (1 + len(c.fields)) end as agreement,
            pow(0.5, greatest(date_diff('day', g.changed_at, r.now), 0) / 730.0) as freshness,
            date_diff('day', g.changed_at, r.now) as days_since_change,
            g.source_count, coalesce(c.fields, []) as contested_fields
        from golden_values g cross join last_run r
        left join verified_shares p using (founder) left join contested c using (founder))
    select customer_id,
        round((completeness + verified + agreement + freshness) / 4, 3) as quality,
        round(completeness, 3) as completeness, round(verified, 3) as verified,
        round(agreement, 3) as agreement, round(freshness, 3) as freshness,
        days_since_change, source_count, contested_fields
    from parts"""


_360 = """
    with behind as (
        select customer_id, list_sort(list(distinct source)) as sources,
            list_sort(list(distinct campaign) filter (campaign is not null)) as campaigns,
            bool_or(is_active) as is_active
        from crosswalk group by customer_id),
    points as (
        select customer_id, count(*) filter (kind = 'email') as email_count,
            count(*) filter (kind = 'phone') as phone_count
        from contact_points group by customer_id)
    select c.*, b.sources, coalesce(b.campaigns, []) as campaigns,
        coalesce(b.is_active, false) as is_active, coalesce(p.email_count, 0) as email_count,
        coalesce(p.phone_count, 0) as phone_count, q.quality, q.contested_fields
    from customers c left join behind b using (customer_id) left join points p using (customer_id)
    left join customer_quality q using (customer_id)"""


def _as_of(fields: list[str]) -> str:
    """Customers with what was known of their records at a moment."""
    then = ", ".join(
        f"max(value) filter (field = '{name}')::{type_of(name)} as {name}" for name in fields
    )
    values = ", ".join(
        f"case when coalesce(g.{name}_since, g.changed_at) <= moment then g.{name} else t.{name} "
        f"end as {name}"
        for name in fields
    )
    return f"""
    with known as (
        select founder, {then} from closed_periods
        where valid_from <= moment and valid_to > moment group by founder)
    select g.customer_id, {values}
    from golden_values g left join known t using (founder) where g.first_seen_at <= moment"""
