"""Names are taken apart, shown as people write them, and given keys to compare by."""

import itertools
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tests.lookups import LOOKUPS, read_cases, read_tables
from transforms.standardise import full_names
from transforms.standardise.fold import folded
from transforms.standardise.full_names import NameWords
from transforms.standardise.names import name_keys, standardise_names
from transforms.standardise.phonetic import phonetic_keys

OUT = (
    "title",
    "first_name",
    "middle_name",
    "last_name",
    "suffix",
    "company",
    "name_reason",
)


def standardised(order: str = "first_last", **fields: str | None) -> dict[str, Any]:
    frame = pl.DataFrame(
        {name: pl.Series([text], dtype=pl.String) for name, text in fields.items()}
    )
    answer = standardise_names(frame, order, LOOKUPS).row(0, named=True)
    return {name: value for name, value in answer.items() if value is not None}


def keys(**fields: str | None) -> dict[str, Any]:
    names = {"first_name": None, "middle_name": None, "last_name": None} | fields
    frame = pl.DataFrame([names], schema=dict.fromkeys(names, pl.String))
    return name_keys(frame, LOOKUPS).row(0, named=True)


@pytest.mark.parametrize("case", read_cases("names"), ids=lambda case: case["why"])
def test_a_full_name_is_taken_apart(case: dict[str, Any]) -> None:
    answer = standardised(case.get("order", "first_last"), full_name=case["given"])

    assert answer == case["expect"]


def test_titles_initials_and_suffixes_leave_first_and_last_name() -> None:
    answer = standardised(first_name="Dr. John A.", last_name="SMITH JR.")

    assert answer == {
        "title": "Dr",
        "first_name": "John",
        "middle_name": "A.",
        "last_name": "Smith",
        "suffix": "Jr",
    }


def test_an_initial_stays_where_there_is_a_middle_name() -> None:
    answer = standardised(first_name="John A.", middle_name="Brian")

    assert answer == {"first_name": "John A.", "middle_name": "Brian"}


def test_a_full_name_fills_what_is_missing_and_no_more() -> None:
    answer = standardised(full_name="Bob Smith", first_name="Robert")

    assert answer == {"first_name": "Robert", "last_name": "Smith"}


def test_a_name_with_a_comma_in_the_last_name_is_a_full_name() -> None:
    answer = standardised(first_name=None, last_name="Smith, John")

    assert answer == {"first_name": "John", "last_name": "Smith"}


def test_a_company_does_not_take_the_place_of_another() -> None:
    answer = standardised(full_name="Acme Ltd", company="Acme Group")

    assert answer == {
        "last_name": "Acme Ltd",
        "company": "Acme Group",
        "name_reason": "looks_like_a_company",
    }


def test_all_columns_come_out_whatever_came_in() -> None:
    frame = pl.DataFrame({"row_number": [1], "full_name": ["John Smith"], "email": ["a@b.example"]})

    answer = standardise_names(frame, "first_last", LOOKUPS)

    assert answer.columns[:2] == ["row_number", "email"]
    assert set(answer.columns[2:]) == set(OUT)


def test_a_particle_is_one_word_with_its_name_and_a_double_name_is_two() -> None:
    assert keys(last_name="van der Berg")["last_key"] == "vanderberg"
    assert keys(last_name="O'Brien")["last_key"] == keys(last_name="O Brien")["last_key"]
    assert keys(last_name="García-López")["last_key"] == "garcia lopez"
    assert keys(last_name="Ortega y Gasset")["last_key"] == "ortega gasset"


def test_a_nickname_has_the_root_of_its_name() -> None:
    bob, robert, alex = (keys(first_name=name) for name in ("Bob", "ROBERT", "Alex"))

    assert bob["first_key"] == "bob"
    assert bob["first_root"] == robert["first_root"] == "robert"
    assert alex["first_root"] == "alex"


def test_a_first_name_of_two_words_has_the_root_of_the_same_written_as_one() -> None:
    assert keys(first_name="Mary-Ann")["first_root"] == keys(first_name="Maryann")["first_root"]


