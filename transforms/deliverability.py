"""Say of a domain whether it takes mail, from what DNS answered.

An answer is an input, like a delivery: it is kept with its date, and what is known of a domain is a
function of all answers ever kept. The last answer that settles the question counts. No answer, be
it a time-out or a server's failure, says nothing: it takes back neither a yes nor a no.
"""

import polars as pl

VERDICTS = {
    "mx": "valid",
    "address": "valid",
    "null_mx": "invalid",
    "no_mail_server": "invalid",
    "no_such_domain": "invalid",
    "server_failure": "unverified",
    "timed_out": "unverified",
    "contradiction": "unverified",
    "bad_name": "unverified",
}
"""What each answer means for the addresses of a domain."""

EMAILS = ("email", "email_2")


def settle_domains(answers: pl.DataFrame) -> pl.DataFrame:
    """What is known of each domain after all `answers`.

    answers: number (of the run that asked), domain, answer, asked_at. Returns domain, answer,
    verification, reason, asked_at (of that answer) and tried_at (of the last attempt).
    """
    verdict = pl.col("answer").replace_strict(VERDICTS, return_dtype=pl.String)
    judged = answers.with_columns(verification=verdict)
    rank = pl.col("verification") != "unverified"
    settled = judged.sort(rank, "number").unique("domain", keep="last", maintain_order=True)
    tried = answers.group_by("domain").agg(tried_at=pl.col("asked_at").sort_by("number").last())
    reason = pl.when(pl.col("verification") != "valid").then("answer")
    return (
        settled.join(tried, on="domain")
        .select("domain", "answer", "verification", reason.alias("reason"), "asked_at", "tried_at")
        .sort("domain")
    )


def deliverable(records: pl.DataFrame, refused: pl.Series) -> pl.DataFrame:
    """The records without addresses of the `refused` domains, which take no mail."""
    if refused.is_empty():
        return records
    return records.with_columns(
        pl.when(~domain_of(name).is_in(refused.implode()).fill_null(value=False)).then(name)
        for name in EMAILS
        if name in records.columns
    )


def domain_of(name: str) -> pl.Expr:
    """The domain of the normalised addresses in a column."""
    return pl.col(name).str.extract(r"@([^@]*)$", 1)
