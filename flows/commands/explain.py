"""`touchstone explain`: how a customer came to be, or why two are, or are not, one."""

import argparse
from typing import NamedTuple

import duckdb
import polars as pl

from flows import evidence
from flows.cli import show
from flows.evidence import Found, Row, rows_of
from flows.leaving_out import left_out_of
from flows.telling import tell_customer, tell_pair
from rules.queues import SAMPLE
from store.errors import TouchstoneError
from store.rulebook import Rulebook, read_rulebook
from store.settings import Settings
from store.snapshot import open_snapshot
from transforms.explain import DECIDED, Link, arrivals, strongest_path
from transforms.resolve import state_of


class Known(NamedTuple):
    """Where answers come from."""

    con: duckdb.DuckDBPyConnection
    settings: Settings
    rulebook: Rulebook
    log: pl.DataFrame
    log_problem: str | None

    @property
    def link(self) -> float:
        """The match weight from which on records are linked."""
        return self.rulebook.matching.thresholds.link


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument(
        "ids",
        nargs="+",
        metavar="ID",
        help="one or two of: a record (source:key), a customer (C3-417), a customer's old id",
    )
    parser.add_argument("--as-of", metavar="RUN", help="ask an older snapshot, e.g. R0002")
    parser.set_defaults(refuse=parser.error)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Explain one customer, or two records or customers."""
    if len(arguments.ids) > 2:
        arguments.refuse("one ID or two, no more")
    rulebook = read_rulebook(settings.rules)
    with open_snapshot(settings, arguments.as_of) as con:
        known = Known(con, settings, rulebook, *_log(settings))
        found = [evidence.find(con, asked) for asked in arguments.ids]
        if len(found) == 1:
            answer = evidence.without_numbers(_customer(known, found[0]))
            text = tell_customer(answer)
        else:
            answer = evidence.without_numbers(_pair(known, *found))
            text = tell_pair(answer)
    show(answer, text, as_json=arguments.json)
    return 0


def _log(settings: Settings) -> tuple[pl.DataFrame, str | None]:
    """The decisions, or why they cannot be read; the snapshot explains most without them."""
    try:
        return evidence.read_log(settings), None
    except TouchstoneError as error:
        return evidence.no_log(), str(error)


def _customer(known: Known, found: Found) -> Row:
    name = found.customer_id
    records = evidence.find(known.con, name).records
    links = evidence.links_between(known.con, records, records, known.rulebook)
    links = links.filter(pl.col("match_weight") >= known.link)
    told = [evidence.evidence_of(links[at], known.rulebook) for at in range(links.height)]
    return {
        "asked": found.asked,
        "is_record": found.is_record,
        "customer_id": name,
        "redirect": found.redirect,
        "records": list(records.drop("record_number", "customer_id").iter_rows(named=True)),
        "steps": _steps(known, records["record_id"], links),
        "links": told,
        **_published(known, name),
        **_waiting(known, records),
    }


def _steps(known: Known, records: pl.Series, links: pl.DataFrame) -> list[Row]:
    """By which link each record joined those that were there before it."""
    strong = links.select("record_id_a", "record_id_b", "match_weight")
    every = pl.concat([strong, _must_links(known, records)])
    return [
        {
            "record_id": arrival.record_id,
            "joined": [{"record_id": link.other, **_weight(link)} for link in arrival.by],
        }
        for arrival in arrivals(records.to_list(), every)
    ]


def _weight(link: Link) -> Row:
    """A link's match weight; none where a person decided."""
    return {"match_weight": None if link.weight == DECIDED else round(link.weight, 2)}


_VALUES = """
    select l.field, l.value, l.record_id, l.decided_by, l.valid_from, c.decided_by as corrected_by
    from lineage l left join (
        select record_id, golden_field, golden_value, arg_max(decided_by, decision_id) as decided_by
        from corrections group by all) c
        on c.record_id = l.record_id and c.golden_field = l.field and c.golden_value = l.value
    where l.customer_id = ? order by list_position(?, l.field)"""
"""Each golden value with its source, and who corrected the row that it came from."""


