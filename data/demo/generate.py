"""Write three nights of deliveries to a made-up company, and the truth about them.

    python data/demo/generate.py OUT_DIR [--people 2000] [--seed 7]

The same seed gives the same bytes. What is in each night is told in README.md beside this file.
"""

import argparse
import gzip
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import polars as pl

if str(Path(__file__).resolve().parents[1]) not in sys.path:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from demo.households import make_people
from demo.layouts import LAYOUTS, Written, expo_leads
from demo.nights import Plan, held_leads
from demo.people import Person, Register, e164
from demo.records import Event, Record

PATHS = {
    1: {
        "alpha_loyalty": "alpha_loyalty/members_20260302.parquet",
        "beta_insurance": "beta_insurance/changes_20260302.csv",
        "expo_leads": "expo_leads/leads_2026-02-27.csv",
        "front_desk": "front_desk/desk_2026-03-02.csv",
        "web_signup": "web_signup/forms_2026-03-02.ndjson",
        "webinar": "webinar/registrations_2026-02-24.xlsx",
    },
    2: {
        "alpha_loyalty": "alpha_loyalty/members_20260303.parquet",
        "beta_insurance": "beta_insurance/changes_20260303.csv.gz",
        "front_desk": "front_desk/desk_2026-03-03.csv",
        "web_signup": "web_signup/forms_2026-03-03.ndjson",
        "webinar": "webinar/registrations_2026-03-02.xlsx",
    },
    3: {
        "alpha_loyalty": "alpha_loyalty/members_20260304.parquet",
        "beta_insurance": "beta_insurance/changes_20260304.csv",
        "front_desk": "front_desk/desk_2026-03-04.csv",
        "web_signup": "web_signup/forms_2026-03-04.ndjson",
    },
}
"""Each night's deliveries, by source, below the inbox."""

SENT_AGAIN = "expo_leads/leads_2026-02-27 (1).csv"
HELD = "expo_leads/leads_2026-03-04.csv"


@dataclass(frozen=True)
class Delivery:
    """One file of one night, with the records that are in it."""

    night: int
    source: str
    path: str
    records: Sequence[Record]
    written: Written
    fate: str = "accepted"


def generate(out: Path, people: int = 2000, seed: int = 7) -> None:
    """Write night_1, night_2 and night_3 and the truth files below `out`."""
    rng = Random(seed)
    register = Register(rng)
    everybody = make_people(people, register, rng)
    plan = Plan(everybody, register, rng)
    deliveries = [
        Delivery(night, source, path, rows, LAYOUTS[source](rows))
        for night, paths in PATHS.items()
        for source, path in paths.items()
        for rows in [plan.of(source, night)]
    ]
    deliveries += [_sent_again(deliveries), _held(held_leads(everybody, rng))]
    for delivery in deliveries:
        _write(out / f"night_{delivery.night}" / delivery.path, delivery.written.content)
    _write_truth(out, deliveries, everybody, plan.events)


def _sent_again(deliveries: Sequence[Delivery]) -> Delivery:
    """Night 2 brings the expo's list once more, under another name, byte for byte the same."""
    first = next(delivery for delivery in deliveries if delivery.source == "expo_leads")
    return Delivery(2, "expo_leads", SENT_AGAIN, first.records, first.written, "repeated")


def _held(records: Sequence[Record]) -> Delivery:
    """Night 3 brings a list with a column that nobody announced."""
    return Delivery(3, "expo_leads", HELD, records, expo_leads(records, extra_column=True), "held")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def _write_truth(
    out: Path, deliveries: Sequence[Delivery], people: Sequence[Person], events: Sequence[Event]
) -> None:
    rows = pl.DataFrame(
        [_truth(delivery, at) for delivery in deliveries for at in range(len(delivery.records))],
        infer_schema_length=None,
        orient="row",
    ).sort("night", "source", "file", "row_number")
    valid = rows.filter(pl.col("why").is_null()).drop("why")
    valid.write_parquet(out / "truth.parquet")
    invalid = rows.filter(pl.col("why").is_not_null()).drop("operation")
    invalid.write_parquet(out / "truth_invalid.parquet")
    files = [
        (each.night, each.source, each.path, len(each.records), each.fate) for each in deliveries
    ]
    columns = ["night", "source", "file", "row_count", "fate"]
    pl.DataFrame(files, schema=columns, orient="row").write_parquet(
        out / "truth_deliveries.parquet"
    )
    pl.DataFrame([_person(person) for person in people]).write_parquet(out / "truth_people.parquet")
    pl.DataFrame([asdict(event) for event in events]).write_parquet(out / "truth_events.parquet")
    (out / "README.md").write_text(_readme(deliveries, len(people)), "utf-8")


def _truth(delivery: Delivery, at: int) -> dict[str, object]:
    """Tell what is so of one delivered row; every row of a repeated or held file is refused."""
    row = delivery.records[at]
    refused = "delivery_is_a_repeat" if delivery.fate == "repeated" else row.why
    return {
        "night": delivery.night,
        "source": delivery.source,
        "file": delivery.path,
        "row_number": delivery.written.row_numbers[at],
        "source_key": row.key,
        "record_id": row.key and f"{row.source}:{row.key}",
        "entity_id": row.entity_id,
        "household_id": row.household_id,
        "operation": row.operation,
        "why": refused,
    }


def _person(person: Person) -> dict[str, object]:
    """Today's values; the lists hold all that were ever true."""
    home = person.homes[0]
    phones = [*person.mobiles, *(home.landline for home in person.homes if home.landline)]
    return {
        "entity_id": person.entity_id,
        "household_id": person.household_id,
        "country": person.country,
        "first_name": person.first_name,
        "last_name": person.last_names[0],
        "last_names": list(person.last_names),
        "birth_date": person.birth_date,
        "email": person.emails[0],
        "emails": [*person.emails, *filter(None, [person.work_email])],
        "phones": [e164(phone, person.country) for phone in phones],
        "address_line1": home.line1,
        "city": home.city,
        "postcode": home.postcode,
        "company": person.company.name if person.company else None,
    }


def _readme(deliveries: Sequence[Delivery], people: int) -> str:
    lines = [
        f"# The made-up company: {people} people, three nights", "",
        "Put the files of a night into the inbox, as they lie here. `truth.parquet` has one row",
        "per good row delivered, `truth_invalid.parquet` one per row to be refused, and why.", "",
        "| night | file | rows | fate |", "|---|---|---|---|",
    ]  # fmt: skip
    lines += [
        f"| {each.night} | {each.path} | {len(each.records)} | {each.fate} |"
        for each in sorted(deliveries, key=lambda each: (each.night, each.path))
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Write the made-up company's deliveries.")
    parser.add_argument("out", type=Path, metavar="OUT_DIR")
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    generate(given.out, given.people, given.seed)


if __name__ == "__main__":
    main()
