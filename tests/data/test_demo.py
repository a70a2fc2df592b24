"""The made-up company is the same every time, complete, and harms nobody."""

import csv
import gzip
import runpy
import tomllib
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from io import StringIO
from pathlib import Path

import phonenumbers
import polars as pl
import pytest
from email_validator import validate_email

from rules.feed import Feed

ROOT = Path(__file__).parents[2]
generate: Callable[..., None] = runpy.run_path(str(ROOT / "data/demo/generate.py"))["generate"]

FEEDS = {
    path.parent.name: Feed.model_validate(tomllib.loads(path.read_text("utf-8")))
    for path in sorted((ROOT / "rules/feeds").glob("*/feed.toml"))
}
DEMO_SOURCES = (
    "alpha_loyalty", "beta_insurance", "expo_leads", "front_desk", "web_signup", "webinar"
)  # fmt: skip


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("company")
    generate(out, people=150)
    return out


def test_the_same_seed_gives_the_same_bytes(company: Path, tmp_path: Path) -> None:
    generate(tmp_path, people=150)

    assert _contents(tmp_path) == _contents(company)


def test_another_seed_gives_other_people(company: Path, tmp_path: Path) -> None:
    generate(tmp_path, people=150, seed=8)

    ours, others = (pl.read_parquet(out / "truth_people.parquet") for out in (company, tmp_path))
    assert ours.height == others.height == 150
    assert not ours.equals(others)


@pytest.mark.parametrize("source", DEMO_SOURCES)
def test_every_feed_has_a_delivery_on_the_first_night(company: Path, source: str) -> None:
    pattern = FEEDS[source].read.path

    assert [name for name in _deliveries(company, 1) if fnmatchcase(name, pattern)]


@pytest.mark.parametrize("night", [1, 2, 3])
def test_every_delivery_belongs_to_exactly_one_feed(company: Path, night: int) -> None:
    for name in _deliveries(company, night):
        owners = [feed.source for feed in FEEDS.values() if fnmatchcase(name, feed.read.path)]

        assert owners == [name.split("/")[0]]


def test_the_truth_covers_every_delivered_row_exactly_once(company: Path) -> None:
    place = ["night", "file", "row_number"]
    told = pl.concat(
        pl.read_parquet(company / name).select(place)
        for name in ("truth.parquet", "truth_invalid.parquet")
    )

    delivered = [
        (night, name, number)
        for night in (1, 2, 3)
        for name in _deliveries(company, night)
        for number in _row_numbers(company / f"night_{night}" / name)
    ]
    assert sorted(told.rows()) == sorted(delivered)


def test_a_key_is_always_the_same_person(company: Path) -> None:
    keyed = pl.read_parquet(company / "truth.parquet").drop_nulls("record_id")

    people = keyed.group_by("record_id").agg(pl.col("entity_id").n_unique())
    assert people.get_column("entity_id").max() == 1


def test_every_good_row_has_a_person(company: Path) -> None:
    truth = pl.read_parquet(company / "truth.parquet")

    assert truth.get_column("entity_id").null_count() == 0
    assert truth.get_column("household_id").null_count() == 0


def test_nobody_is_twice_in_the_source_that_is_free_of_duplicates(company: Path) -> None:
    truth = pl.read_parquet(company / "truth.parquet").filter(source="alpha_loyalty")

    keys = truth.group_by("entity_id").agg(pl.col("source_key").n_unique())
    assert keys.get_column("source_key").max() == 1


def test_the_list_of_the_first_night_comes_again_byte_for_byte(company: Path) -> None:
    first = company / "night_1/expo_leads/leads_2026-02-27.csv"
    again = company / "night_2/expo_leads/leads_2026-02-27 (1).csv"

    assert again.read_bytes() == first.read_bytes()


def test_the_list_of_the_third_night_has_a_column_that_its_feed_does_not_know(
    company: Path,
) -> None:
    held = company / "night_3/expo_leads/leads_2026-03-04.csv"
    feed = FEEDS["expo_leads"]

    header = held.read_text("cp1252").splitlines()[1].split(";")
    assert set(header) - set(feed.columns) - set(feed.ignore) == {"LinkedIn"}


@pytest.mark.parametrize("night", [2, 3])
def test_the_dump_loses_members_but_fewer_than_its_limit(company: Path, night: int) -> None:
    before, after = _members(company, night - 1), _members(company, night)

    gone = len(before - after) / len(before)
    assert 0 < gone <= FEEDS["alpha_loyalty"].expect.withdrawn_share


def test_every_kind_of_event_happens(company: Path) -> None:
    events = pl.read_parquet(company / "truth_events.parquet").get_column("event").unique()

    assert {"withdrawn", "deleted", "consent withdrawn", "email changed"} <= set(events)


def test_every_phone_is_valid_in_its_own_country(company: Path) -> None:
    people = (
        pl.read_parquet(company / "truth_people.parquet").explode("phones").drop_nulls("phones")
    )

    for country, phone in people.select("country", "phones").iter_rows():
        number = phonenumbers.parse(phone)
        assert phonenumbers.is_valid_number_for_region(number, country), phone


def test_no_private_phone_is_in_two_households(company: Path) -> None:
    people = (
        pl.read_parquet(company / "truth_people.parquet").explode("phones").drop_nulls("phones")
    )

    homes = people.group_by("phones").agg(pl.col("household_id").n_unique())
    assert homes.get_column("household_id").max() == 1


def test_no_mail_could_ever_arrive(company: Path) -> None:
    people = pl.read_parquet(company / "truth_people.parquet")

    for email in people.get_column("emails").explode():
        domain = validate_email(email, check_deliverability=False).domain
        assert domain.endswith((".example", "example.com", "example.net", "example.org")), email


def _contents(out: Path) -> dict[str, bytes]:
    files = sorted(path for path in out.rglob("*") if path.is_file())
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def _deliveries(out: Path, night: int) -> list[str]:
    folder = out / f"night_{night}"
    return [path.relative_to(folder).as_posix() for path in sorted(folder.glob("*/*"))]


def _members(out: Path, night: int) -> set[str]:
    path = next((out / f"night_{night}").glob("alpha_loyalty/*"))
    return set(pl.read_parquet(path).get_column("member_no").drop_nulls())


def _row_numbers(path: Path) -> Iterator[int]:
    """Where the rows of a delivery are, found without the generator."""
    if path.suffix == ".parquet":
        return iter(range(1, pl.read_parquet(path).height + 1))
    if path.suffix == ".xlsx":
        sheet = pl.read_excel(path, sheet_name="Registrations", read_options={"header_row": 2})
        return iter(range(4, 4 + sheet.height))
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode(
        "cp1252", "replace"
    )
    if path.suffix == ".ndjson":
        return iter(range(1, text.count("\n") + 1))
    if path.parent.name == "expo_leads":
        return iter(range(3, text.count("\n")))
    return _csv_starts(text)


def _csv_starts(text: str) -> Iterator[int]:
    """The header is row 1, and a cell of several lines is in one row."""
    return iter(range(2, len(list(csv.reader(StringIO(text)))) + 1))
