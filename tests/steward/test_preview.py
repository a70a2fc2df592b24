"""The golden record that a steward is shown is the one that the next run publishes."""

import random
import re
from pathlib import Path

from steward.desk.preview import Preview, preview_merge
from steward.desk.survivors import as_text as text
from store.opened import Snapshot
from store.reading import Snapshots
from store.rulebook import Rulebook, read_rulebook
from tests.flows.builders import Cells, Company, found, person

PAIRS = 12
NAMES = re.findall(
    r"\w+",
    "Ada Boris Chidi Dolores Edgar Fatima Gunnar Hideko Ignatius Jadwiga Kofi Leopold Magdalena "
    "Nasser Oksana Percival Quentin Rosalind Svetlana Thaddeus Ursula Vikram Winifred Xochitl",
)
CITIES = ("London", "Leeds", "York", "Bath", "")


def somebody(chance: random.Random, name: str, number: int) -> Cells:
    """A person of whom every source says what it likes."""
    return person(
        name,
        f"{name[::-1].title()}{'ov' if number < 500 else 'sen'}",
        email=chance.choice(
            [f"{name}{number}@post.org".lower(), f"{name}{number}@mail.org".lower(), ""]
        ),
        phone=chance.choice([f"07400 {123400 + number}", f"07400 {223400 + number}"]),
        born=chance.choice([f"19{50 + number % 40}-0{1 + number % 9}-11", ""]),
        postcode=chance.choice(["SW1A 1AA", "N1 1AA", ""]),
        city=chance.choice(CITIES),
        news=chance.choice(["yes", "no", ""]),
    )


def company_of_pairs(folder: Path) -> Company:
    """Pairs of customers who have nothing to do with each other, from two sources."""
    company, chance = found(folder), random.Random(11)
    ours = [somebody(chance, NAMES[at], at) for at in range(PAIRS)]
    theirs = [somebody(chance, NAMES[-1 - at], 500 + at) for at in range(PAIRS)]
    days = [f"2026-0{1 + chance.randrange(2)}-1{chance.randrange(10)}T08:00:00Z" for _ in range(99)]
    company.drop("forms", [one | {"sent": day} for one, day in zip(ours, days, strict=False)])
    company.drop(
        "partner",
        [
            one | {"op": "I", "id": str(at), "changed": days[-1 - at]}
            for at, one in enumerate(theirs)
        ],
    )
    company.night(1)
    return company


def published(company: Company, record_id: str, rulebook: Rulebook) -> dict[str, str]:
    """What the snapshot says of the customer who has this record, by rule."""
    row = company.ask(
        "select c.* from customers c join crosswalk x using (customer_id) "
        f"where x.record_id = '{record_id}'"
    ).row(0, named=True)
    told = {}
    for field, rule in rulebook.survivorship.fields.items():
        values = [text(row[name]) for name in rule.group or (field,)]
        if any(values):
            told[field] = " ".join(value for value in values if value)
    return told


def previewed(snapshot: Snapshot, one: str, other: str, rulebook: Rulebook) -> Preview:
    sides = [
        snapshot.rows(
            "select * from records where founder = (select founder from crosswalk "
            "where record_id = $id) order by record_number",
            {"id": record_id},
        )
        for record_id in (one, other)
    ]
    return preview_merge(snapshot, *sides, rulebook)


def test_a_preview_is_what_the_next_run_publishes(tmp_path: Path) -> None:
    company = company_of_pairs(tmp_path / "company")
    rulebook = read_rulebook(company.settings.rules)
    ids = company.ask(
        "select record_id, source from crosswalk where is_active order by record_number"
    )
    ours = ids.filter(ids["source"] == "forms")["record_id"].to_list()
    theirs = ids.filter(ids["source"] == "partner")["record_id"].to_list()
    pairs = list(zip(ours, theirs, strict=False))[:PAIRS]
    snapshots = Snapshots(company.settings, lambda: None)
    with snapshots.reading() as snapshot:
        shown = [previewed(snapshot, one, other, rulebook) for one, other in pairs]
    snapshots.close()

    for one, other in pairs:
        company.decide("same", records=[one, other])
    company.night(2)

    assert len(pairs) > 6
    for (one, _), preview in zip(pairs, shown, strict=True):
        said = {chosen.field: chosen.value for chosen in preview.fields}
        assert said == published(company, one, rulebook)
