"""Settle phone numbers by the thousand, with the numbering plans of `phonenumbers`.

This is `parse`, `is_valid_number`, `number_type`, `region_code_for_number` and
`time_zones_for_number` once more, as polars expressions over the same metadata, for digits
that have been read already. The conditions and their order are the library's; what it does
outside `DIGIT_COUNTS` is not repeated here, and such rows are left out of the answer.

The patterns use nothing that polars' regular expressions lack, or differ in.
"""

import re
from collections.abc import Iterator
from functools import cache

import phonenumbers
import polars as pl
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberType
from phonenumbers.phonemetadata import PhoneNumberDesc
from phonenumbers.tzdata import TIMEZONE_DATA

SMALLEST_PLAN = 150
"""With fewer numbers than this, asking the library costs less than compiling their plan."""

DIGIT_COUNTS = (5, 17)
"""Shorter and longer numbers have rules of their own, which are left to the library."""


def settle_numbers(digits: pl.DataFrame) -> pl.DataFrame:
    """Judge `number`, digits alone, by `is_international` and `region`; one `row` for each.

    The answer has the fields of a verdict. It lacks the rows left to the library.
    """
    digits = digits.filter(_length().is_between(*DIGIT_COUNTS))
    international, home = split_rows(digits, pl.col("is_international"))
    is_placed = pl.col("region").is_in(sorted(phonenumbers.SUPPORTED_REGIONS))
    home, nowhere = split_rows(home, is_placed)
    lost = nowhere.select("row", verification=pl.lit("invalid"), reason=pl.lit("no_region"))
    numbers = [_cut_code(international)]
    numbers += [_route(part, _plan(region)) for region, part in _parts(home, "region")]
    settled = [_judge(part, code) for code, part in _parts(pl.concat(numbers), "code")]
    return pl.concat([lost, *settled], how="diagonal_relaxed")


def split_rows(rows: pl.DataFrame, condition: pl.Expr) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part the rows that meet a condition from the rest."""
    is_met = rows.select(condition.fill_null(value=False)).to_series()
    return rows.filter(is_met), rows.filter(~is_met)


def kind_word(kind: int) -> str:
    """Spell a `PhoneNumberType` as our tables do."""
    return PhoneNumberType.to_string(kind).lower()


def _parts(rows: pl.DataFrame, column: str) -> Iterator[tuple[str, pl.DataFrame]]:
    """Part the rows by a column; values with too few rows, or none, are left out."""
    parts = rows.drop_nulls(column).partition_by(column, as_dict=True)
    return ((str(key), part) for (key,), part in parts.items() if part.height >= SMALLEST_PLAN)


def _plan(region: str, code: int = 0) -> PhoneMetadata:
    plan = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    if plan is None:
        raise LookupError(f"no numbering plan for region {region}, calling code {code}")
    return plan


# From digits to calling code and number.

_CALLING_CODE = f"^({'|'.join(map(str, COUNTRY_CODE_TO_REGION_CODE))})"


def _cut_code(numbers: pl.DataFrame) -> pl.DataFrame:
    """Cut numbers that begin with a calling code; one that no country has becomes null."""
    return numbers.filter(_length() >= DIGIT_COUNTS[0]).select(
        "row",
        code=pl.col("number").str.extract(_CALLING_CODE, 1),
        number=pl.col("number").str.replace(_CALLING_CODE, ""),
        is_cut=pl.lit(value=True),
    )


def _route(home: pl.DataFrame, plan: PhoneMetadata) -> pl.DataFrame:
    """Find calling code and number of what was dialled in one region, without a plus."""
    exit_code = f"^(?:{_ascii(plan.international_prefix)})"
    rest = home.select("row", "number", rest=pl.col("number").str.replace(exit_code, ""))
    has_exit = (_length("rest") < _length()) & ~pl.col("rest").str.starts_with("0")
    abroad, home = split_rows(rest, has_exit)
    cut, local = _cut_own_code(home.drop("rest"), plan)
    local = local.with_columns(bare=_without_prefix(pl.col("number"), plan))
    code = pl.lit(str(plan.country_code))
    return pl.concat(
        [
            _cut_code(abroad.select("row", number="rest")),
            cut.select("row", code=code, number="bare", is_cut=pl.lit(value=True)),
            local.select("row", code=code, number=_significant(plan), is_cut=pl.lit(value=False)),
        ]
    )


def _cut_own_code(home: pl.DataFrame, plan: PhoneMetadata) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cut the region's own calling code off numbers that make no sense with it."""
    code = str(plan.country_code)
    own, other = split_rows(home, pl.col("number").str.starts_with(code))
    after = pl.col("number").str.slice(len(code))
    own = own.with_columns(bare=_without_prefix(after, plan))
    general = plan.general_desc
    becomes_fit = ~_fits(pl.col("number"), general) & _fits(pl.col("bare"), general)
    cut, uncut = split_rows(own, becomes_fit | (_length_word("number", plan) == "too_long"))
    return cut, pl.concat([other, uncut.drop("bare")])


