"""Tell in plain words what `touchstone explain` found."""

import math
from typing import Any

from flows.evidence import Row
from transforms.explain import odds

_SHOWN = 12

_DECIDED_BY = {
    "only_value": "no record says otherwise",
    "steward": "a person decided",
    "most_trusted": "from the most trusted source",
    "most_recent": "the most recent",
    "most_frequent": "said most often",
    "most_complete": "the most complete",
    "most_personal": "a person's own rather than an office's",
    "most_whole": "the one of which least is missing",
    "refusal_first": "of the same age, the refusal counts",
    "first_to_arrive": "the first to arrive",
}

_WHY = {
    "weak_average": "the other records of the two customers speak against it",
    "too_many_records": "so many records hang together that its weakest links were let go",
    "fits_two_customers": "one of the records fits another customer about as well",
    "name_alone": "nothing but a name says so, and others have it or other details differ",
    "another_generation": "one says Jr or Sr and the other does not; a family shares name and home",
    "two_keys_of_one_source": "it would join two records of a source that never has anybody twice",
    "cannot_link": "a person decided that they are different",
    "linked": "their records were found to be one customer",
}

_MISSING = "a value is missing"


def tell_customer(answer: Row) -> str:
    """How a customer came to be."""
    name, records = answer["customer_id"], answer["records"]
    lines = [_head(answer)]
    if not answer["is_published"]:
        lines.append(
            f"{name} is not among the golden customers: no record of it has both a name and a "
            "valid e-mail or phone yet."
        )
    founded = records[0]["record_id"]
    lines += ["", "How it came to be: its records, in the order in which they arrived"]
    for record, step in zip(records, answer["steps"], strict=True):
        lines += [_record(record), *_joined(record, step, founded, answer["links"])]
    if answer["links"]:
        lines += [
            "",
            "What links them, strongest first (each point of weight doubles the odds)",
            *_some([_link(link) for link in answer["links"]]),
        ]
    elif len(records) > 1:
        lines += ["", "No weight links its records: a person decided that they are one."]
    if answer["values"]:
        lines += ["", "Its golden values", *map(_value, answer["values"])]
    lines += _section("What became of it", [_change(change) for change in answer["changes"]])
    lines += _section("Ids that lead here", [_old(old) for old in answer["old_ids"]])
    lines += _section("Waiting for a person", [_item(item) for item in answer["items"]])
    lines += _section("Left out of matching", [_left_out(one) for one in answer["left_out"]])
    return "\n".join([*lines, *_decisions(answer)])


def tell_pair(answer: Row) -> str:
    """Why two records or customers are, or are not, one."""
    one, other = answer["asked"]
    first, second = answer["customer_ids"]
    if answer["is_one_customer"]:
        lines = [f"{one} and {other} are one customer, {first}."]
    else:
        lines = [f"{one} and {other} are two customers, {first} and {second}."]
    lines += [_reason(answer), ""]
    lines += _evidence(answer) if answer["pair"] else [answer["note"] or "There is nothing to say."]
    if len(answer["path"]) > 1:
        lines += ["", "How they are connected", *map(_step, answer["path"])]
    lines += _section("Waiting for a person", [_item(item) for item in answer["items"]])
    lines += _section("Left out of matching", [_left_out(one) for one in answer["left_out"]])
    return "\n".join([*lines, *_decisions(answer)])


def _head(answer: Row) -> str:
    name, asked, count = answer["customer_id"], answer["asked"], len(answer["records"])
    stands = f"stands on {count} record{'s' if count > 1 else ''}"
    if answer["redirect"]:
        why = _WHY.get(answer["redirect"]["why"], answer["redirect"]["why"])
        return f"{asked} is {name} since run {answer['redirect']['run_id']}: {why}. It {stands}."
    if answer["is_record"]:
        return f"{asked} belongs to customer {name}, which {stands}."
    return f"Customer {name} {stands}."


