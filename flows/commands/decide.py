"""`touchstone decide`: answer a review item; the next run obeys."""

import argparse
import json
from uuid import uuid4

import polars as pl
from pydantic import ValidationError

from flows.cli import show
from flows.leaving_out import value_of
from rules.decision import IgnoredValue, NewDecision
from rules.quality import Quality
from rules.queues import Queues
from rules.survivorship import Survivorship
from store.decisions import DecisionLog, open_decisions
from store.errors import DecisionLogError, TouchstoneError
from store.publications import PREFIX, waiting_publication
from store.queueing import urgency_sql
from store.rulebook import read_rule
from store.settings import Settings
from store.snapshot import current_run, open_snapshot
from store.state.entries import is_entry
from transforms.answer import (
    ANSWERS,
    Answer,
    AnswerError,
    Item,
    answer_item,
    correct_row,
    fingerprint,
)
from transforms.ignore import FIELDS
from transforms.resolve import state_of

_LISTED = 50
_EVERYTHING = "all"
_CORRECT = "correct"


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("item", nargs="?", metavar="ITEM", help="a review item, e.g. I-0A1B2C3D4E")
    parser.add_argument(
        "answer",
        nargs="?",
        metavar="ANSWER",
        help="match, cluster: same or different; conflict: keep or the right value; "
        "delivery: release or refuse; quarantine: reject, or correct FIELD=VALUE ...",
    )
    parser.add_argument(
        "cells", nargs="*", metavar="FIELD=VALUE", help="of correct: our field, what it should say"
    )
    parser.add_argument("--by", metavar="NAME", help="who decides")
    parser.add_argument("--because", metavar="TEXT", help="why, for whoever looks later")
    parser.add_argument("--undo", metavar="DECISION", type=int, help="take a decision back")
    parser.add_argument(
        "--ignore",
        metavar=("RECORD", "FIELD"),
        nargs=2,
        help="leave what this record says in this field out of matching, whoever else says it: "
        f"{', '.join(FIELDS)}",
    )
    parser.add_argument(
        "--list",
        metavar="KIND",
        nargs="?",
        const=_EVERYTHING,
        choices=(_EVERYTHING, *ANSWERS),
        help=f"show what waits, most urgent first: {', '.join(ANSWERS)}",
    )
    parser.set_defaults(refuse=parser.error)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """List, undo or decide."""
    if arguments.list:
        return _list(arguments, settings)
    asked = (arguments.undo, arguments.item, arguments.ignore)
    if sum(one is not None for one in asked) != 1:
        arguments.refuse(
            "name one ITEM and its ANSWER, or --undo a DECISION, or --ignore RECORD FIELD, "
            "or --list"
        )
    if arguments.item is not None and arguments.answer is None:
        arguments.refuse(f"what is the answer to {arguments.item}?")
    if bool(arguments.cells) != (arguments.answer == _CORRECT):
        arguments.refuse("FIELD=VALUE goes with the answer correct, and correct with one or more")
    if not arguments.by or not arguments.because:
        arguments.refuse("a decision needs --by NAME and --because TEXT")
    try:
        if arguments.ignore:
            return _ignore(arguments, settings)
        return _undo(arguments, settings) if arguments.undo else _decide(arguments, settings)
    except (DecisionLogError, AnswerError) as error:
        raise TouchstoneError(str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise TouchstoneError(
            f"The decision cannot be stored: {first['msg']}; change that and decide again."
        ) from error


def _decide(arguments: argparse.Namespace, settings: Settings) -> int:
    item = _find(arguments.item, settings)
    rules = read_rule(settings.rules / "survivorship.toml", Survivorship)
    if arguments.answer == _CORRECT:
        answer = correct_row(item, _cells(arguments), _raw(item, settings))
    else:
        answer = answer_item(item, arguments.answer, rules)
    with open_decisions(settings.log_url) as log:
        standing = _standing(log.read(), item["item_id"], answer)
        if standing is None:
            standing = _store(log, arguments, settings, item, answer)
            text = f"Decision {standing}: {_says(item, answer)}. The next run obeys it."
        else:
            text = f"Decision {standing} says so already; nothing was added."
    show({"decision_id": standing, "item_id": item["item_id"]}, text, as_json=arguments.json)
    return 0


def _undo(arguments: argparse.Namespace, settings: Settings) -> int:
    with open_decisions(settings.log_url) as log:
        undo = log.undo(
            arguments.undo,
            arguments.by,
            arguments.because,
            snapshot_run_id=current_run(settings),
        )
    text = f"Decision {undo.decision_id}: {arguments.undo} is undone. The next run obeys it."
    show({"decision_id": undo.decision_id, "undone": arguments.undo}, text, as_json=arguments.json)
    return 0


def _ignore(arguments: argparse.Namespace, settings: Settings) -> int:
    record_id, field = arguments.ignore
    said = value_of(settings, record_id, field)
    with open_decisions(settings.log_url) as log:
        standing = state_of(log.read()).ignored.filter(contact=said.contact, digest=said.digest)
        if standing.height:
            number = int(standing["decision_id"][0])
            text = f"Decision {number} says so already; nothing was added."
        else:
            number = log.add(_to_ignore(arguments, settings, said)).decision_id
            text = (
                f"Decision {number}: the {said.contact} of {record_id} is left out of matching, "
                "whoever else has it. The next run obeys it."
            )
    show({"decision_id": number, "record_id": record_id}, text, as_json=arguments.json)
    return 0


def _to_ignore(
    arguments: argparse.Namespace, settings: Settings, said: IgnoredValue
) -> NewDecision:
    return NewDecision(
        decided_by=arguments.by,
        kind="ignore",
        subject=said,
        because=arguments.because,
        snapshot_run_id=current_run(settings),
        idempotency_key=f"command-{uuid4()}",
    )


def _list(arguments: argparse.Namespace, settings: Settings) -> int:
    chosen = "true" if arguments.list == _EVERYTHING else f"kind = '{arguments.list}'"
    order = read_rule(settings.rules / "queues.toml", Queues).order
    with open_snapshot(settings) as con:
        found = con.sql(
            f"select * from review_items where {chosen} order by {urgency_sql(order)} desc, item_id"
        ).pl()
    items = list(found.iter_rows(named=True))
    quality = read_rule(settings.rules / "quality.toml", Quality)
    says = {name: check.says for name, check in {**quality.faults, **quality.checks}.items()}
    lines = [*_of_held(settings, arguments.list), *(_line(item, says) for item in items[:_LISTED])]
    if len(items) > _LISTED:
        lines.append(f"and {len(items) - _LISTED:,} more; --json shows all.")
    show(items, "\n".join(lines) or "Nothing waits for a person.", as_json=arguments.json)
    return 0


def _of_held(settings: Settings, kind: str) -> list[str]:
    """The line of a snapshot that is held back; another command answers it."""
    waiting = waiting_publication(settings) if kind == _EVERYTHING else None
    if waiting is None:
        return []
    return [f"{waiting.item_id}  publication  {_held_answer(waiting.run_id)}"]


def _held_answer(run_id: str) -> str:
    return f"see `touchstone publish`, then `touchstone publish {run_id} --by NAME --because TEXT`"


def _find(item_id: str, settings: Settings) -> Item:
    if is_entry(item_id):
        raise TouchstoneError(
            f"{item_id} asks about an entry: it is answered at the desk, on /items/{item_id}."
        )
    if item_id.startswith(PREFIX):
        raise TouchstoneError(f"{item_id}: {_held_answer(item_id.removeprefix(PREFIX))}.")
    with open_snapshot(settings) as con:
        found = con.sql("select * from review_items where item_id = ?", params=[item_id]).pl()
    if found.is_empty():
        raise TouchstoneError(
            f"No item {item_id} waits in the current snapshot: it is settled, or the name is "
            "wrong; `touchstone decide --list` shows what waits."
        )
    item: Item = found.row(0, named=True)
    return item


def _cells(arguments: argparse.Namespace) -> dict[str, str]:
    """What the row should say, by our fields."""
    cells: dict[str, str] = {}
    for word in arguments.cells:
        field, is_given, value = word.partition("=")
        if not is_given or not field:
            arguments.refuse(f"{word}: write FIELD=VALUE, such as email=ann@example.com")
        if field in cells:
            arguments.refuse(f"{field} is given twice")
        cells[field] = value
    return cells


def _raw(item: Item, settings: Settings) -> str:
    """The row of a quarantine item as it came."""
    row = [item["delivery_id"], item["row_number"]]
    with open_snapshot(settings) as con:
        found = con.execute(
            "select raw from quarantine where delivery_id = ? and row_number = ?", row
        ).fetchone()
    return str(found[0]) if found else ""


def _standing(log: pl.DataFrame, item_id: str, answer: Answer) -> int | None:
    """The decision that says just this about the item and is the last word on it, if any."""
    about = log.filter(pl.col("item_id") == item_id)
    undone = [
        json.loads(subject)["decision_id"]
        for subject in log.filter(pl.col("kind") == "undo")["subject"]
    ]
    if about.is_empty() or about["decision_id"].is_in(undone).any():
        return None
    last = about.row(-1, named=True)
    same = (last["kind"], last["subject"]) == (answer.kind, answer.subject.text())
    return int(last["decision_id"]) if same else None


def _store(
    log: DecisionLog, arguments: argparse.Namespace, settings: Settings, item: Item, answer: Answer
) -> int:
    decision = NewDecision(
        decided_by=arguments.by,
        kind=answer.kind,
        subject=answer.subject,
        because=arguments.because,
        item_id=item["item_id"],
        snapshot_run_id=current_run(settings),
        fingerprint=fingerprint(item),
        idempotency_key=f"command-{uuid4()}",
    )
    return log.add(decision).decision_id


def _says(item: Item, answer: Answer) -> str:
    """What was decided, without the values themselves."""
    records = " and ".join(item["record_ids"] or ())
    return {
        "same": f"{records} are one customer",
        "different": f"{records} are two customers",
        "value": f"the {item['field']} of {', '.join(item['customer_ids'] or ())} is settled",
        "release": "the delivery may enter",
        "refuse": "the delivery stays out",
        "correct": f"row {item['row_number']} enters as corrected, if it then passes its checks",
        "reject": f"row {item['row_number']} stays out",
    }[answer.kind]


def _line(item: Item, says: dict[str, str]) -> str:
    """An item in one line; a reason for quarantine in the words of quality.toml."""
    why = "; ".join(says.get(name, name.replace("_", " ")) for name in _reasons(item))
    return "  ".join(
        part
        for part in (
            item["item_id"],
            f"{item['kind']:10s}",
            f"due {item['due_at']:%Y-%m-%d}",
            _about(item),
            f"({why})" if why else "",
        )
        if part
    )


def _reasons(item: Item) -> list[str]:
    if not item["why"]:
        return []
    return item["why"].split(", ") if item["kind"] == "quarantine" else [item["why"]]


def _about(item: Item) -> str:
    if item["kind"] == "conflict":
        customer = item["customer_ids"][0]
        return f'{item["field"]} of {customer}: "{item["value"]}" or "{item["rival_value"]}"'
    if item["record_ids"]:
        return " and ".join(item["record_ids"])
    row = f", row {item['row_number']}" if item["row_number"] else ""
    return f"delivery {item['delivery_id'][:12]}{row}"
