"""A person who is erased is in nothing that is kept, and does not come back unasked."""

import gzip
import json
import shutil
import zipfile
from pathlib import Path

import polars as pl
import pytest

from flows.erasing import carry_out
from flows.erasing.erase import Asked, Done, erase
from flows.nightly import Night
from store.erasures import Erasures
from store.lock import one_writer
from store.spool import make_entry
from store.spool_writer import SpoolWriter
from tests.flows import laws
from tests.flows.builders import (
    PERSON,
    Company,
    differences,
    found,
    night_time,
    person,
    quiet,
    touchstone_here,
)
from tests.flows.searching import places_of
from tests.shared import Shared

JANE = person(
    "Jane", "Quillfeather", email="jane@quillfeather.net", phone="07911 123499",
    born="1971-03-09", postcode="TR1 2AB", city="Truro", news="yes",
)  # fmt: skip
BOB = person("Robert", "Miller", email="robert@millers.org", phone="07911 123402", city="Leeds")
TOM = person("Tom", "Baker", email="tom.baker@mail.org", born="1985-03-03", city="York")
TELLING = [
    "quillfeather",
    "jane@",
    "7911123499",
    "7911 123499",
    "m77001",
    "p88001",
    "tr1 2ab",
    "1971-03-09",
]
"""What is Jane's alone."""


FEED = """
source  = "{source}"
title   = "Sent as {format}"
channel = "{channel}"
mode    = "append"
owner   = "{source}@example.com"
trust   = 50
[read]
format = "{format}"
path   = "{source}/*"
[columns]
{key}
"first" = "first_name"
"last"  = "last_name"
"email" = "email"
"phone" = "phone"
"born"  = "birth_date"
"postcode" = "postcode"
"city"  = "city"
"news"  = "consent_email"
[parse]
region = "GB"
"""
POSTED = '"intake.id" = "source_key"\n"intake.received_at" = "updated_at"'
FORMATS = {"sheets": "xlsx", "tables": "parquet", "documents": "json", "packed": "csv"}


def send_in_every_format(company: Company) -> None:
    """Add a feed for each format, and a delivery of each in which Jane is one of three."""
    rows = pl.DataFrame([{**BOB, "city": "Hull"}, JANE, TOM], schema=[*PERSON], orient="row")
    for source, kind in {**FORMATS, "posts": "ndjson"}.items():
        key = POSTED if source == "posts" else ""
        channel = "web_form" if source == "posts" else "partner_feed"
        text = FEED.format(source=source, format=kind, key=key, channel=channel)
        if source == "posts":
            text += '[intake]\nrequired = ["email|phone"]\n'
        (company.settings.rules / "feeds" / source).mkdir()
        (company.settings.rules / "feeds" / source / "feed.toml").write_text(text, "utf-8")
        (company.settings.inbox / source).mkdir(parents=True)
    rows.write_excel(company.settings.inbox / "sheets" / "1.xlsx")
    rows.write_parquet(company.settings.inbox / "tables" / "1.parquet")
    (company.settings.inbox / "documents" / "1.json.gz").write_bytes(
        gzip.compress(json.dumps(rows.to_dicts()).encode("utf-16"))
    )
    with zipfile.ZipFile(company.settings.inbox / "packed" / "1.zip", "w", 8) as archive:
        archive.writestr("1.csv", rows.write_csv())


def post(company: Company, post_id: str, received_at: str, **cells: str) -> None:
    """Post to the spool, as the app keeps it."""
    company.settings.spool.mkdir(exist_ok=True)
    writer = SpoolWriter(company.settings.spool, {})
    content = json.dumps(cells).encode()
    assert writer.append([make_entry("posts", post_id, received_at, content)]) == [None]
    writer.close()


