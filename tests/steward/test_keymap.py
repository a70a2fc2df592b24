"""People put the desk's letters on keys of their own, and no key does two things."""

import re
from pathlib import Path

import pytest

import steward
from steward.desk.keymap import LETTERS, MEANING, chosen_keymap, read_keymap
from steward.desk.refused import Refused


def test_what_was_chosen_is_read_again() -> None:
    cookie = chosen_keymap({"key_n": "M", "key_y": " 1 ", "key_u": "u", "key_s": ""})

    assert read_keymap(cookie) == {"n": "m", "y": "1"}


def test_two_letters_may_change_places() -> None:
    assert read_keymap(chosen_keymap({"key_y": "n", "key_n": "y"})) == {"n": "y", "y": "n"}


@pytest.mark.parametrize("key", ["s", "w2", "é", "?", "g", "="])
def test_a_key_that_cannot_be_or_has_a_meaning_already_is_refused(key: str) -> None:
    with pytest.raises(Refused):
        chosen_keymap({"key_n": key})


@pytest.mark.parametrize("cookie", ["n", "s=n", "d=n.d=y", "<=n", "d=q", "dd=n", "=", "d=n.=y"])
def test_a_cookie_that_is_no_map_changes_nothing(cookie: str) -> None:
    assert read_keymap(cookie) == {}


def test_a_key_that_has_got_a_meaning_since_it_was_chosen_stands_for_that() -> None:
    assert read_keymap("m=n.v=y") == {"n": "m"}


def test_everything_that_can_be_moved_is_a_letter_of_the_desk() -> None:
    assert set(MEANING) <= set(LETTERS)


def test_every_letter_that_a_page_uses_is_a_letter_of_the_desk() -> None:
    pages = Path(steward.__file__).parent.joinpath("templates", "desk").glob("*.html")
    used = {key for page in pages for key in re.findall(r'data-key="([a-z])"', page.read_text())}

    assert used <= set(LETTERS)
