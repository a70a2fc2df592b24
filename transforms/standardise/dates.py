"""Read dates of birth and moments the way the feed says they are written, and never guess.

A date that two formats of the feed read as two different dates is `ambiguous`, and a year of two
digits is `two_digit_year`: each date that could not be had is null and has its reason by name.
"""

import re
from datetime import date

import polars as pl

from rules.lookups import Lookups
from transforms.standardise.fold import folded, folded_keys, on_distinct, once_for

EARLIEST = date(1900, 1, 1)
OLDEST_AGE = 130

REASONS = (
    "placeholder",
    "year_only",
    "two_digit_year",
    "ambiguous",
    "too_old",
    "future",
    "impossible",
    "unreadable",
)
"""Why a text gave no date of birth; where several hold, the first of these is given."""

_PARTS = {
    "%Y": r"(?P<y>[0-9]{4})",
    "%y": r"(?P<yy>[0-9]{2})",
    "%m": r"(?P<m>[0-9]{1,2})",
    "%-m": r"(?P<m>[0-9]{1,2})",
    "%d": r"(?P<d>[0-9]{1,2})",
    "%-d": r"(?P<d>[0-9]{1,2})",
    "%e": r" ?(?P<d>[0-9]{1,2})",
    "%b": r"(?P<mon>\pL+)\.?",
    "%B": r"(?P<mon>\pL+)\.?",
    "%H": "0{1,2}",
    "%M": "00",
    "%S": r"00(?:\.0+)?",
    "%f": "0+",
    "%T": r"00:00:00(?:\.0+)?",
    "%z": r"(?:Z|[+-]00:?00)",
}
"""What each directive of a format matches. A time is read only where it says midnight in UTC."""

_GLUED = {"%m": r"(?P<m>[0-9]{2})", "%d": r"(?P<d>[0-9]{2})"}
"""What they match in a format without separators, such as %Y%m%d."""

_MIDNIGHT = r"(?:[T ]0{1,2}:00(?::00(?:\.0+)?)?(?: ?(?:Z|UTC|[+-]00:?00))?)?"

_ANY_ORDER = (
    "%Y-%m-%d|%Y/%m/%d|%Y.%m.%d|%Y%m%d|%d/%m/%Y|%m/%d/%Y|%d-%m-%Y|%m-%d-%Y|%d.%m.%Y"
    "|%d %B %Y|%d. %B %Y|%B %d, %Y|%B %d %Y"
)
"""What is tried where the feed gives no format."""

_EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000}
"""Microseconds in one unit of each count since 1970."""

_ISO = (
    r"^(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ](?P<minute>[0-9]{2}:[0-9]{2})(?::(?P<second>"
    r"[0-9]{2}(?:\.[0-9]{1,9})?))?)? ?(?:Z|UTC|(?P<sign>[+-])(?P<hours>[0-9]{2}):?(?P<minutes>"
    r"[0-9]{2})?)?$"
)


def parse_birth_dates(
    frame: pl.DataFrame, formats: str, not_after: date, lookups: Lookups
) -> pl.DataFrame:
    """Turn the text column `birth_date` into a Date, with `birth_year` and `birth_date_reason`.

    `formats` are strptime formats joined by "|", among which "excel_serial" may stand; none at all
    means that nobody knows the order. `not_after` is the day the delivery was received. A column
    that is a Date already has been read, and is left alone.
    """
    if "birth_date" not in frame.columns or frame.schema["birth_date"] == pl.Date:
        return frame
    texts = frame["birth_date"].cast(pl.String)
    answers = on_distinct(texts, lambda some: read_dates(some, formats, not_after, lookups))
    return frame.with_columns(answers)


def read_dates(texts: pl.Series, formats: str, not_after: date, lookups: Lookups) -> pl.DataFrame:
    """Read texts: `birth_date` Date, `birth_year` Int32, `birth_date_reason` String."""
    texts = texts.str.strip_chars()
    words = (formats or _ANY_ORDER).split("|")
    months = _months(lookups)
    isos = [_reading(texts, word, months).alias(f"iso_{n}") for n, word in enumerate(words)]
    likely = _likely_dates(isos, not_after)
    holds = pl.DataFrame(
        {
            "placeholder": _any([iso.is_in(lookups.placeholder_dates) for iso in isos]),
            "year_only": likely["birth_date"].is_null() & texts.str.contains("^[0-9]{4}$"),
            "two_digit_year": _is_short(texts, words),
            **{reason: likely[reason] for reason in REASONS[3:-1]},
            "unreadable": texts.is_not_null(),
        }
    )
    is_bad = pl.any_horizontal(REASONS[:5])
    reason = pl.coalesce(pl.when(reason).then(pl.lit(reason)) for reason in REASONS)
    day = pl.when(~is_bad).then(likely["birth_date"])
    year = pl.when(~pl.col("placeholder")).then(
        pl.coalesce(likely["birth_year"], _likely_year(texts, not_after))
    )
    return holds.select(
        day.alias("birth_date"),
        year.alias("birth_year"),
        pl.when(day.is_null()).then(reason).alias("birth_date_reason"),
    )


def parse_moment(expr: pl.Expr, how: str) -> pl.Expr:
    """Read a moment as Datetime in UTC; a text that cannot be read, or reads two ways, is null.

    `how` is 'iso', 'epoch_ms', 'epoch_s' or strptime formats, or several of these joined by "|".
    Where the text names no time zone it is in UTC.
    """
    text = expr.str.strip_chars()
    readings = [_moment(text, word) for word in how.split("|")]
    is_one = pl.max_horizontal(readings) == pl.min_horizontal(readings)
    moment = pl.when(is_one).then(pl.coalesce(readings)) if len(readings) > 1 else readings[0]
    likely = pl.when(moment.dt.year().is_between(EARLIEST.year, 2200)).then(moment)
    return likely.alias(expr.meta.output_name())