def test_the_initial_is_the_first_letter_of_the_key() -> None:
    assert keys(first_name="Élodie")["initial"] == "e"
    assert keys(first_name=None)["initial"] is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("stephen", "steven"),
        ("schmidt", "smith"),
        ("kowalski", "kovalski"),
        ("catherine", "kathryn"),
        ("mohammed", "muhamad"),
        ("mueller", "muller"),
        ("meyer", "maier"),
        ("thompson", "tomson"),
        ("philip", "filip"),
        ("knight", "night"),
        ("yusuf", "jusuf"),
        ("anna", "ana"),
    ],
)
def test_names_that_sound_alike_have_one_sound(one: str, other: str) -> None:
    sounds = phonetic_keys(pl.Series([one, other]))

    assert sounds[0] == sounds[1]


@pytest.mark.parametrize(
    ("one", "other"), [("martin", "morgan"), ("anna", "hanna"), ("smith", "jones"), ("lee", "roy")]
)
def test_names_that_sound_otherwise_have_two_sounds(one: str, other: str) -> None:
    sounds = phonetic_keys(pl.Series([one, other]))

    assert sounds[0] != sounds[1]


def test_chinese_characters_sound_as_they_are_spoken() -> None:
    sounds = phonetic_keys(pl.Series(["杰", "jie", "小明", "xiao ming", None])).to_list()

    assert sounds == [sounds[1], sounds[1], sounds[3], sounds[3], None]


@pytest.mark.parametrize(
    ("written", "first", "last"),
    [
        ("王小明", "小明", "王"),
        ("王 小明", "小明", "王"),
        ("欧阳娜娜", "娜娜", "欧阳"),
        ("김민수", "민수", "김"),
        ("남궁 민수", "민수", "남궁"),
        ("田中 さくら", "さくら", "田中"),
        ("Сергей Иванов", "Сергей", "Иванов"),
    ],
)
@pytest.mark.parametrize("order", ["first_last", "last_first"])
def test_the_family_is_in_front_where_names_are_written_so(
    written: str, first: str, last: str, order: str
) -> None:
    given = written if order == "first_last" or "в" not in written else f"{last} {first}"

    found = standardised(order, full_name=given)

    assert found == {"first_name": first, "last_name": last}


def test_a_name_without_a_blank_whose_family_is_not_known_stays_whole() -> None:
    assert standardised(full_name="田中太郎") == {"first_name": "田中太郎"}


@pytest.mark.parametrize(
    ("cyrillic", "latin"),
    [("Сергей Иванов", "Sergei Ivanov"), ("Юлия Щербакова", "Yulia Shcherbakova")],
)
def test_a_name_in_another_script_has_the_keys_of_the_same_in_latin_letters(
    cyrillic: str, latin: str
) -> None:
    names = pl.DataFrame({"full_name": [cyrillic, latin]})

    keys = name_keys(standardise_names(names, "first_last", LOOKUPS), LOOKUPS)

    assert keys["last_key"].n_unique() == 1
    assert keys["first_phonetic"].n_unique() == 1


@pytest.mark.parametrize("given", ["John Jr.", "John, Jr", "John II"])
def test_a_generation_behind_a_first_name_is_a_suffix(given: str) -> None:
    found = standardised(first_name=given, last_name="Smith")

    assert (found["first_name"], found["last_name"]) == ("John", "Smith")
    assert found["suffix"] in {"Jr", "II"}


def test_a_generation_is_not_dropped_where_there_is_another_suffix() -> None:
    found = standardised(first_name="John Jr", last_name="Smith", suffix="PhD")

    assert found == {"first_name": "John Jr", "last_name": "Smith", "suffix": "PhD"}


WORDS = st.sampled_from(
    [
        *("John", "SMITH", "jane", "Müller", "O'BRIEN", "mcdonald", "van", "DER", "de", "La", "y"),
        *("Dr.", "Mr", "Prof.", "Jr.", "III", "PhD", "&", "and", ",", "A.", "B", "J.R.", "JD", "-"),
        *("Ltd", "GmbH", "AG", '"Bob"', "(Liz)", "ß", "ǆ", "Ng", "李", "Анна", "d'", "Sr", "med."),
    ]
)
NAMES = st.one_of(st.none(), st.lists(WORDS, max_size=5).map(" ".join), st.text(max_size=12))


@given(
    st.lists(st.tuples(*[NAMES] * 6), min_size=1, max_size=8),
    st.sampled_from(["first_last", "last_first"]),
)
@example([(None, None, "Robert Jr A", None, None, None)], "first_last")
@settings(deadline=None, max_examples=40)
def test_standardising_names_twice_changes_nothing(rows: list[Any], order: str) -> None:
    columns = ("full_name", "title", "first_name", "middle_name", "last_name", "suffix")
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
    once = standardise_names(frame, order, LOOKUPS)

    twice = standardise_names(once, order, LOOKUPS)

    assert_frame_equal(twice, once)