def _reason(answer: Row) -> str:
    """The one sentence that says why."""
    decided = _last_word(answer)
    if decided:
        return f"{decided['decided_by']} decided so (decision {decided['decision_id']})."
    weight = answer["pair"]["match_weight"] if answer["pair"] else -math.inf
    bands = answer["thresholds"]
    if answer["is_one_customer"]:
        if weight >= bands["link"]:
            return "What they have in common is enough to link them without asking."
        return "They are not linked with each other, but by way of other records."
    return _why_apart(answer, weight)


def _why_apart(answer: Row, weight: float) -> str:
    bands = answer["thresholds"]
    refused = next((item for item in answer["items"] if item["kind"] == "cluster"), None)
    if refused:
        return f"A link was refused: {_WHY.get(refused['why'], refused['why'])}."
    if weight < bands["review"]:
        return "What they have in common is too little to think of one customer."
    if weight < bands["link"]:
        return "What they have in common is enough to ask a person, not to link them."
    return "They would be linked, but each is held by stronger links to records that stand apart."


def _last_word(answer: Row) -> Row | None:
    """The newest decision that says of both sides what came of it."""
    kind = "same" if answer["is_one_customer"] else "different"
    undone = {
        entry["subject"].get("decision_id")
        for entry in answer["decisions"]
        if entry["kind"] == "undo"
    }
    said = [
        entry
        for entry in answer["decisions"]
        if entry["kind"] == kind and len(entry["names"]) > 1 and entry["decision_id"] not in undone
    ]
    return said[-1] if said else None


def _evidence(answer: Row) -> list[str]:
    pair, bands = answer["pair"], answer["thresholds"]
    weight = pair["match_weight"]
    named = " and ".join(pair["record_ids"])
    several = answer["pair_count"] > 1
    return [
        f"{'The strongest of their pairs, ' if several else ''}{named}"
        " (each point of weight doubles the odds)",
        f"  {pair['start']:+7.1f}  before anything is compared",
        *(
            f"  {part['weight']:+7.1f}  {part['comparison'].replace('_', ' ')}: {part['found']}"
            for part in pair["comparisons"]
            if part["comparison"] != _other_of_two(pair)
            and (part["weight"] or part["found"] == _MISSING)
        ),
        *(
            [f"  {pair['household']:+7.1f}  they could be {_two_others(pair)}"]
            if pair["household"] <= -0.05
            else []
        ),
        f"  {weight:+7.1f}  together: {odds(weight)}",
        f"Links are made from {bands['link']:g}; people are asked from {bands['review']:g}.",
        _how_found(answer),
    ]


def _other_of_two(pair: Row) -> str:
    """Companies are compared as those of people or as customers; the one that was not."""
    found = {part["comparison"]: part["found"] for part in pair["comparisons"]}
    return "account" if found.get("account", _MISSING) == _MISSING else "company"


def _two_others(pair: Row) -> str:
    if _other_of_two(pair) == "company":
        return "two companies of one address or telephone"
    return "two people of one household"


def _how_found(answer: Row) -> str:
    pair = answer["pair"]
    rules = ", ".join(name.replace("_", " ") for name in pair["found_by"])
    if answer["is_stored"]:
        return f"They were compared because they share: {rules}."
    if not pair["found_by"]:
        return "No run compared them: they share nothing that records are looked up by. Scored now."
    if pair["evidence"] < answer["floor"]:
        return (
            f"A run compared them (they share: {rules}) and did not keep it: the evidence is below "
            f"{answer['floor']:g}. Scored now."
        )
    return (
        f"They share {rules}, but too many records share it to compare them all; no run compared "
        "these two. Scored now."
    )


def _record(record: Row) -> str:
    came = f"{record['received_at']:%Y-%m-%d}" if record["received_at"] else "?"
    lacks = "" if record["is_active"] else "  (lacks a name or a valid contact)"
    return f"  {record['record_id']}  came {came} in {record['file_name'] or '?'}{lacks}"


