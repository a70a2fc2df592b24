"""Plan an erasure: all that is to be removed, named without a word of what it says."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from fnmatch import fnmatchcase
from typing import NamedTuple

import polars as pl

from flows.erasing.held import search_held
from flows.erasing.left_out import left_out_of
from flows.erasing.names import heirs_of, old_names_of, whole_customers
from flows.erasing.people import People, own_domains, own_terms, read_people
from flows.evidence import decisions_about, read_log
from rules.erasure import Erasure
from store.archive import Archive
from store.erasures import Digests, Erasures, key_text
from store.golden import Golden
from store.rulebook import Rulebook
from store.settings import Settings
from store.state.striking import said
from store.warehouse import Warehouse
from transforms.classify import ARRIVALS, WITHDRAWN_ROWS
from transforms.erasure import known_by, known_by_email
from transforms.standardise.contact_keys import FEWEST
from transforms.standardise.person_numbers import bare_number


class Where(NamedTuple):
    """What an erasure is planned on."""

    settings: Settings
    rulebook: Rulebook
    warehouse: Warehouse
    golden: Golden


def plan(where: Where, numbers: pl.Series, asked_by: str, now: datetime) -> Erasure:
    """The erasure of the records of these numbers; nothing is removed yet."""
    warehouse, settings = where.warehouse, where.settings
    erasures = Erasures(settings.raw)
    people = read_people(warehouse, numbers, where.rulebook.lookups)
    digests = Digests(erasures.key(), warehouse)
    states = warehouse.read("select delivery_number, source, state from ingest.deliveries")
    rows = _quarantined(warehouse, people)
    held, dropped = search_held(where.settings, where.rulebook.feeds, states, people)
    for number, some in held.items():
        rows[number] = sorted({*rows.get(number, ()), *some})
    counts = people.records["source"].value_counts().sort("source")
    sources = counts["source"]
    entered = states.filter(pl.col("source").is_in(sources.implode()), state="taken_in")
    return Erasure(
        number=max((one.number for one in erasures.all()), default=0) + 1,
        erased_at=now,
        asked_by=asked_by,
        after=max((kept.delivery_number for kept in Archive(settings.raw).deliveries()), default=0),
        customers=whole_customers(warehouse, people.numbers),
        records=dict(counts.iter_rows()),
        rows={number: tuple(some) for number, some in sorted(rows.items())},
        dropped=tuple(dropped),
        entered=tuple(entered["delivery_number"].sort()),
        heirs=heirs_of(warehouse, people.numbers, erasures.all()),
        old_names=old_names_of(warehouse, where.golden, people.numbers),
        removed={"waiting_files": _waiting_files(where, people)},
        **_marks(warehouse, people, digests, where.rulebook),
        **_said(where, people, rows),
    )


def words_of(people: People) -> list[str]:
    """What tells of the person in a text: contact values, keys, whole names; in lower case."""
    names = people.versions.select(
        name=pl.concat_str("first_name", "last_name", separator=" ").str.to_lowercase()
    ).to_series()
    plain = people.sought.filter(pl.col("kind") != "phone")["text"]
    return [*plain, *names.drop_nulls().unique()]


def tells_of(text: str, words: Iterable[str], phones: Iterable[str]) -> bool:
    """Whether a text has one of these words, or the digits of one of these numbers."""
    folded = text.lower()
    digits = "".join(filter(str.isdigit, text))
    return any(word in folded for word in words) or any(phone in digits for phone in phones)


def _marks(
    warehouse: Warehouse, people: People, digests: Digests, rulebook: Rulebook
) -> dict[str, tuple[str, ...]]:
    """The digests by which the person is known again."""
    versions = people.versions
    known = pl.concat([known_by(versions, widely=True), known_by_email(versions, people.emails)])[
        "text"
    ]
    emails = pl.concat([versions["email_key"], versions["email_2_key"]]).drop_nulls()
    phones = pl.concat([versions["phone_key"], versions["phone_2_key"]]).drop_nulls()
    numbers = versions.select(bare_number(pl.col("person_number"))).to_series().drop_nulls()
    hints = pl.concat(
        [
            "email\x1f" + emails,
            "phone\x1f" + phones.str.slice(-FEWEST),
            "number\x1f" + numbers,
        ]
    )
    keys = [
        key_text(source, key)
        for source, key in people.records.select("source", "source_key").iter_rows()
    ]
    texts = {
        "keys": pl.Series(keys, dtype=pl.String),
        "evidence": known,
        "hints": hints,
        "domains": own_domains(warehouse, people),
        "names": own_terms(warehouse, people, rulebook.lookups),
    }
    return {name: tuple(sorted(set(digests.of(some)))) for name, some in texts.items()}


def _quarantined(warehouse: Warehouse, people: People) -> dict[int, list[int]]:
    """Rows in quarantine that are a record's to be erased, or tell of it, by delivery."""
    found = warehouse.read(
        """
        with theirs as (
            select delivery_number, row_number, lower(raw) as raw,
                regexp_replace(raw, '[^0-9]', '', 'g') as digits, record_number
            from quarantine.records)
        select distinct delivery_number, row_number from theirs
        where record_number in (from numbers) or exists (
            select 1 from sought s where (is_own or exists (
                select 1 from surnames n where contains(raw, n.name)))
            and case kind when 'phone' then contains(digits, s.text)
                when 'email' then contains(raw, s.text) else false end)""",
        numbers=people.numbers,
        sought=people.sought,
        surnames=people.versions.select(name=pl.col("last_name").str.to_lowercase())
        .drop_nulls()
        .unique(),
    )
    versions = warehouse.read(
        f"""
        select arrival // {ARRIVALS} as delivery_number, arrival % {ARRIVALS} as row_number
        from ingest.versions semi join numbers using (record_number)
        where arrival % {ARRIVALS} < {WITHDRAWN_ROWS}""",
        numbers=people.numbers,
    )
    rows: dict[int, list[int]] = {}
    for number, row in pl.concat([found, versions]).unique().sort(pl.all()).iter_rows():
        rows.setdefault(number, []).append(row)
    return rows