@given(st.lists(NAMES, min_size=2, max_size=6))
@settings(deadline=None, max_examples=25)
def test_the_order_of_names_does_not_matter(names: list[str | None]) -> None:
    frame = pl.DataFrame({"full_name": names}, schema={"full_name": pl.String})

    forwards = standardise_names(frame, "first_last", LOOKUPS)
    backwards = standardise_names(frame.reverse(), "first_last", LOOKUPS)

    assert_frame_equal(forwards, backwards.reverse())


@pytest.mark.parametrize("order", ["first_last", "last_first", "last_comma_first"])
def test_reading_all_rows_at_once_and_word_by_word_agree(
    order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [
        "John",
        "Mary-Ann",
        "O'Brien",
        "McDonald",
        "Éva",
        "A.",
        "B",
        "SMITH",
        "JD",
        "van",
        "Jr",
    ]
    texts = [" ".join(some) for n in (1, 2, 3) for some in itertools.product(words, repeat=n)]
    names, known = pl.Series(texts), NameWords.of(LOOKUPS)
    at_once = full_names.split_full_names(names, order, known)

    monkeypatch.setattr(full_names, "_PLAIN", "^$")
    by_word = full_names.split_full_names(names, order, known)

    assert_frame_equal(at_once, by_word)


def test_every_root_is_a_name_and_not_a_nickname() -> None:
    roots, nicknames = set(LOOKUPS.nicknames.values()), LOOKUPS.nicknames

    assert {root for root in roots if nicknames[root] != root} == set()


def test_a_lookup_that_is_missing_or_unknown_is_an_error() -> None:
    tables = read_tables()

    with pytest.raises(ValueError, match="titels"):
        type(LOOKUPS).from_tables({**tables, "titels": {}})
    with pytest.raises(ValueError, match="months"):
        type(LOOKUPS).from_tables({name: t for name, t in tables.items() if name != "months"})


def test_a_word_of_two_meanings_is_an_error() -> None:
    tables = read_tables()
    tables["nicknames"] = {"robert": ["bob"], "bobina": ["bob"]}

    with pytest.raises(ValueError, match="'bob' means both"):
        type(LOOKUPS).from_tables(tables)


@pytest.mark.parametrize("table", ["nicknames", "titles", "suffixes", "countries", "street_words"])
def test_folding_a_lookup_brings_no_two_meanings_together(table: str) -> None:
    meanings: dict[str, set[str]] = {}
    words: dict[str, str] = getattr(LOOKUPS, table)

    for key, meaning in zip(folded(pl.Series(list(words))), words.values(), strict=True):
        meanings.setdefault(key, set()).add(meaning)

    assert {key: found for key, found in meanings.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("given", "expect"),
    [
        ({"first_name": "Shane Stacy"}, ("Shane", "Stacy")),
        ({"first_name": "MARIA ANNA-LENA EVA"}, ("Maria", "Anna-Lena Eva")),
        ({"first_name": "Shane Stacy", "middle_name": "Q."}, ("Shane Stacy", "Q.")),
        ({"first_name": "J. Robert"}, ("J. Robert", None)),
        ({"first_name": "Tom & Jane"}, ("Tom & Jane", None)),
        ({"first_name": "Hans-Otto"}, ("Hans-Otto", None)),
    ],
)
def test_of_a_list_of_given_names_the_first_is_the_first_name(
    given: dict[str, str], expect: tuple[str, str | None]
) -> None:
    frame = pl.DataFrame([{"last_name": "Lee"} | given])

    told = standardise_names(frame, "first_last", LOOKUPS, given_names=True)

    assert told.select("first_name", "middle_name").row(0) == expect


@pytest.mark.parametrize(
    ("given", "order"),
    [
        ({"full_name": "Alivar Botteon Júnior"}, "first_last"),
        ({"full_name": "ALIVAR BOTTEON JÚNIOR"}, "first_last"),
        ({"full_name": "Botteon Júnior, Alivar"}, "last_comma_first"),
        ({"first_name": "Alivar", "last_name": "Botteon Júnior"}, "first_last"),
    ],
)
def test_a_suffix_is_known_however_its_language_spells_it(
    given: dict[str, str], order: str
) -> None:
    found = standardised(order, **given)

    assert (found["first_name"], found["last_name"], found["suffix"]) == ("Alivar", "Botteon", "Jr")
