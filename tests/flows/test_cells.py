"""What a feed sends is compared with its own deliveries before, and rebuilds say the same."""

from pathlib import Path

from tests.flows.builders import Cells, Company, differences, found, person

EXPECT = "[expect]\ndrift_rows = 5\n"


def people(first: int, phone: str = "020 7946 0{:03}") -> list[Cells]:
    return [
        person(
            f"Ann{number}", "Miller", email=f"a{number}@mill.org", phone=phone.format(number % 1000)
        )
        for number in range(first, first + 6)
    ]


def company(folder: Path, expect: str = EXPECT) -> Company:
    made = found(folder)
    feed = made.settings.rules / "feeds" / "forms" / "feed.toml"
    feed.write_text(feed.read_text("utf-8") + expect, "utf-8")
    return made


def told(of: Company) -> dict[int, list[str]]:
    """The sentences on drift by delivery number."""
    rows = of.ask("select delivery_number, notes from deliveries").iter_rows()
    return {
        number: [note for note in notes or [] if note.startswith("drift")] for number, notes in rows
    }


def test_a_column_that_empties_is_named_with_the_delivery(tmp_path: Path) -> None:
    forms = company(tmp_path)
    for number, rows in enumerate([people(0), people(10), people(20, phone="")], start=1):
        forms.drop("forms", rows, name=str(number))

    forms.night(1)

    assert told(forms) == {
        1: [],
        2: [],
        3: ["drift: of phone ('phone') 100% are empty (in the 2 deliveries before 0%)"],
    }


def test_a_rebuild_names_what_the_nights_named(tmp_path: Path) -> None:
    forms = company(tmp_path / "one", EXPECT + "hold_on_drift = true\n")
    forms.drop("forms", people(0), name="1")
    forms.night(1)
    forms.drop("forms", people(10, phone=""), name="2")
    forms.night(2)
    held = forms.ask("select * from deliveries where state = 'held'").row(0, named=True)
    forms.drop("forms", people(20), name="3")
    forms.night(3)
    forms.decide("release", sha256=held["delivery_id"])
    forms.night(4)
    forms.drop("forms", people(30, phone="none"), name="5")
    forms.night(5)

    anew = forms.anew(tmp_path / "anew")
    anew.rebuild(5)

    assert held["reason"].startswith("drift: of phone ('phone') 100% are empty")
    assert [bool(notes) for _, notes in sorted(told(forms).items())] == [False, False, True, False]
    assert forms.ask("select count(*) from deliveries where state = 'held'").item() == 1
    assert differences(forms.tables(), anew.tables()) == {}


def test_what_has_drifted_is_taken_in_unless_the_feed_holds_it(tmp_path: Path) -> None:
    forms = company(tmp_path)
    forms.drop("forms", people(0), name="1")
    forms.drop("forms", people(10, phone="abc"), name="2")

    forms.night(1)

    assert forms.ask("select distinct state from deliveries").to_series().to_list() == ["taken_in"]
    assert told(forms)[2] == [
        "drift: of phone ('phone') 100% are words (in the delivery before 0%)"
    ]