def _said(
    where: Where, people: People, rows: dict[int, list[int]]
) -> dict[str, tuple[int, ...] | tuple[str, ...]]:
    """Decisions that name the records, or have a value of the person; and what was said of them."""
    names = people.records.select(pl.format("{}:{}", "source", "source_key")).to_series().to_list()
    log = read_log(where.settings)
    named = [row["decision_id"] for row in decisions_about(log, names)]
    phones = people.sought.filter(kind="phone")["text"].to_list()
    words = words_of(people)
    ids = dict(
        where.warehouse.read("select delivery_number, delivery_id from ingest.deliveries").rows()
    )
    theirs = {(ids.get(number), row) for number, some in rows.items() for row in some}
    voided = {
        number
        for number, kind, subject in _subjects(log)
        if kind not in {"same", "different", "ignore", "undo"}
        and (
            (subject.get("sha256"), subject.get("row_number")) in theirs
            or _has_value(subject, set(names), words, phones)
        )
    }
    left_out = left_out_of(where, people, log)
    voided |= left_out.decisions
    remarked = log.filter(
        pl.Series([tells_of(text, words, phones) for text in log["because"]], dtype=pl.Boolean)
    )
    named = sorted({*named, *voided, *remarked["decision_id"]})
    about = {*_items(where, names, log, named), *names}
    kinds = ("verdict", "comment", "entry", "draft")
    remarks: dict[str, list[str]] = {kind: [] for kind in kinds}
    if log.height or (where.settings.data / "decisions").exists():
        for kind, name, item, text in said(where.settings.log_url):
            if item in about or left_out.tells(text) or tells_of(text, words, phones):
                remarks[kind].append(name)
    return {
        "decisions": tuple(named),
        "voided": tuple(sorted(voided)),
        "verdicts": tuple(remarks["verdict"]),
        "comments": tuple(remarks["comment"]),
        "entries": tuple(remarks["entry"]),
        "drafts": tuple(remarks["draft"]),
    }


def _has_value(
    subject: dict[str, object], names: set[str], words: list[str], phones: list[str]
) -> bool:
    """Whether what was decided is a value of the person and not only about their records."""
    records = subject.get("records")
    is_theirs = isinstance(records, list) and set(records) <= names
    told = {key: value for key, value in subject.items() if key not in {"records", "sha256"}}
    text = json.dumps(told, ensure_ascii=False)
    return is_theirs or subject.get("record_id") in names or tells_of(text, words, phones)


def _subjects(log: pl.DataFrame) -> Iterator[tuple[int, str, dict[str, object]]]:
    for number, kind, subject in log.select("decision_id", "kind", "subject").iter_rows():
        yield number, kind, json.loads(subject)


def _items(where: Where, names: list[str], log: pl.DataFrame, decisions: list[int]) -> set[str]:
    """The review items that are about the records, as far as they can be told."""
    found = where.golden.read(
        "select item_id from review_items where list_has_any(record_ids, "
        "(select list(name) from named))",
        named=pl.DataFrame({"name": names}, schema={"name": pl.String}),
    )["item_id"]
    decided = log.filter(pl.col("decision_id").is_in(decisions))["item_id"].drop_nulls()
    return {*found, *decided}


def _waiting_files(where: Where, people: People) -> int:
    """Files in the inbox that no feed expects and that hold an address of the person.

    What a feed expects is taken in, and is watched for the person as any delivery.
    """
    texts = people.sought.filter(kind="email")["text"]
    words = [text.encode(encoding) for text in texts for encoding in ("utf-8", "utf-16-le")]
    patterns = [feed.read.path for feed in where.rulebook.feeds.values()]
    count = 0
    for path in where.settings.inbox.rglob("*"):
        name = path.relative_to(where.settings.inbox).as_posix()
        is_expected = any(fnmatchcase(name, pattern) for pattern in patterns)
        if path.is_file() and not path.is_symlink() and not is_expected:
            content = path.read_bytes().lower()
            count += any(word in content for word in words)
    return count
