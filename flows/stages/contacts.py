"""Judge how contact points are used: by one person, a household, an organisation, or by nobody.

The judgement is of the customers who share a contact point, so it is worked out when they are: of
the contact points that a touched customer had or has, and of no others.
"""

from rules.survivorship import Usage
from store.golden import Golden

_SHARED = """
    with held as (select kind, value from contact_values semi join asked using (kind, value))
    select kind, value from held
    where hash(kind, value) in (select hash(kind, value) from held group by all having count(*) > 1)
    or (kind = 'email' and split_part(value, '@', 1) in ({roles}))
    or (kind, value) in (select kind, value from left_out)
    group by all"""

_JUDGED = """
    with facts as (
        select c.kind, c.value, count(*) as customers,
            count({last_name}) as named,
            count(distinct lower(strip_accents({last_name}))) as last_names,
            count({address}) as housed,
            count(distinct lower(strip_accents(concat_ws('|', {address}, {postcode})))) as places,
            count(distinct lower({company})) as companies
        from contact_values c semi join shared using (kind, value)
        join golden_values g using (founder) group by c.kind, c.value)
    select kind, value,
        case
            when (kind, value) in (select kind, value from left_out) then 'ignored'
            when customers >= {junk_least} then 'junk'
            when kind = 'email' and split_part(value, '@', 1) in ({roles}) then 'organisational'
            when customers = 1 then 'personal'
            when customers <= {household_most}
                and (last_names < named and 2 * last_names <= named + 1
                    or places = 1 and housed = customers
                    or customers = 2 and companies = 0) then 'household'
            else 'organisational'
        end as usage,
        customers as customer_count
    from facts"""


def note_contacts(golden: Golden) -> None:
    """Make the table `asked`: the contact points that touched customers had before they change."""
    golden.execute("create or replace temp table asked (kind varchar, value varchar)")
    add_contacts(golden)


def add_contacts(golden: Golden) -> None:
    """Add to `asked` the contact points that touched customers have now."""
    golden.execute(
        "insert into asked select kind, value from contact_values semi join touched using (founder)"
    )


def judge_contacts(golden: Golden, rule: Usage) -> None:
    """Judge what is `asked` anew; what only one person has is not kept.

    What people left out of matching, `left_out`, is nobody's whoever shares it.
    """
    fields = ("last_name", "address", "postcode", "company")
    words = {
        **{name: f"g.{name}" if name in golden.fields else "null::varchar" for name in fields},
        **rule.model_dump(),
        "roles": ", ".join(f"'{_quoted(name)}'" for name in sorted(rule.role_mailboxes)) or "null",
    }
    golden.execute(f"create or replace temp table shared as {_SHARED.format(**words)}")
    golden.execute(
        "delete from shared_contacts where (kind, value) in (select kind, value from asked)"
    )
    golden.execute(f"insert into shared_contacts by name {_JUDGED.format(**words)}")


def _quoted(text: str) -> str:
    return text.replace("'", "''")
