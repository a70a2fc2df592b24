"""Draft the `feed.toml` of a new feed from the profile of a first delivery.

A person finishes the draft: what could not be told is marked TODO, and what is left out says so.
"""

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from rules.feed import ReadRule
from transforms.profile import ColumnProfile


def suggest_mapping(
    profiles: Sequence[ColumnProfile], synonyms: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """Theirs = ours: by what the columns are called, and where that fails by what they hold.

    `synonyms` is `column_names.toml`. A second e-mail or phone column goes to the second field;
    otherwise each of our fields is given once and the rest is left to a person.
    """
    ours = {folded_name(word): field for field, words in synonyms.items() for word in words}
    named = {profile.name: _field_by_name(profile, ours) for profile in profiles}
    mapping: dict[str, str] = {}
    filled: dict[str, float] = {}
    for profile in profiles:
        _give(mapping, profile, named[profile.name], filled)
    for profile in profiles:
        if named[profile.name] is None and profile.kind in ("email", "phone"):
            _give(mapping, profile, profile.kind, filled)
    if "source_key" not in filled:
        _give_key(mapping, profiles)
    if {"full_name", "last_name"} <= filled.keys() and "first_name" not in filled:
        # `Name` beside `Surname` is the first name
        return {
            name: "first_name" if ours == "full_name" else ours for name, ours in mapping.items()
        }
    return mapping


def draft_feed(
    source: str,
    read: ReadRule,
    profiles: Sequence[ColumnProfile],
    mapping: Mapping[str, str],
    row_count: int,
) -> str:
    """The text of a `feed.toml` for a person to finish; it is complete enough to be checked."""
    parts = [
        _head(source, read, mapping),
        _table("read", _read_lines(read)),
        _table("columns", _column_lines(profiles, mapping), "theirs = ours"),
        _table("ignore", _ignore_lines(profiles, mapping), "known, left alone, and why"),
        _table("parse", _parse_lines(profiles, mapping)),
        _table("expect", [f"rows = [{row_count // 2}, {max(row_count * 2, 10)}]"]),
    ]
    return "\n".join(part for part in parts if part)


def _field_by_name(profile: ColumnProfile, ours: Mapping[str, str]) -> str | None:
    fields = (ours.get(name) for name in _spellings(profile.name))
    return next((field for field in fields if field and _fits(profile, field)), None)


def _fits(profile: ColumnProfile, field: str) -> bool:
    """Content speaks against a name: an e-mail address in a column called `contact`."""
    if profile.kind == "email":
        return field in ("email", "email_2", "source_key")
    if field in ("email", "email_2"):
        return profile.kind == "empty"
    return not (field == "full_name" and profile.kind in ("phone", "date", "time", "boolean"))


def _spellings(name: str) -> Iterator[str]:
    """The whole name, then its last parts: `customer.address.zip`, `address.zip`, `zip`."""
    parts = name.split(".")
    for start in range(len(parts)):
        yield folded_name(".".join(parts[start:]))


def folded_name(name: str) -> str:
    """`E-Mail_Address`, `eMailAddress` and `é-mail address` are one spelling."""
    apart = "".join(
        f" {letter}" if letter.isupper() and before.islower() else letter
        for before, letter in zip(f" {name}", name, strict=False)
    )
    plain = unicodedata.normalize("NFKD", apart.replace("ß", "ss").replace("ẞ", "ss"))
    letters = (one if one.isalnum() else " " for one in plain if not unicodedata.combining(one))
    return " ".join("".join(letters).casefold().split())


def _give(
    mapping: dict[str, str], profile: ColumnProfile, field: str | None, filled: dict[str, float]
) -> None:
    """Give a column to a field of ours that is still free; the second of two may have its own.

    Branches of nested records that are never filled together are one field in two shapes.
    `filled` is how often each of our fields has a value so far.
    """
    if field is None:
        return
    for free in (field, f"{field}_2") if field in ("email", "phone") else (field,):
        is_branch = "." in profile.name and filled.get(free, 1.0) + profile.filled_share <= 1.0
        if free not in filled or is_branch:
            mapping[profile.name] = free
            filled[free] = filled.get(free, 0.0) + profile.filled_share
            return


def _give_key(mapping: dict[str, str], profiles: Sequence[ColumnProfile]) -> None:
    """A column of codes that are always there and never the same is the key."""
    for profile in profiles:
        is_unique = profile.distinct_share == 1.0 and profile.filled_share == 1.0
        if is_unique and profile.is_code and profile.name not in mapping:
            mapping[profile.name] = "source_key"
            return


def _head(source: str, read: ReadRule, mapping: Mapping[str, str]) -> str:
    channel = {"ndjson": "web_form", "csv": "bulk_list", "xlsx": "bulk_list"}
    lines = [
        "# TODO: what this feed is, and who agreed to it.",
        f"source = {_toml(source)}",
        'title = "TODO"',
        f"channel = {_toml(channel.get(read.format, 'partner_feed'))}  # TODO: is it?",
        'mode = "append"  # TODO: "full" for a dump of everything, "delta" for changes',
        'owner = "TODO"',
        "trust = 50  # TODO: 0 to 100",
    ]
    if "source_key" not in mapping.values():
        lines.append("# No column looks like a key of theirs: a row is known by all of its values.")
    return "\n".join(lines) + "\n"


def _table(name: str, lines: Sequence[str], comment: str = "") -> str:
    if not lines:
        return ""
    return "\n".join([f"[{name}]" + (f"  # {comment}" if comment else ""), *lines, ""])


def _read_lines(read: ReadRule) -> list[str]:
    said = read.model_dump(exclude_defaults=True)
    return [f"{key} = {_toml(value)}" for key, value in said.items()]


def _column_lines(profiles: Sequence[ColumnProfile], mapping: Mapping[str, str]) -> list[str]:
    return [
        f"{_toml(one.name)} = {_toml(mapping[one.name])}  # {_remark(one)}"
        for one in profiles
        if one.name in mapping
    ]


def _ignore_lines(profiles: Sequence[ColumnProfile], mapping: Mapping[str, str]) -> list[str]:
    return [
        f'{_toml(one.name)} = "TODO say why"  # {_remark(one)}'
        for one in profiles
        if one.name not in mapping
        and not any(name.startswith(f"{one.name}.") for name in mapping)  # an object elsewhere
    ]


def _parse_lines(profiles: Sequence[ColumnProfile], mapping: Mapping[str, str]) -> list[str]:
    lines = list[str]()
    for field in ("birth_date", "updated_at"):
        dated = [one for one in profiles if mapping.get(one.name) == field and one.date_format]
        joined = "|".join(one.date_format or "" for one in dated)
        formats = "|".join(dict.fromkeys(part for part in joined.split("|") if part))
        if any(one.is_ambiguous for one in dated):
            lines.append("# TODO: every value could have day and month the other way round. Ask.")
        if formats:
            lines.append(f"{field} = {_toml(formats)}")
    return lines


def _remark(profile: ColumnProfile) -> str:
    """What was seen: `phone, 66% filled, e.g. +99 9999 999999`."""
    examples = f", e.g. {' or '.join(profile.examples[:2])}" if profile.examples else ""
    remark = f"{profile.kind}, {profile.filled_share:.0%} filled{examples}"
    return "".join(one if one.isprintable() else " " for one in remark)


def _toml(value: object) -> str:
    """A value in TOML, which writes text as JSON does."""
    if isinstance(value, Mapping):
        pairs = (f"{_toml(key)} = {_toml(one)}" for key, one in value.items())
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    escaped = json.dumps(value, ensure_ascii=False)
    return escaped.replace("\x7f", "\\u007f")