def _without_prefix(number: pl.Expr, plan: PhoneMetadata) -> pl.Expr:
    """Take off a trunk prefix or carrier code, unless that spoils a number that fits."""
    if not plan.national_prefix_for_parsing:
        return number
    prefix = f"^(?:{_ascii(plan.national_prefix_for_parsing)})"
    bare = number.str.replace(prefix, "")
    if plan.national_prefix_transform_rule:
        rule = re.sub(r"\\(\d)", r"${\1}", plan.national_prefix_transform_rule)
        is_transformed = number.str.extract(prefix, re.compile(prefix).groups).is_not_null()
        bare = pl.when(is_transformed).then(number.str.replace(prefix, rule)).otherwise(bare)
    spoils = _fits(number, plan.general_desc) & ~_fits(bare, plan.general_desc)
    return pl.when(spoils).then(number).otherwise(bare)


def _significant(plan: PhoneMetadata) -> pl.Expr:
    """Take `bare` where its length will do, else `number` with the prefix still on it."""
    will_do = _length_word("bare", plan).is_in(["possible", "too_long"])
    return pl.when(will_do).then("bare").otherwise("number")


def _length(column: str = "number") -> pl.Expr:
    return pl.col(column).str.len_bytes()


def _length_word(column: str, plan: PhoneMetadata) -> pl.Expr:
    general = plan.general_desc or PhoneNumberDesc()
    lengths, local = list(general.possible_length), list(general.possible_length_local_only)
    length = _length(column)
    return (
        pl.when(length.is_in(local) | (length < lengths[0]))
        .then(pl.lit("too_short"))
        .when(length > lengths[-1])
        .then(pl.lit("too_long"))
        .when(length.is_in(lengths))
        .then(pl.lit("possible"))
        .otherwise(pl.lit("not_in_use"))
    )


def _fits(number: pl.Expr, desc: PhoneNumberDesc | None) -> pl.Expr:
    """Match a number with the pattern of a kind; lengths are another matter."""
    if desc is None or not desc.national_number_pattern:
        return pl.lit(value=False)
    return number.str.contains(f"^(?:{_ascii(desc.national_number_pattern)})$")


def _ascii(pattern: str | None) -> str:
    """Write a pattern for digits that are ASCII by now; none matches nothing."""
    return (pattern or "NonMatch").replace(r"\d", "[0-9]")


# From calling code and number to verdicts.

_SPECIAL_KINDS = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)
"""The first that fits is the kind; only without one is a number a fixed line or mobile."""


def _judge(part: pl.DataFrame, code: str) -> pl.DataFrame:
    """Judge the numbers of one calling code, which several regions may share."""
    regions = COUNTRY_CODE_TO_REGION_CODE[int(code)]
    main = _plan(regions[0], int(code))
    cut, whole = split_rows(part, pl.col("is_cut"))
    cut = cut.with_columns(bare=_without_prefix(pl.col("number"), main))
    cut = cut.with_columns(number=_significant(main)).drop("bare")
    rest = pl.concat([cut, whole]).select("row", "number").filter(_length().is_between(2, 17))
    found = []
    for region in regions:
        mine, rest = _of_region(rest, _plan(region, int(code)), is_shared=len(regions) > 1)
        found.append(mine.with_columns(number_region=pl.lit(region)))
    nobodys = rest.with_columns(kind=pl.lit(None, pl.String))
    numbers = pl.concat([*found, nobodys], how="diagonal_relaxed")
    return numbers.select("row", *_fields(code, main))


