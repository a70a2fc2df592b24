"""Let people put the desk's letters on keys of their own, in each browser as they like."""

from collections.abc import Mapping

from steward.desk.refused import Refused

KEYMAP = "keymap"
"""The cookie that says which key of one's own stands for which letter of the desk."""
LETTERS = "abcdefhijknoprstuvwxyz"
"""The letters that have a meaning somewhere; `g` begins a way to another page and stays."""
MEANING = {
    "y": "Same, one, release",
    "n": "Different, two, reject",
    "u": "Unsure",
    "s": "Skip",
    "z": "Undo",
    "e": "Escalate",
    "c": "Comment",
    "a": "Ask the customer",
    "h": "Hide or show the score",
    "j": "The item after",
    "k": "The item before",
    "x": "All records, or the pair",
    "o": "Open the golden record",
    "b": "All with this pattern",
    "p": "Accept the proposed cut",
    "i": "Leave out of matching what both have",
    "t": "Type a value or a reason",
    "d": "Discard what was typed, or keep a draft",
    "v": "All past values",
}
"""What can be put on another key, in the order in which it is offered."""


def read_keymap(cookie: str) -> dict[str, str]:
    """By letter of the desk one's own key; a cookie that is no map is none.

    A key that has got a meaning of the desk's own since it was chosen stands for that alone.
    """
    pairs = [pair.partition("=")[::2] for pair in cookie.split(".") if pair]
    own = {letter: key for key, letter in pairs if letter in MEANING}
    is_map = len(own) == len(pairs) and all(_is_key(key) for key in own.values())
    while is_map and (twice := _twice(own)):
        own = {letter: key for letter, key in own.items() if key != twice}
    return own if is_map else {}


def chosen_keymap(form: Mapping[str, str]) -> str:
    """The cookie of what was chosen: only what differs from the desk's own letters."""
    own = {letter: form.get(f"key_{letter}", "").strip().lower() for letter in MEANING}
    own = {letter: key for letter, key in own.items() if key not in {"", letter}}
    wrong = [key for key in own.values() if not _is_key(key)]
    if wrong:
        raise _refused("A key of your own is one letter or digit, and not G.")
    if twice := _twice(own):
        raise _refused(f"{twice.upper()} would do two things; give one of them another key.")
    return ".".join(f"{key}={letter}" for letter, key in sorted(own.items()))


def _is_key(key: str) -> bool:
    return len(key) == 1 and key.isascii() and key.isalnum() and key != "g"


def _twice(own: Mapping[str, str]) -> str:
    """A key that would stand for two letters; a letter that is moved leaves its key free."""
    keys = [own.get(letter, letter) for letter in LETTERS]
    return next((key for key in keys if keys.count(key) > 1), "")


def _refused(says: str) -> Refused:
    return Refused(422, "These keys cannot be", says, ("Choose again", "/account"))
