"""Views of how good the data is and where it comes from: by channel and week, by age, by queue.

Like the views of store/views.py they are worked out from the published tables when they are asked.
"""


def quality_marts(fields: list[str]) -> dict[str, str]:
    """By name, the SQL of each view over golden tables with these fields."""
    return {
        "channel_effectiveness": _channels(fields),
        "data_decay": _DECAY,
        "steward_workload": _WORKLOAD,
    }


def _channels(fields: list[str]) -> str:
    """What came of the records of each source and campaign, by the week in which they came."""
    is_mailable = "g.consent_email" if "consent_email" in fields else "false"
    return f"""
    select c.source, c.campaign, date_trunc('week', d.received_at)::date as week,
        d.channel, count(*) as records, count(*) filter (c.is_active) as active,
        count(*) filter (c.founder = c.record_number) as new_customers,
        count(*) filter (c.founder <> c.record_number) as duplicates,
        count(distinct c.founder) filter ({is_mailable}) as may_be_mailed
    from crosswalk c
    left join deliveries d on d.delivery_number = c.record_number // 1000000000
    left join golden_values g using (founder)
    group by all"""


_DECAY = """
    with last_run as (select max(now) as now from runs)
    select r.source, greatest(date_diff('year', r.updated_at, l.now), 0) as years,
        count(*) as records, count(*) filter (r.is_active) as active,
        count(r.email) as with_email,
        count(*) filter (p.verification = 'valid') as email_valid,
        count(*) filter (p.verification = 'invalid') as email_invalid
    from records r cross join last_run l
    left join contact_values p on p.founder = r.founder and p.kind = 'email' and p.value = r.email
    group by all"""


_WORKLOAD = """
    with last_run as (select max(now) as now from runs)
    select i.kind, count(*) as open_items, count(*) filter (i.due_at < l.now) as past_due,
        min(i.opened_at) as oldest_at,
        round(avg(date_diff('hour', i.opened_at, l.now)) / 24.0, 1) as mean_days
    from review_items i cross join last_run l
    group by i.kind"""