def _joined(record: Row, step: Row, founded: str, links: list[Row]) -> list[str]:
    """By what a record joined those before it."""
    if record["record_id"] == founded:
        return ["      founded it"]
    if not step["joined"]:
        return ["      stood by itself until a later record linked it"]
    found = {frozenset(link["record_ids"]): link for link in links}
    lines = []
    for number, by in enumerate(step["joined"]):
        link = found.get(frozenset((record["record_id"], by["record_id"])))
        verb = "joined" if number == 0 else "and brought in"
        lines.append(f"      {verb} {by['record_id']}: {_because(by, link)}")
    return lines


def _because(by: Row, link: Row | None) -> str:
    if by["match_weight"] is None or link is None:
        return "a person decided"
    return f"{by['match_weight']:+.1f}, {_agreeing(link)}"


def _agreeing(link: Row) -> str:
    return "; ".join(part["found"] for part in link["comparisons"] if part["weight"] > 0)


def _link(link: Row) -> str:
    rules = ", ".join(name.replace("_", " ") for name in link["found_by"])
    return (
        f"  {link['match_weight']:+6.1f}  {' and '.join(link['record_ids'])}: {_agreeing(link)} "
        f"(found by {rules})"
    )


def _step(step: Row) -> str:
    weight = step["match_weight"]
    strength = "a person decided" if weight is None else f"{weight:+.1f}"
    return f"  {' and '.join(step['record_ids'])}  ({strength})"


def _value(value: Row) -> str:
    why = _DECIDED_BY.get(value["decided_by"], value["decided_by"])
    origin = value["record_id"] or "typed by a person"
    mended = f", corrected by {value['corrected_by']}" if value["corrected_by"] else ""
    return f"  {value['field']:14s} {value['value']}  from {origin}, {why}{mended}"


def _change(change: Row) -> str:
    fields = ", ".join(change["fields"] or ())
    other = change["other_customer_id"]
    told = f" with {other}" if other else ""
    return f"  {change['run_id']}  {change['change']}{told}{': ' + fields if fields else ''}"


def _old(old: Row) -> str:
    why = _WHY.get(old["why"], old["why"])
    return f"  {old['old_customer_id']}  since {old['run_id']}: {why}"


def _item(item: Row) -> str:
    about = " and ".join(item["record_ids"])
    if item["field"]:
        about = f'{item["field"]}: "{item["value"]}" or "{item["rival_value"]}"'
    return f"  {item['item_id']}  {item['question']} {about}"


def _left_out(one: Row) -> str:
    """A value that is left out of matching, in one line, without saying it."""
    field = one["field"].replace("_", " ")
    because = f" ({one['because']})" if one["because"] else ""
    return (
        f"  the {field} of {one['record_id']}: decision {one['decision_id']} of "
        f"{one['decided_by']}{because}"
    )


def _decisions(answer: Row) -> list[str]:
    if answer["log_problem"]:
        return ["", f"The decisions cannot be told: {answer['log_problem']}"]
    return _section("Decisions", [_decision(entry) for entry in answer["decisions"]])


def _decision(entry: dict[str, Any]) -> str:
    """A decision in one line; `Any` is whatever the log holds."""
    subject = entry["subject"]
    about = {
        "undo": f"decision {subject.get('decision_id')} is undone",
        "value": f"{subject.get('field')} is {subject.get('value')}",
        "ignore": f"the {subject.get('contact')} of {', '.join(entry['names'])} "
        "is left out of matching",
    }.get(entry["kind"], f"{entry['kind']}: {', '.join(entry['names'])}")
    return (
        f"  {entry['decision_id']}  {entry['decided_at']:%Y-%m-%d} {entry['decided_by']}: {about} "
        f"({entry['because']})"
    )


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", title, *_some(lines)] if lines else []


def _some(lines: list[str]) -> list[str]:
    if len(lines) <= _SHOWN:
        return lines
    return [*lines[:_SHOWN], f"  and {len(lines) - _SHOWN} more; --json shows all."]
