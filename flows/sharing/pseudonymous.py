"""Write the records of a snapshot as deliveries in which nobody can be found again, for testing.

Each value is replaced by signs of the same kind, drawn by a digest under a key that is kept
nowhere: equal values stay equal, so that they block, link and conflict as before; what is merely
alike is alike no more. Countries, regions, consents, titles and times stay.
"""

import shutil
from pathlib import Path
from secrets import token_hex

import polars as pl

import rules
from rules.feed import FIELDS, Feed
from store.errors import TouchstoneError
from store.files import write_private
from store.rulebook import read_rulebook
from store.settings import Settings
from store.snapshot import open_snapshot

SHIPPED = Path(rules.__file__).parent
_HEX = "0123456789abcdef"
_LETTERS = "abdeghjlnprstuwx"
"""Sixteen that every country's postcodes may have."""

MACROS = (
    "create temp macro stirred(x) as sha256(getvariable('pseudonym_key') || x) "
    "|| sha256(x || getvariable('pseudonym_key'))",
    f"create temp macro sign(c, h) as case when c between '0' and '9' "
    f"then substr('0123456789012345', instr('{_HEX}', h), 1) "
    f"when unicode(c) < 128 and lower(c) = upper(c) then c "
    f"when c = lower(c) then substr('{_LETTERS}', instr('{_HEX}', h), 1) "
    f"else upper(substr('{_LETTERS}', instr('{_HEX}', h), 1)) end",
    "create temp macro scrambled(x) as list_transform([stirred(x)], lambda d: array_to_string("
    "list_transform(range(1, length(x) + 1), "
    "lambda i: sign(substr(x, i, 1), substr(d, (i - 1) % 128 + 1, 1))), ''))[1]",
)
"""Signs of the same kind: a digit for a digit, a letter for a letter; a hyphen stays one."""

_EMAIL = (
    "scrambled(split_part({c}, '@', 1)) || '@' || "
    "scrambled(regexp_extract({c}, '@(.*)\\.', 1)) || regexp_extract({c}, '\\.[^.]*$')"
)
_PHONE = "left({c}, -6) || scrambled('n' || {c})[-6:]"
_TREATED = {
    **dict.fromkeys(
        ("first_name", "middle_name", "last_name", "company", "job_title", "address", "city"),
        "scrambled({c})",
    ),
    "email": _EMAIL,
    "email_2": _EMAIL,
    "phone": _PHONE,
    "phone_2": _PHONE,
    "postcode": "left({c}, 2) || substr(scrambled({c}), 3)",
    "birth_date": "make_date(year({c}), 1, 1) + (hash(stirred({c}::varchar)) % 365)::integer",
    "person_number": "regexp_extract({c}, '^[^:]*:') || "
    "scrambled('n' || {c})[-length(regexp_replace({c}, '^[^:]*:', '')):]",
    "source_key": "left(stirred({c}), 20)",
}
"""How a field is replaced; what is not here says nothing of a person by itself."""


def pseudonymise(settings: Settings, folder: Path) -> dict[str, int]:
    """Write deliveries and rules that a night can be run on; how many records by source.

    The rules are the shipped ones, since a model of one's own knows the names it was trained on.
    """
    if folder.exists() and any(folder.iterdir()):
        raise TouchstoneError(f"{folder} is not empty; name a new folder with --out.")
    feeds = read_rulebook(settings.rules).feeds
    tables = _read(settings)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    left_out = shutil.ignore_patterns("*.py", "__pycache__", "feeds")
    shutil.copytree(SHIPPED, folder / "rules", ignore=left_out)
    for source, table in tables.items():
        place = folder / "data" / "inbox" / source / "records.csv"
        write_private(place, table.write_csv())
        text = _feed(source, feeds.get(source), table)
        write_private(folder / "rules" / "feeds" / source / "feed.toml", text)
    return {source: table.height for source, table in tables.items()}


def _read(settings: Settings) -> dict[str, pl.DataFrame]:
    """By source the records of the current snapshot, everybody under another name."""
    with open_snapshot(settings) as con:
        con.execute("set enable_external_access = false")
        con.execute(f"set variable pseudonym_key = '{token_hex(32)}'")
        for macro in MACROS:
            con.execute(macro)
        there = con.sql("from records limit 0").columns
        names = [name for name in FIELDS if name in there]
        shown = ", ".join(f"{_TREATED.get(name, '{c}').format(c=name)} as {name}" for name in names)
        told = con.sql(f"select source, {shown} from records order by record_number").pl()
    parts = told.partition_by("source", as_dict=True, include_key=False, maintain_order=True)
    return {str(key[0]): part for key, part in parts.items()}


def _feed(source: str, feed: Feed | None, table: pl.DataFrame) -> str:
    """The description of such a delivery: ours to ours, and as trusted as the real one."""
    columns = "\n".join(f'"{name}" = "{name}"' for name in table.columns)
    channel = feed.channel if feed else "bulk_list"
    trust = feed.trust if feed else 50
    unique = "true" if feed and feed.duplicate_free else "false"
    return (
        f'source  = "{source}"\ntitle   = "{source}, pseudonymised"\nchannel = "{channel}"\n'
        f'mode    = "delta"\nowner   = "test@example.com"\ntrust   = {trust}\n'
        f'duplicate_free = {unique}\n\n[read]\nformat    = "csv"\n'
        f'path      = "{source}/*.csv"\ndelimiter = ","\nencoding  = "utf-8"\n'
        f'key       = "source_key"\n\n[columns]\n{columns}\n'
    )
