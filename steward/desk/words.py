"""Say times and numbers as people read them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import phonenumbers

MINUTE, HOUR, DAY = 60, 3_600, 86_400


def how_long(seconds: float) -> str:
    """A stretch of time in its largest unit: 8 s, 4 min, 5 h, 2 d."""
    for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"


def moment(at: datetime) -> str:
    """A time in UTC, such as 19 Nov 2026 16:40."""
    return at.astimezone(UTC).strftime("%-d %b %Y %H:%M")


def day(at: datetime) -> str:
    """A day in UTC, such as 19 Nov 2026."""
    return at.astimezone(UTC).strftime("%-d %b %Y")


def clock(at: datetime) -> str:
    """A time of day in UTC, such as 16:40 UTC."""
    return f"{at.astimezone(UTC):%H:%M} UTC"


def signed(weight: float) -> str:
    """A weight with its sign: +4.1, −1.1, 0."""
    shown = f"{abs(weight):.1f}"
    return "0" if shown == "0.0" else f"{'+' if weight > 0 else '−'}{shown}"


def initials(name: str) -> str:
    """At most two letters that stand for a person."""
    words = [word for word in name.replace(".", " ").replace("-", " ").split() if word]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


def spaced(number: float) -> str:
    """A count with its thousands set apart."""
    return f"{number:,.0f}".replace(",", "\u202f")


def plain(text: str) -> str:
    """A name of ours as words: birth_date is birth date."""
    return re.sub(r"\bemail\b", "e-mail", text.replace("_", " "))


KINDS = {
    "match": ("pair", "pairs"),
    "cluster": ("refused link", "refused links"),
    "conflict": ("conflict", "conflicts"),
    "quarantine": ("row in quarantine", "rows in quarantine"),
    "delivery": ("held delivery", "held deliveries"),
    "entry": ("entry that equals a customer", "entries that equal a customer"),
    "publication": ("held publication", "held publications"),
}
"""What people call one item of a kind, and several."""


def kinds(kind: str, count: float = 0) -> str:
    """What people call so many items of a kind."""
    one, several = KINDS.get(kind, (plain(kind), plain(kind)))
    return one if count == 1 else several


def measured(value: float) -> str:
    """A figure as exactly as people read it: 10 000, 59.30, 0.02."""
    return spaced(value) if value >= 100 else f"{value:.2f}"


def yes_or_no(value: str) -> str:
    """What the tables write as true and false, as people say it."""
    return {"true": "yes", "false": "no"}.get(value, value)


def spoken(number: str) -> str:
    """A phone number with the gaps that its country gives it; anything else as it is."""
    if not number.startswith("+"):
        return number
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    international = phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return str(phonenumbers.format_number(parsed, international))


def stops(text: str) -> list[str]:
    """The pieces of an e-mail address between which a line may break: each ends with its stop."""
    return re.findall(r"[^@.]*[@.]|[^@.]+", text)


def longest_stop(text: str) -> int:
    """How many letters the longest of these pieces has."""
    return max(map(len, stops(text)), default=0)


FILTERS: dict[str, Callable[..., object]] = {
    "how_long": how_long,
    "moment": moment,
    "day": day,
    "clock": clock,
    "signed": signed,
    "initials": initials,
    "spaced": spaced,
    "plain": plain,
    "kinds": kinds,
    "measured": measured,
    "yes_or_no": yes_or_no,
    "spoken": spoken,
    "stops": stops,
    "longest_stop": longest_stop,
}
"""What templates may call."""