def _of_region(
    numbers: pl.DataFrame, plan: PhoneMetadata, *, is_shared: bool
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take the numbers of one region, with their kind; leave the rest to the next."""
    if is_shared and plan.leading_digits:
        leading = f"^(?:{_ascii(plan.leading_digits)})"
        mine, rest = split_rows(numbers, pl.col("number").str.contains(leading))
        return _with_kinds(mine, plan), rest
    mine, rest = split_rows(_with_kinds(numbers, plan), pl.col("kind").is_not_null())
    return mine, rest.drop("kind")


def _with_kinds(numbers: pl.DataFrame, plan: PhoneMetadata) -> pl.DataFrame:
    """Add the kind of each number by a plan's patterns and lengths; null if it has none.

    Few numbers are of a special kind, so those that may be are found by one pattern first.
    """
    if numbers.is_empty():
        return numbers.with_columns(kind=pl.lit(None, pl.String))
    told = numbers.select(
        kind=pl.when(_is_of(plan.general_desc)).then(_first_of(_plain_tests(plan))),
        may_be_special=_may_be_special(plan),
    )
    rows = told["may_be_special"].arg_true()
    if rows.is_empty():
        return numbers.with_columns(told["kind"])
    tests = [(word, _is_of(getattr(plan, word))) for word in _SPECIAL_KINDS]
    every = pl.when(_is_of(plan.general_desc)).then(_first_of([*tests, *_plain_tests(plan)]))
    special = numbers[rows].select(every).to_series()
    return numbers.with_columns(told["kind"].scatter(rows, special))


def _first_of(tests: list[tuple[str, pl.Expr]]) -> pl.Expr:
    return pl.coalesce(*(pl.when(test).then(pl.lit(word)) for word, test in tests))


def _plain_tests(plan: PhoneMetadata) -> list[tuple[str, pl.Expr]]:
    fixed, mobile = _is_of(plan.fixed_line), _is_of(plan.mobile)
    is_same = pl.lit(plan.same_mobile_and_fixed_line_pattern)
    return [
        ("fixed_line_or_mobile", fixed & (is_same | mobile)),
        ("fixed_line", fixed),
        ("mobile", mobile & ~is_same),
    ]


def _may_be_special(plan: PhoneMetadata) -> pl.Expr:
    """Match what the pattern of any special kind matches."""
    descs = [getattr(plan, word) for word in _SPECIAL_KINDS]
    patterns = [_ascii(desc.national_number_pattern) for desc in descs if desc is not None]
    either = "|".join(f"(?:{pattern})" for pattern in patterns)
    return pl.col("number").str.contains(f"^(?:{either})$") if patterns else pl.lit(value=False)


def _is_of(desc: PhoneNumberDesc | None) -> pl.Expr:
    fits = _fits(pl.col("number"), desc)
    if desc is None or not desc.possible_length:
        return fits
    return _length().is_in(list(desc.possible_length)) & fits


def _fields(code: str, main: PhoneMetadata) -> list[pl.Expr]:
    """Write the verdict on `number` from its `kind` and `number_region`."""
    is_valid = pl.col("kind").is_not_null()
    is_local = pl.col("kind").is_in(_geographic_kinds(int(code)))
    lost = _length_word("number", main).replace("possible", "not_in_use")
    zones = pl.when(is_local).then(_local_zones(code)).when(is_valid).then(_country_zones(code))
    return [
        pl.when(is_valid).then(f"+{code}" + pl.col("number")).alias("value"),
        pl.when(is_valid).then(pl.lit("valid")).otherwise(pl.lit("invalid")).alias("verification"),
        pl.when(~is_valid).then(lost).alias("reason"),
        pl.col("kind"),
        zones.alias("time_zone"),
        pl.when(is_valid).then("number_region").alias("number_region"),
    ]


def _geographic_kinds(code: int) -> list[str]:
    """List the kinds whose number tells where a phone is, not only in which country."""
    kinds = PhoneNumberType.values()
    return [kind_word(k) for k in kinds if phonenumbers.is_number_type_geographical(k, code)]


@cache
def _local_zones(code: str) -> pl.Expr:
    """Find the zones of the longest prefix of a number that the library knows."""
    known: dict[int, dict[str, str]] = {}
    for prefix, zones in TIMEZONE_DATA.items():
        if prefix.startswith(code) and prefix != code:
            rest = prefix.removeprefix(code)
            known.setdefault(len(rest), {})[rest] = "&".join(zones)
    found = [
        pl.col("number").str.slice(0, length).replace_strict(known[length], default=None)
        for length in sorted(known, reverse=True)
    ]
    return pl.coalesce(*found, _country_zones(code))


def _country_zones(code: str) -> pl.Expr:
    return pl.lit("&".join(TIMEZONE_DATA.get(code, ())) or None, pl.String)
