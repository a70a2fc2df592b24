"""Text is folded to be compared, and cleaned to be shown."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.standardise.fold import (
    clean_text,
    cleaned,
    fold_text,
    folded,
    on_distinct,
    once_for,
)

FOLDED = [
    ("case does not matter", "SMITH", "smith"),
    ("accents do not matter", "Éléonore Müller", "eleonore muller"),
    ("accents written apart do not matter", "E\u0301le\u0301onore", "eleonore"),
    ("letters without a decomposition are spelled out", "Łódź Straße Æsir Þór Đỗ", None),
    ("apostrophes of all kinds vanish", "O'Brien O’Brien Oʼbrien", "obrien obrien obrien"),
    ("hyphens and other signs are a blank", "Ann-Marie/Smith, (Jr.)", "ann marie smith jr"),
    ("what cannot be seen is not there", "Jo\u200bhn\u202e \ufeffSmith\u00ad", "john smith"),
    ("blanks of all kinds are one blank", "  a\u00a0\u2003b\t\nc ", "a b c"),
    ("full-width letters are letters", "Ｊｏｈｎ", "john"),
    ("mathematical letters are letters", "𝐉𝐨𝐡𝐧", "john"),
    ("a Cyrillic letter inside a Latin word is the Latin one", "Jоhn Smіth", "john smith"),
    ("a Cyrillic name is written in Latin letters", "Иванов", "ivanov"),
    ("and so is one beside a Latin one", "Anna Петрова", "anna petrova"),
    ("soft and hard signs are no letters", "Ольга Подъячева", "olga podyacheva"),
    ("a final sigma is a sigma", "ΟΔΟΣ", "odos"),
    ("Greek vowels together are one sound", "Παύλος Παπαδόπουλος", "pavlos papadopoulos"),
    ("vowel signs of Indic scripts are vowels", "श्रीनिवास", "srinivas"),
    ("Arabic has its consonants", "فيصل صديقي", "fysl sdyqy"),
    ("Korean syllables are one word", "김민수", "gimminsu"),
    ("Chinese characters stay, for many sound alike", "王伟", "王伟"),
    ("and beside Latin ones too", "Wang 伟", "wang 伟"),
    ("only punctuation is no text", " -.- ", None),
    ("nothing is no text", "", None),
]


@pytest.mark.parametrize(("why", "text", "expected"), FOLDED, ids=[case[0] for case in FOLDED])
def test_text_is_folded(why: str, text: str, expected: str | None) -> None:
    if why.startswith("letters without"):
        expected = "lodz strasse aesir thor do"

    answer = pl.DataFrame({"text": [text]}).select(fold_text(pl.col("text"))).item()

    assert answer == expected, why


def test_the_display_form_keeps_accents_and_case() -> None:
    text = " Ele\u0301onore\u200b \u00a0 O’BRIEN\x07 "

    answer = pl.DataFrame({"text": [text]}).select(clean_text(pl.col("text"))).item()

    assert answer == "Eléonore O’BRIEN"


def test_the_answer_of_a_value_does_not_depend_on_its_neighbours() -> None:
    texts = pl.Series(["Smith", None, "Müller", "ΟΔΟΣ", "Jоhn", "x-y", "", "Smith"])

    together = folded(texts)

    alone = [folded(pl.Series([text], dtype=pl.String)).item() for text in texts]
    assert together.to_list() == alone


@pytest.mark.parametrize(("times", "worked_on"), [(1, 5), (20, 3)])
def test_work_on_distinct_values_answers_every_row_in_order(times: int, worked_on: int) -> None:
    values = pl.Series(["b", None, "a", "b", None] * times)
    seen: list[int] = []

    def work(some: pl.Series) -> pl.DataFrame:
        seen.append(some.len())
        return pl.DataFrame({"twice": some + some})

    answer = on_distinct(values, work)

    assert answer["twice"].to_list() == ["bb", None, "aa", "bb", None] * times
    assert seen == [worked_on]  # of few values it is not found out which repeat


@given(st.lists(st.text(max_size=20), min_size=1, max_size=20))
@settings(deadline=None)
def test_folding_twice_changes_nothing(texts: list[str]) -> None:
    once = folded(pl.Series(texts))

    twice = folded(once)

    assert twice.to_list() == once.to_list()


@given(st.lists(st.text(max_size=20), min_size=1, max_size=20))
@settings(deadline=None)
def test_cleaning_twice_changes_nothing(texts: list[str]) -> None:
    once = cleaned(pl.Series(texts))

    twice = cleaned(once)

    assert twice.to_list() == once.to_list()


@given(st.text(alphabet=st.characters(max_codepoint=0x24F), max_size=20))
@settings(deadline=None)
def test_text_that_looks_alike_is_compared_alike(text: str) -> None:
    series = pl.Series([text, text.upper().lower(), f" {text}\u200b "])

    answers = folded(series.str.normalize("NFD"))

    assert answers[0] == answers[2]
    assert answers.to_list() == folded(series).to_list()


def test_what_follows_from_an_object_is_worked_out_once_for_it_and_anew_for_another() -> None:
    worked: list[str] = []

    @once_for
    def length(words: list[str]) -> int:
        worked.append(words[0])
        return len(words)

    one, other = ["a"], ["b", "c"]

    assert [length(one), length(one), length(other), length(one)] == [1, 1, 2, 1]
    assert worked == ["a", "b", "a"]
