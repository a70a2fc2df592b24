"""What a masked text shows, and what it never does."""

import pytest

from transforms.shape import shape, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ann Ashworth", "Xxx Xxxxxxxx"),
        ("ann@example.com", "xxx@xxxxxxx.xxx"),
        ("+44 7911 123456", "+00 0000 000000"),
        ("Zoë Ćwikła", "Xxx Xxxxxx"),
        ("e\N{COMBINING ACUTE ACCENT}", "xx"),
        ("山田 太郎", "xx xx"),
        ("١٩٨٠", "0000"),
        ("<script>", "<xxxxxx>"),
        ("a\N{RIGHT-TO-LEFT OVERRIDE}b\0c\nd", "x·x·x·x"),
        ("Ⓐⓝⓝ", "···"),
        ("", ""),
    ],
)
def test_a_shape_has_neither_letters_nor_digits_of_the_text(text, shown) -> None:
    assert shape(text, 60) == shown


def test_a_long_text_is_cut_and_says_so() -> None:
    assert shape("abcdef", 3) == "xxx…"
    assert shape("abc", 3) == "xxx"


def test_a_visible_text_steers_nothing() -> None:
    assert visible("gnp\N{RIGHT-TO-LEFT OVERRIDE}.csv\N{ZERO WIDTH SPACE}\x1b") == "gnp·.csv··"
    assert visible("forms/Größe 1.csv") == "forms/Größe 1.csv"
