"""Views of how good the data is and where it comes from: by source, channel, week, age, queue, run.

Like the views of store/views.py they are worked out from the published tables when they are asked.
What a run found of itself, and no later one can tell, they take from `metrics`.
"""

MEASURES = {
    "completeness": "of the fields that customers have, the share that its records have",
    "validity": "of its rows that came, the share that is not in quarantine",
    "uniqueness": "customers for each of its records: 1 when it names nobody twice",
    "consistency": "of its values that customers with several records have, the share that agrees",
    "timeliness": "of its records, the share of which it said something new within a year",
}
"""Each measure of a source, between 0 and 1, 1 being best."""
TIMELY_DAYS = 365
"""A record of which something new was said within so many days is timely."""
AGREEING = ("first_name", "last_name", "birth_date", "postcode", "email", "phone")
"""The fields in which a record agrees with its customer or does not."""
COUNTED = (*AGREEING, "city", "country")
"""The fields that make a record complete, where its customer has them."""
VALIDITY = """
    select d.source, 1 - coalesce(sum(q.refused), 0) / nullif(sum(d.row_count), 0) as validity
    from deliveries d left join (
        select delivery_id, count(*) as refused from quarantine group by delivery_id) q
        using (delivery_id)
    where d.state = 'taken_in' group by d.source"""
"""Of the rows that came of a source, the share that is not in quarantine."""
_LAST_RUN = "(select max(now) from runs)"


def quality_marts(fields: list[str]) -> dict[str, str]:
    """By name, the SQL of each view over golden tables with these fields."""
    return {
        "source_quality": source_quality(fields, _LAST_RUN),
        "source_reach": _REACH,
        "match_quality": _MATCH_QUALITY,
        "match_bands": _MATCH_BANDS,
        "channel_effectiveness": channel_effectiveness(fields),
        "data_decay": data_decay(),
        "steward_workload": _WORKLOAD,
    }


def source_quality(fields: list[str], moment: str) -> str:
    """How good the records of each source are: five shares, of which 1 is best."""
    return f"""
    with of_records as ({quality_of_records(fields, moment)}),
    of_rows as ({VALIDITY})
    select source, records, completeness, validity, uniqueness, consistency, timeliness
    from of_records left join of_rows using (source)"""


def quality_of_records(
    fields: list[str], moment: str, records: str = "records", customers: str = "golden_values"
) -> str:
    """What the records of each source say beside what their customers are.

    `records` and `customers` may be some of them. `consistency_<field>` is that of one field.
    """
    counted = [name for name in COUNTED if name in fields]
    agreeing = [name for name in AGREEING if name in fields]
    filled, wanted = (_how_many(side, counted) for side in ("r", "g"))
    shared = {name: f"(r.{name} is not null and g.{name} is not null)" for name in agreeing}
    alike = {name: f"coalesce(r.{name} = g.{name}, false)" for name in agreeing}
    several = "filter (g.record_count > 1)"

    def agreed(names: list[str]) -> str:
        both, same = (
            " + ".join(f"{of[name]}::integer" for name in names) or "0" for of in (shared, alike)
        )
        return f"sum({same}) {several} / nullif(sum({both}) {several}, 0)"

    by_field = "".join(f", {agreed([name])} as consistency_{name}" for name in agreeing)
    return f"""
    select r.source, count(*) as records, count(distinct founder) / count(*) as uniqueness,
        sum(least({filled}, {wanted})) / nullif(sum({wanted}), 0) as completeness,
        {agreed(agreeing)} as consistency,
        avg((r.updated_at >= {moment} - interval {TIMELY_DAYS} days)::integer) as timeliness
        {by_field}
    from {records} r left join {customers} g using (founder) group by r.source"""


def _how_many(side: str, fields: list[str]) -> str:
    return " + ".join(f"({side}.{name} is not null)::integer" for name in fields) or "0"


def channel_effectiveness(fields: list[str], where: str = "true") -> str:
    """What came of the records r `where`, by source and campaign and the week in which they came.

    Of a part of the records, whose customers may have others: who is new is told by the part
    alone, and nothing of what the whole customer consents to.
    """
    is_whole = where == "true"
    may_be_mailed = "consent_email" if "consent_email" in fields and is_whole else "false"
    first = "r.founder" if is_whole else "min(r.record_number) over (partition by r.founder)"
    return f"""
    select c.source, c.campaign, date_trunc('week', d.received_at)::date as week,
        d.channel, count(*) as records, count(*) filter (c.is_active) as active,
        count(*) filter (c.first = c.record_number) as new_customers,
        count(*) filter (c.first <> c.record_number) as duplicates,
        count(distinct c.founder) filter ({may_be_mailed}) as may_be_mailed
    from (select r.*, {first} as first from crosswalk r where {where}) c
    left join deliveries d on d.delivery_number = c.record_number // 1000000000
    left join golden_values g using (founder)
    group by all"""


def data_decay(where: str = "true", beside: str = "") -> str:
    """How many of the records r `where` are how old, and whether they can still be written to.

    `beside` names what they are told apart by beside their source, as "r.campaign, ".
    """
    return f"""
    with last_run as (select max(now) as now from runs)
    select r.source, {beside}greatest(date_diff('year', r.updated_at, l.now), 0) as years,
        count(*) as records, count(*) filter (r.is_active) as active,
        count(r.email) as with_email,
        count(*) filter (p.verification = 'valid') as email_valid,
        count(*) filter (p.verification = 'invalid') as email_invalid
    from records r cross join last_run l
    left join contact_values p on p.founder = r.founder and p.kind = 'email' and p.value = r.email
    where {where} group by all"""


_REACH = """
    select k.source, count(*) as customers, count(*) filter (g.source_count = 1) as alone
    from (select distinct source, founder from crosswalk) k join golden_values g using (founder)
    group by k.source"""


_WORKLOAD = """
    with last_run as (select max(now) as now from runs)
    select i.kind, count(*) as open_items, count(*) filter (i.due_at < l.now) as past_due,
        min(i.opened_at) as oldest_at,
        round(avg(date_diff('hour', i.opened_at, l.now)) / 24.0, 1) as mean_days
    from review_items i cross join last_run l
    group by i.kind"""


def _of_metrics(measures: dict[str, str], prefix: str) -> str:
    """Rows of `metrics` as columns: the measure `prefix` and its name, and the type it has."""
    return ", ".join(
        f"(max(m.value) filter (m.measure = '{prefix}{name}'))::{kind} as {name}"
        for name, kind in measures.items()
    )


def _shares(*names: str) -> dict[str, str]:
    """Columns of shares with the ends of their intervals."""
    return {f"{name}{end}": "double" for name in names for end in ("", "_low", "_high")}


_MATCH_QUALITY = f"""
    select m.run_id, {_of_metrics({"links": "bigint", "judged": "bigint"}, "match_")},
        {_of_metrics(_shares("precision", "recall", "lost"), "match_")}
    from metrics m where m.field = 'links' group by m.run_id"""


_MATCH_BANDS = f"""
    select m.run_id, m.field as band,
        {_of_metrics(dict.fromkeys(("pairs", "judged", "same"), "bigint"), "band_")},
        {_of_metrics(_shares("share"), "band_")},
        max(m.value) filter (m.measure = 'band_share') is null as is_too_few
    from metrics m where starts_with(m.measure, 'band_') group by m.run_id, m.field"""