def with_jane(folder: Path) -> Company:
    """A company that knows Jane from three sources, by two nights, with decisions about her."""
    company = found(folder)
    company.drop("forms", [JANE | {"sent": "2026-02-01"}, BOB, "jane@quillfeather.net"], name="1")
    company.drop("members", [{"no": "M77001", **JANE}, {"no": "M2", **TOM}], name="1")
    company.night(1)
    company.drop("partner", [{"op": "upsert", "id": "P88001", **JANE, "city": "Bath"}], name="2")
    company.drop("members", [{"no": "M77001", **JANE}, {"no": "M2", **TOM}, {"no": "M3", **BOB}])
    company.drop_file("members/odd.csv", f"what is this\n{JANE['email']}\n")
    company.night(2)
    company.decide("same", records=["partner:P88001", "members:M77001"])
    company.decide("different", records=["partner:P88001", "members:M2"])
    company.decide("value", records=["partner:P88001"], field="city", value="Quillfeather Hall")
    return company


@pytest.fixture(scope="module")
def whole(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Company:
    return shared.company(with_jane, tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def without(whole: Company, tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The same company after Jane was erased."""
    company = copy_of(whole, tmp_path_factory.mktemp("without"))
    gone(company, *janes(company))
    return company


@pytest.fixture(scope="module")
def delivered_again(
    whole: Company, without: Company, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Company, Night]:
    """A night later, in which all send Jane again, one of them in its very file of before."""
    company = copy_of(without, tmp_path_factory.mktemp("again"))
    bob = {"no": "M3", **BOB, "city": "Bath"}
    company.drop("members", [{"no": "M77001", **JANE}, {"no": "M2", **TOM}, bob])
    company.drop(
        "partner",
        [
            {"op": "upsert", "id": "P5", **BOB},
            {"op": "upsert", "id": "P6", "first": "J.", "last": "QUILLFEATHER",
             "phone": "+44 7911 123499"},
            {"op": "upsert", "id": "P88001", "first": "Somebody", "last": "Else"},
        ],
    )  # fmt: skip
    company.drop("forms", [{"email": " Jane@Quillfeather.net", "last": "Quillfeather"}])
    first = whole.settings.raw / "000001" / "payload"
    company.drop_file("forms/again.csv", first.read_text("utf-8"))
    return company, company.night(4)


def janes(company: Company) -> list[str]:
    """Whatever customers the many records of Jane make, blocks being as small as they are."""
    asked = "select customer_id from customers where last_name = 'Quillfeather' order by all"
    return company.ask(asked)["customer_id"].to_list()


def copy_of(company: Company, folder: Path) -> Company:
    shutil.copytree(company.settings.data, folder / "data", symlinks=True)
    return Company(folder, company.settings.model_copy(update={"data": folder / "data"}))


def gone(company: Company, *ids: str, night: int = 2, only: bool = False) -> Done:
    return erase(company.settings, Asked(ids, only, "dpo"), night_time(night), quiet)


def customer_of(company: Company, record_id: str) -> str:
    name = company.ask(f"select customer_id from crosswalk where record_id = '{record_id}'")
    return str(name.item())


def published(company: Company, last_name: str) -> int:
    asked = f"select count(*) from customers where last_name = '{last_name}'"
    return int(company.ask(asked).item())


def erased_rows(company: Company) -> list[tuple[str, int]]:
    asked = "select d.source, row_number from quarantine join deliveries d using (delivery_id) "
    rows = company.ask(asked + "where reasons = ['erased'] and run_id = 'R0004' order by all")
    return list(rows.iter_rows())


def test_nothing_of_a_person_who_was_erased_is_in_any_byte(
    whole: Company, without: Company
) -> None:
    before = places_of(whole.settings.data, TELLING)

    after = places_of(without.settings.data, TELLING)

    assert [text for text, places in before.items() if not places] == []
    assert after == {text: [] for text in TELLING}
    assert published(without, "Baker") == 1
    laws.values_have_sources(without)


def test_whatever_format_a_person_came_in_nothing_of_them_is_left(tmp_path: Path) -> None:
    company = found(tmp_path)
    send_in_every_format(company)
    post(company, "post-5501", "2026-03-01T10:00:00Z", **JANE)
    company.night(1)
    post(company, "post-5502", "2026-03-01T23:00:00Z", **JANE)
    telling = [*(text for text in TELLING if text[0] not in "mp"), "post-5501"]
    before = places_of(company.settings.data, telling)

    gone(company, *janes(company))

    assert [text for text, places in before.items() if not places] == []
    assert places_of(company.settings.data, telling) == {text: [] for text in telling}
    for last_name in ("Baker", "Miller"):
        kept = company.ask(
            f"select sum(record_count) from customers where last_name = '{last_name}'"
        )
        assert kept.item() == len(FORMATS)
    laws.decisions_rule(company)


def test_the_receipt_says_what_was_removed_and_whose_it_was_by_id_alone(
    whole: Company, without: Company
) -> None:
    receipt = json.loads((without.settings.data / "receipts/erasure-000001.json").read_text())

    assert sorted(receipt["customers"]) == janes(whole)
    assert receipt["records_by_source"] == {"forms": 1, "members": 1, "partner": 1}
    assert receipt["removed"]["rows"] == 6
    assert receipt["removed"]["decisions"] == 3
    assert receipt["removed"]["snapshots"] == 2
    changes = without.ask("select customer_id from changes where change = 'erased' order by all")
    assert changes["customer_id"].to_list() == janes(whole)


def test_a_rebuild_after_an_erasure_gives_the_same_tables(
    delivered_again: tuple[Company, Night], tmp_path: Path
) -> None:
    company, _ = delivered_again
    anew = company.anew(tmp_path / "anew")

    anew.rebuild(4)

    assert differences(company.tables(), anew.tables()) == {}


def test_a_person_who_was_erased_and_is_delivered_again_does_not_come_back(
    delivered_again: tuple[Company, Night],
) -> None:
    company, _ = delivered_again

    assert erased_rows(company) == [("forms", 2), ("members", 2), ("partner", 3), ("partner", 4)]
    assert published(company, "Quillfeather") == 0
    assert places_of(company.settings.data, TELLING) == {text: [] for text in TELLING}
    counts = company.ask(
        "select row_count, quarantined_count, withdrawn_count from deliveries "
        "where run_id = 'R0004' and source = 'members'"
    )
    assert counts.row(0) == (3, 1, 0)


def test_a_consent_that_is_younger_than_the_erasure_makes_a_new_customer(
    whole: Company, without: Company, tmp_path: Path
) -> None:
    company = copy_of(without, tmp_path)
    company.drop("forms", [JANE | {"sent": "2026-03-01", "news": "yes", "city": "Old"}])
    company.drop("forms", [JANE | {"sent": "2026-03-04", "news": "no", "city": "Unasked"}])
    company.drop("forms", [JANE | {"sent": "2026-03-04", "news": "yes", "city": "Falmouth"}])

    company.night(4)

    back = company.ask("select customer_id, city from customers where last_name = 'Quillfeather'")
    assert back["city"].to_list() == ["Falmouth"]
    assert back["customer_id"].item() != customer_of(whole, "partner:P88001")


def test_a_file_that_was_redacted_is_known_when_it_comes_again(
    delivered_again: tuple[Company, Night],
) -> None:
    company, night = delivered_again

    assert night.inbox.repeated == ["forms/again.csv"]
    assert published(company, "Quillfeather") == 0


def test_others_keep_their_id_when_their_founder_is_erased(whole: Company, tmp_path: Path) -> None:
    company = copy_of(whole, tmp_path)
    name = customer_of(company, "partner:P88001")
    founder = company.ask(
        f"select min_by(record_id, record_number) from crosswalk where customer_id = '{name}'"
    ).item()

    done = gone(company, founder, only=True)

    assert done.receipts[0]["customers"] == []
    assert customer_of(company, "partner:P88001") == name
    anew = company.anew(tmp_path / "anew")
    anew.rebuild(3)
    assert differences(company.tables(), anew.tables()) == {}


def test_erasing_again_changes_nothing_and_says_so(without: Company, tmp_path: Path) -> None:
    company = copy_of(without, tmp_path)

    done = gone(company, "partner:P88001", night=4)

    assert done == Done([], ["partner:P88001"])
    assert len(Erasures(company.settings.raw).all()) == 1


@pytest.mark.parametrize("step", ["_strike", "write_receipt"])
def test_an_erasure_that_was_cut_short_is_finished_by_the_next_night(
    step: str, whole: Company, without: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = copy_of(whole, tmp_path)

    class KilledError(BaseException):
        pass

    def die(*_: object) -> None:
        raise KilledError

    ids = janes(company)
    with monkeypatch.context() as patch:
        patch.setattr(carry_out, step, die)
        with pytest.raises(KilledError):
            gone(company, *ids)

    company.night(2)

    assert Erasures(company.settings.raw).begun() == []
    assert places_of(company.settings.data, TELLING) == {text: [] for text in TELLING}
    assert differences(without.tables(), company.tables()) == {}


def test_an_erasure_is_refused_in_one_sentence_while_a_run_is_writing(
    without: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    with one_writer(without.settings.lock):
        answer = touchstone_here(without, capsys, "erase", "members:M2")

    assert answer.returncode == 1
    assert answer.stderr.startswith("touchstone: Another run is writing")
    assert len(answer.stderr.splitlines()) == 1


def test_all_that_is_held_on_a_person_can_be_written_for_them_alone(
    whole: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "held.html"
    words = ("export", "partner:P88001", "--json", "--out", str(page))

    answer = touchstone_here(whole, capsys, *words)

    held = json.loads(answer.stdout)
    assert page.stat().st_mode & 0o777 == 0o600
    assert "jane@quillfeather.net" in page.read_text("utf-8")
    assert "robert@millers.org" not in answer.stdout + page.read_text("utf-8")
    assert {version["record_id"] for version in held["versions"]} >= {
        "partner:P88001",
        "members:M77001",
    }
    assert "07911 123499" in [version["as_delivered"]["phone"] for version in held["versions"]]
    assert [one["run_id"] for one in held["snapshots"]] == ["R0001", "R0002"]
    assert [one["kind"] for one in held["decisions"]] == ["same", "different", "value"]
    assert held["consents"][0]["channel"] == "email"
    assert held["consents"][0]["holds"] == "true"


def test_requests_in_a_file_tell_by_name_and_contact_who_is_meant(
    whole: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "requests.csv"
    path.write_text(
        "request_id,full_name,email,date_of_birth,record_id\n"
        "one,Jane Quillfeather,JANE@quillfeather.net,,\n"
        "two,Tom Baker,,,\n"
        "three,,,,members:M2\n"
        "four,Jane Quilfeather-Moss,jane@quillfeather.net,,\n"
        "five,Joan Quillfeather,jane@quillfeather.net,,\n"
        "six,J. Quillfeather,jane@quillfeather.net,,\n"
        "seven,M. Quillfeather,jane@quillfeather.net,,\n",
        "utf-8",
    )

    answer = touchstone_here(whole, capsys, "erase", "--from", str(path), "--check", "--json")

    told = {one["request"]: (one["ids"], one["maybe"]) for one in json.loads(answer.stdout)}
    tom = customer_of(whole, "members:M2")
    assert told == {
        "one": (janes(whole), []),
        "two": ([], [tom]),
        "three": (["members:M2"], []),
        "four": (janes(whole), []),  # another last name, at an address that is hers
        "five": ([], janes(whole)),
        "six": (janes(whole), []),  # nobody else has that address
        "seven": ([], janes(whole)),
    }
