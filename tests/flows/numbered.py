"""A company in whose deliveries people have numbers, of two kinds."""

from pathlib import Path

from tests.flows.builders import Company, csv_of, found, person

COLUMNS = ("id", "first", "last", "email", "phone", "born", "tax")
FEED = """
source  = "{source}"
title   = "Who says a number"
channel = "partner_feed"
mode    = "delta"
owner   = "{source}@example.com"
trust   = 60
[read]
format    = "csv"
path      = "{source}/*.csv"
delimiter = ","
encoding  = "utf-8"
[columns]
"id"    = "source_key"
"first" = "first_name"
"last"  = "last_name"
"email" = "email"
"phone" = "phone"
"born"  = "birth_date"
"tax"   = "person_number"
[parse]
person_number = "{kind}"
region        = "GB"
"""
BEFORE = person("Beatrix", "Hartnell", id="1", email="beatrix@hartnell.net", tax="402-11-7788")
SINCE = person("Beatrix", "Okonkwo", id="2", email="b.okonkwo@mail.org", tax="402117788")
OTHER = person("Rufus", "Amberley", id="3", email="rufus@amberley.org", tax="555-12-0099")


def numbered(folder: Path) -> Company:
    """A company with two feeds that say numbers, of two kinds."""
    company = found(folder)
    for source, kind in (("tax_office", "tax"), ("club", "card")):
        text = FEED.format(source=source, kind=kind)
        (company.settings.rules / "feeds" / source).mkdir()
        (company.settings.rules / "feeds" / source / "feed.toml").write_text(text, "utf-8")
    return company


def send(company: Company, source: str, *rows: dict[str, str]) -> None:
    number = len(list((company.settings.inbox / source).glob("*")))
    company.drop_file(f"{source}/{number}-{rows[0]['id']}.csv", csv_of(COLUMNS, rows))