@once_for
def _months(lookups: Lookups) -> dict[str, str]:
    return folded_keys({word: f"{number:02}" for word, number in lookups.months.items()})


def _reading(texts: pl.Series, word: str, months: dict[str, str]) -> pl.Series:
    """Read one format as yyyy-mm-dd, possible or not; null where the text has another shape."""
    text, frame = pl.col("text"), texts.alias("text").to_frame()
    if word == "excel_serial":
        return frame.select(_serial(text)).to_series()
    pattern = _pattern(word)
    if not {"y", "d"} <= set(re.findall(r"\?P<(\w+)>", pattern)):
        return pl.Series([None] * texts.len(), dtype=pl.String)
    parts = frame.select(text.str.extract_groups(pattern).struct.unnest())
    if "mon" in parts.columns:
        number = folded(parts["mon"]).replace_strict(months, default=None, return_dtype=pl.String)
        parts = parts.with_columns(number.alias("m"))
    padded = [pl.col(part).str.zfill(2) for part in ("m", "d")]
    return parts.select(pl.concat_str("y", *padded, separator="-")).to_series()


def _serial(text: pl.Expr) -> pl.Expr:
    """Read a spreadsheet's count of days, whose year 1900 has a 29 February (day 60)."""
    days = text.str.extract(r"^([0-9]{1,7})(?:\.0+)?$").cast(pl.Int32)
    days = pl.when(days < 2_958_466).then(days)
    start = pl.when(days < 60).then(date(1899, 12, 31)).otherwise(date(1899, 12, 30))
    iso = (start + pl.duration(days=days)).dt.strftime("%Y-%m-%d")
    return pl.when(days == 60).then(pl.lit("1900-02-29")).otherwise(iso)


def _pattern(word: str) -> str:
    """Turn a strptime format into a regular expression that names the parts."""
    parts = _PARTS | (_GLUED if re.search(r"%[Yymd]%[Yymd]", word) else {})
    pattern = ""
    for piece in re.findall(r"%-?.|[^%]+", word):
        if piece.startswith("%") and piece not in parts:
            raise ValueError(f"{piece} in the format {word!r} of birth_date is not known")
        pattern += parts.get(piece, re.escape(piece))
    return f"^{pattern}{_MIDNIGHT}$"


def _likely_dates(isos: list[pl.Series], not_after: date) -> pl.DataFrame:
    """Bring the readings together: one date on which all agree, or why there is none."""
    dates = [pl.col(iso.name).str.to_date("%Y-%m-%d", strict=False) for iso in isos]
    likely = [pl.when(day.is_between(_oldest(not_after), not_after)).then(day) for day in dates]
    low, high, some = pl.min_horizontal(likely), pl.max_horizontal(likely), pl.coalesce(dates)
    return pl.DataFrame(isos).select(
        pl.when(low == high).then(low).alias("birth_date"),
        pl.when(low.dt.year() == high.dt.year()).then(low.dt.year()).alias("birth_year"),
        (low != high).fill_null(value=False).alias("ambiguous"),
        (low.is_null() & (some < _oldest(not_after))).fill_null(value=False).alias("too_old"),
        (some > not_after).fill_null(value=False).alias("future"),
        (some.is_null() & pl.coalesce(iso.name for iso in isos).is_not_null()).alias("impossible"),
    )


def _oldest(not_after: date) -> date:
    day = min(not_after.day, 28)
    return max(EARLIEST, date(not_after.year - OLDEST_AGE, not_after.month, day))


def _likely_year(texts: pl.Series, not_after: date) -> pl.Series:
    years = texts.str.extract("^([0-9]{4})$").cast(pl.Int32)
    return years.set(~years.is_between(_oldest(not_after).year, not_after.year), None)


def _is_short(texts: pl.Series, words: list[str]) -> pl.Series:
    patterns = [_pattern(word.replace("%Y", "%y")) for word in words if word != "excel_serial"]
    return _any([texts.str.contains(pattern) for pattern in patterns] or [texts.is_null()])


def _any(flags: list[pl.Series]) -> pl.Series:
    frame = pl.DataFrame([flag.alias(str(place)) for place, flag in enumerate(flags)])
    return frame.select(pl.any_horizontal(pl.all().fill_null(value=False))).to_series()


def _moment(text: pl.Expr, word: str) -> pl.Expr:
    if word == "iso":
        return _iso_moment(text)
    if word in _EPOCHS:
        count = text.str.replace(r"\.0*$", "").cast(pl.Int64, strict=False)
        return (count * _EPOCHS[word]).cast(pl.Datetime("us", "UTC"))
    moment = text.str.to_datetime(word, time_unit="us", strict=False)
    return moment if "%z" in word else moment.dt.replace_time_zone("UTC")


def _iso_moment(text: pl.Expr) -> pl.Expr:
    parts = text.str.extract_groups(_ISO)
    minute = parts.struct.field("minute").fill_null("00:00")
    second = parts.struct.field("second").fill_null("00")
    written = pl.concat_str(parts.struct.field("day"), pl.lit("T"), minute, pl.lit(":"), second)
    moment = written.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
    hours = parts.struct.field("hours").cast(pl.Int32).fill_null(0)
    minutes = parts.struct.field("minutes").cast(pl.Int32).fill_null(0) + hours * 60
    ahead = pl.when(parts.struct.field("sign") == "-").then(-minutes).otherwise(minutes)
    return (moment - pl.duration(minutes=ahead)).dt.replace_time_zone("UTC")