def _published(known: Known, name: str) -> Row:
    """What the snapshot says of a customer."""
    con, fields = known.con, known.rulebook.survivorship.names()
    return {
        "is_published": bool(rows_of(con, "select 1 from customers where customer_id = ?", name)),
        "values": rows_of(
            con,
            _VALUES,
            name,
            fields,
        ),
        "old_ids": rows_of(
            con,
            "select old_customer_id, run_id, why from redirects where customer_id = ? "
            "and why <> 'perhaps' order by run_id, old_customer_id",
            name,
        ),
        "changes": rows_of(
            con,
            "select run_id, change, fields, other_customer_id from changes "
            "where customer_id = ? order by run_id, change",
            name,
        ),
    }


def _pair(known: Known, one: Found, other: Found) -> Row:
    _refuse_one(one, other)
    rulebook = known.rulebook
    pairs = evidence.links_between(known.con, one.records, other.records, rulebook)
    is_stored, note = pairs.height > 0, None
    if not is_stored:
        pairs, note = _afresh(known, one, other)
    waiting = _waiting(known, pl.concat([one.records, other.records]).unique("record_number"))
    return {
        "asked": [one.asked, other.asked],
        "customer_ids": [one.customer_id, other.customer_id],
        "is_one_customer": one.customer_id == other.customer_id,
        "thresholds": rulebook.matching.thresholds.model_dump(),
        "floor": rulebook.matching.evidence_floor,
        "is_stored": is_stored,
        "note": note,
        "pair_count": pairs.height,
        "pair": evidence.evidence_of(pairs[0], rulebook) if pairs.height else None,
        "path": _path(known, one, other),
        **waiting,
        "items": [item for item in waiting["items"] if _joins(item, one, other)],
    }


def _refuse_one(one: Found, other: Found) -> None:
    sides = [set(found.records["record_number"]) for found in (one, other)]
    if sides[0] & sides[1]:
        raise TouchstoneError(
            f"{one.asked} and {other.asked} are both {one.customer_id}; "
            f"`touchstone explain {one.customer_id}` tells how it came to be."
        )


def _afresh(known: Known, one: Found, other: Found) -> tuple[pl.DataFrame, str | None]:
    """Pairs that are not stored, scored now if nobody holds the lock."""
    try:
        pairs = evidence.score_afresh(known.settings, known.rulebook, one.records, other.records)
    except TouchstoneError as error:
        return pl.DataFrame(), (
            "No run kept this pair: nothing that records are looked up by found it, or it had too "
            f"little evidence. It could not be scored now: {error}"
        )
    return pairs, None


def _path(known: Known, one: Found, other: Found) -> list[Row]:
    """The chain of links between two records of one customer, decided links included."""
    if one.customer_id != other.customer_id:
        return []
    whole = evidence.find(known.con, one.customer_id).records
    links = evidence.links_between(known.con, whole, whole, known.rulebook).select(
        "record_id_a", "record_id_b", "match_weight"
    )
    strong = links.filter(pl.col("match_weight") >= known.link)
    chain = strongest_path(
        pl.concat([strong, _must_links(known, whole["record_id"])]),
        one.records["record_id"][0],
        other.records["record_id"][0],
    )
    return [
        {
            "record_ids": [link.one, link.other],
            **_weight(link),
        }
        for link in chain
    ]


def _must_links(known: Known, records: pl.Series) -> pl.DataFrame:
    """What people decided to be one, among these records."""
    return (
        state_of(known.log)
        .must_links.filter(
            pl.col("record_a").is_in(records.implode())
            & pl.col("record_b").is_in(records.implode())
        )
        .select(record_id_a="record_a", record_id_b="record_b", match_weight=pl.lit(DECIDED))
    )


def _waiting(known: Known, records: pl.DataFrame) -> Row:
    """What people were asked, and what they decided, about any of these records."""
    names = records["record_id"].to_list()
    return {
        "items": rows_of(
            known.con,
            "select * from review_items where list_has_any(record_ids, ?) "
            f"and why is distinct from '{SAMPLE}' order by priority desc, item_id",
            names,
        ),
        "left_out": left_out_of(known.con, names, known.rulebook.lookups),
        "decisions": evidence.decisions_about(known.log, names),
        "log_problem": known.log_problem,
    }


def _joins(item: Row, one: Found, other: Found) -> bool:
    """Whether an item asks about both sides."""
    asked = set(item["record_ids"])
    return all(asked & set(side.records["record_id"]) for side in (one, other))
