"""Deliverability: which domains take mail, asked once each, and which records that changes.

The last step of validate. A rebuild asks nobody: it reads what was answered before.
"""

from datetime import timedelta

import polars as pl

from flows.run import Counts, Run
from store.answers import Answers
from store.warehouse import Warehouse
from transforms.deliverability import EMAILS, deliverable, settle_domains
from transforms.validate import is_active

_USED = " union all ".join(
    f"""select split_part(s.{email}, '@', 2) as domain
    from valid.records v join std.records s using (arrival) where s.{email} is not null"""
    for email in EMAILS
)
"""The domain of each address in force."""


def look_up_domains(run: Run, warehouse: Warehouse) -> Counts:
    """Learn what is new of domains, and judge anew which records are active."""
    warehouse.execute("delete from change.domains")
    kept = Answers(run.settings.raw)
    waiting = 0
    if run.is_rebuild:
        _learn(run, warehouse, kept.read())
    else:
        if run.settings.dns is not None and not kept.has(run.run_id):
            waiting = _ask(run, warehouse, kept, run.settings.dns)
        _learn(run, warehouse, kept.read(run.run_id))
    known = warehouse.one("select count(*) from verify.domains")
    if not known:
        return {"domains_waiting": waiting} if waiting else {}
    _judge_anew(warehouse)
    asked = 0 if run.is_rebuild else kept.read(run.run_id).height
    return {"domains_asked": asked, "domains_waiting": waiting, **_count(warehouse)}


def refused_domains(warehouse: Warehouse) -> pl.Series:
    """The domains that take no mail."""
    return warehouse.read(
        "select domain from verify.domains where verification = 'invalid'"
    ).to_series()


def touch_customers(warehouse: Warehouse) -> None:
    """Customers are touched with whose records, past or present, a domain's answer has changed."""
    shares = " or ".join(
        f"split_part(s.{name}, '@', 2) in (from change.domains)" for name in EMAILS
    )
    if warehouse.one("select count(*) from change.domains"):
        warehouse.execute(
            f"""
            insert into change.customers
            select founder from cluster.crosswalk where record_number in (
                select v.record_number from valid.versions v join std.records s using (arrival)
                where {shares})
            except from change.customers"""
        )


def _ask(run: Run, warehouse: Warehouse, kept: Answers, server: str) -> int:
    """Ask about the domains that are due, and keep what is answered; how many must wait.

    Those that nobody has tried come first, and of these the ones with most addresses; those that
    gave no answer the last time come last, so that dead ones never keep others waiting.
    """
    due = warehouse.read(
        f"""
        select domain from ({_USED}) u left join verify.domains k using (domain)
        where k.expires_at is null or k.expires_at <= '{run.now.isoformat()}'
        group by domain, tried_at order by tried_at nulls first, count(*) desc, domain"""
    ).to_series()
    if due.is_empty():
        return 0
    from store.dns import ask_domains  # loading it takes every night longer, and not all ask

    asked = ask_domains(due.to_list(), server, run.settings.dns_seconds)
    kept.keep(run.run_id, run.now, asked.answers)
    return asked.waiting


def _learn(run: Run, warehouse: Warehouse, answers: pl.DataFrame) -> None:
    """Put what is known after these answers in place; note the domains whose verdict changed."""
    if answers.is_empty():
        return
    before = warehouse.read(
        "select -1 as number, domain, answer, asked_at from verify.domains "
        "semi join answers using (domain)",
        answers=answers,
    ).cast(answers.schema)
    found = settle_domains(pl.concat([before, answers])).with_columns(
        expires_at=pl.when(pl.col("verification") != "unverified").then(
            pl.col("asked_at") + timedelta(days=run.settings.dns_days)
        )
    )
    warehouse.execute(
        """
        insert into change.domains
        select f.domain from found f left join verify.domains k using (domain)
        where (f.verification, f.reason) is distinct from (k.verification, k.reason)""",
        found=found,
    )
    warehouse.replace("verify.domains", found, "domain")


def _judge_anew(warehouse: Warehouse) -> None:
    """Whether a record is active: changed ones, and those whose domain's answer changed."""
    refused = refused_domains(warehouse).to_frame()
    of_refused, of_changed = (
        " or ".join(
            f"split_part(s.{name}, '@', 2) in (select domain from {those})" for name in EMAILS
        )
        for those in ("refused", "change.domains")
    )
    mine = f"v.record_number in (from change.records) and ({of_refused})"
    if warehouse.one("select count(*) from change.domains"):
        mine = f"({mine}) or ({of_changed}) and (not v.is_active or {of_refused})"
    records = warehouse.read(
        "select v.record_number, s.first_name, s.last_name, s.company, s.email, s.email_2, "
        f"s.phone, s.phone_2 from valid.records v join std.records s using (arrival) where {mine}",
        refused=refused,
    )
    judged = records.select(
        "record_number", is_active=is_active(deliverable(records, refused.to_series()))
    )
    warehouse.execute(
        "update valid.records set is_active = judged.is_active from judged "
        "where valid.records.record_number = judged.record_number",
        judged=judged,
    )


def _count(warehouse: Warehouse) -> Counts:
    found = warehouse.read("select verification, count(*) from verify.domains group by all")
    known = dict(found.iter_rows())
    return {f"domains_{word}": known.get(word, 0) for word in ("valid", "invalid", "unverified")}
