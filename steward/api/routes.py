"""What the read API answers to; every answer is JSON, and what is not done is a problem."""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from steward.api.asking import Api, Asker
from steward.api.customers import Told, current_id, find_customer, tell_customer
from steward.api.describe import describe_api
from steward.api.feed import MOST, USUAL, changes_after, read_cursor
from steward.api.matching import Question
from steward.api.reading import FIELDS
from steward.batches import FullError
from steward.desk.cards import cards
from steward.desk.finding import LONGEST, PAGE, Asked, find, founder_of
from steward.problem import FieldError, Problem, wait
from steward.reading import read_body
from store.changes import Cursor
from store.errors import TouchstoneError
from store.opened import Snapshot

MOST_BYTES = 16 * 1_024
MOST_CANDIDATES, USUAL_CANDIDATES = 20, 5
SOUGHT = {"q", "source", "campaign", "after"}
"""The words of a search."""
_AFTER = re.compile(r"([01])-([0-9]{1,17})")


def api_routes() -> list[Route]:
    """All routes of the read API."""
    return [
        Route("/api/customers", search_customers, methods=["GET", "POST"]),
        Route("/api/customers/{customer_id}", show_customer, methods=["GET"]),
        Route("/api/resolve", resolve_record, methods=["GET"]),
        Route("/api/changes", show_changes, methods=["GET"]),
        Route("/api/match", match_record, methods=["POST"]),
        Route("/api/openapi.json", show_description, methods=["GET"]),
    ]


async def show_customer(request: Request) -> Response:
    """One customer; an old name leads to the new one."""
    api: Api = request.app.state.api
    asker = await api.admit(request, "customers")
    cabinet = await api.cabinet()
    named = request.path_params["customer_id"].strip().upper()
    founder = founder_of(named)
    found = (
        find_customer(cabinet, founder, asker.scope, api.desk.rulebook)
        if founder is not None
        else None
    )
    if found is None:
        target = current_id(cabinet, named, asker.scope, api.desk.rulebook)
        if target is None:
            raise _unknown()
        return Response(status_code=307, headers={"Location": f"/api/customers/{target}"})
    await api.note(asker, "look", found.one.customer_id)
    return _tagged(request, tell_customer(cabinet, found))


async def search_customers(request: Request) -> Response:
    """Customers who fit what is typed, as the search of the pages finds them.

    Whom somebody looks for is posted, so that no address says it; the address may say it as well,
    for those who ask by hand.
    """
    api: Api = request.app.state.api
    asker = await api.admit(request, "search")
    _insist_known(request, SOUGHT if request.method == "GET" else set())
    said = dict(request.query_params) if request.method == "GET" else await _sought(request)
    page = _AFTER.fullmatch(said.get("after", "0-0"))
    if page is None:
        raise Problem("not_asked_so", "Give the `next` of an answer as after, or leave it out.")
    asked = Asked(
        text=said.get("q", "").replace("\0", "")[:LONGEST],
        source=said.get("source", "")[:LONGEST],
        campaign=said.get("campaign", "")[:LONGEST],
        after=(int(page[1]), int(page[2])) if "after" in said else None,
    )
    told = await _in_a_thread(api, lambda snapshot: _searched(api, snapshot, asked, asker))
    await api.note(asker, "search", detail=f"{len(told['customers'])} found", subject="")
    return _json(told)


async def _sought(request: Request) -> dict[str, str]:
    """What a body says of a search: the words that an address may have."""
    said = _object_of(await _json_body(request))
    wrong = [_wrong_word(name, text) for name, text in said.items()
             if name not in SOUGHT or text is None or not _is_text(text)]  # fmt: skip
    if wrong:
        raise Problem("not_valid", "Mend what `errors` names and ask again.", tuple(wrong))
    return said


def _wrong_word(name: str, text: object) -> FieldError:
    if name in SOUGHT:
        return FieldError(name, "unusable_text", f"Give {LONGEST} plain letters at most.")
    shown = name[:200].encode("utf-8", "replace").decode()
    return FieldError(shown, "unknown_field", f"Give some of {', '.join(sorted(SOUGHT))}.")


def _searched(api: Api, snapshot: Snapshot, asked: Asked, asker: Asker) -> Told:
    hits = find(snapshot, asked, asker.scope)
    shown = hits[:PAGE]
    known = cards(snapshot, [hit.founder for hit in shown], asker.scope, api.desk.rulebook)
    has_more = len(hits) > PAGE
    told = [known[hit.founder] for hit in shown if hit.founder in known]
    return {
        "customers": [
            {name: value for name, value in card._asdict().items() if name != "founder"}
            for card in told
        ],
        "next": f"{shown[-1].rank}-{shown[-1].founder}" if has_more else None,
        "run_id": snapshot.run_id,
    }


async def resolve_record(request: Request) -> Response:
    """The customer of a record, or the present name of one that is old."""
    api: Api = request.app.state.api
    asker = await api.admit(request, "customers")
    said = request.query_params
    _insist_known(request, {"record_id", "customer_id"})
    if len(said) != 1:
        raise Problem("not_asked_so", "Give either a record_id, source:key, or a customer_id.")
    cabinet = await api.cabinet()
    if "customer_id" in said:
        asked = said["customer_id"].strip().upper()
        founder = founder_of(asked)
        rules = api.desk.rulebook
        is_there = founder is not None and find_customer(cabinet, founder, asker.scope, rules)
        found = asked if is_there else current_id(cabinet, asked, asker.scope, rules)
    else:
        asked = said["record_id"]
        found = await _in_a_thread(api, lambda snapshot: _customer_of(snapshot, asked, asker))
    if found is None:
        raise _unknown()
    await api.note(asker, "look", found, "resolved")
    return _json({"asked": asked, "customer_id": found, "run_id": cabinet.run_id})


def _customer_of(snapshot: Snapshot, record_id: str, asker: Asker) -> str | None:
    row = snapshot.row(
        f"select r.customer_id from crosswalk r where r.record_id = $named and {asker.scope.sql}",
        asker.scope.values | {"named": record_id.replace("\0", "")},
    )
    return row["customer_id"] if row else None


async def show_changes(request: Request) -> Response:
    """What runs did to customers, after a cursor."""
    api: Api = request.app.state.api
    asker = await api.admit(request, "changes")
    said = request.query_params
    _insist_known(request, {"since", "limit"})
    cursor = read_cursor(said.get("since", ""))
    most = _whole_number(said.get("limit", str(USUAL)), MOST)
    told = await _in_a_thread(api, lambda snapshot: _changes(snapshot, cursor, most, asker))
    await api.note(asker, "changes", "", f"{len(told['changes'])} told")
    return _tagged(request, told)


def _changes(snapshot: Snapshot, cursor: Cursor, most: int, asker: Asker) -> Told:
    changes, last, has_more = changes_after(snapshot, cursor, most, asker.scope)
    return {
        "changes": changes,
        "next": str(last),
        "has_more": has_more,
        "run_id": snapshot.run_id,
    }


async def match_record(request: Request) -> Response:
    """Which customers a record could be, and why; nothing of it is kept."""
    api: Api = request.app.state.api
    asker = await api.admit(request, "match")
    record, most = _asked_record(await _json_body(request))
    try:
        told = await api.match(Question(record, asker.scope, most))
    except FullError:
        raise wait(1, "Too many ask at once; ask again.", "not_ready") from None
    names = " ".join(one["customer_id"] for one in told["customers"])
    await api.note(asker, "match", "", names)
    return _json(told)


async def _json_body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem("wrong_media_type", "Send the body as application/json.")
    return await read_body(request, MOST_BYTES)


def _object_of(body: bytes) -> dict[str, Any]:
    """The object that a body is; `Any` is whatever JSON can hold."""
    try:
        said = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Problem("malformed_body", "The body is not JSON; send one object.") from error
    if not isinstance(said, dict):
        raise Problem("not_valid", "Send an object.")
    return said


def _asked_record(body: bytes) -> tuple[dict[str, str], int]:
    """The record, and how many customers are wanted."""
    said = _object_of(body)
    if not isinstance(said.get("record"), dict):
        raise Problem("not_valid", "Send an object with the member `record`, an object.")
    errors = [FieldError(name[:200], "unknown_field", "Leave it out.") for name in said
              if name not in {"record", "limit"}]  # fmt: skip
    record = said["record"]
    errors += [_wrong_field(name, value) for name, value in record.items()
               if name not in FIELDS or not _is_text(value)]  # fmt: skip
    most = said.get("limit", USUAL_CANDIDATES)
    if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= MOST_CANDIDATES:
        errors.append(FieldError("limit", "out_of_range", f"Give 1 to {MOST_CANDIDATES}."))
    if not record:
        errors.append(FieldError("record", "required", f"Give some of {', '.join(FIELDS)}."))
    if errors:
        raise Problem("not_valid", "Mend what `errors` names and ask again.", tuple(errors))
    return {name: value for name, value in record.items() if value}, most


def _is_text(value: object) -> bool:
    """Whether a value can be read: a text, not too long, that a database can hold."""
    return value is None or (
        isinstance(value, str)
        and len(value) <= LONGEST
        and "\0" not in value
        and not any("\ud800" <= letter <= "\udfff" for letter in value)
    )


def _wrong_field(name: str, value: object) -> FieldError:
    shown = name[:200].encode("utf-8", "replace").decode()
    if name not in FIELDS:
        return FieldError(shown, "unknown_field", f"Give some of {', '.join(FIELDS)}.")
    if isinstance(value, str):
        return FieldError(shown, "unusable_text", f"Give {LONGEST} plain letters at most.")
    return FieldError(shown, "no_text", "Give a text, or null.")


def _no_number(word: str) -> float:
    raise ValueError(word)


async def show_description(_: Request) -> Response:
    """The read API as OpenAPI."""
    return _json(describe_api())


async def _in_a_thread(api: Api, answer: Callable[[Snapshot], Any]) -> Any:
    """What the snapshot answers; `Any` is whatever that is."""

    def asked() -> Any:
        with api.desk.snapshots.reading() as snapshot:
            return answer(snapshot)

    try:
        return await to_thread.run_sync(asked)
    except TouchstoneError as error:
        raise wait(60, str(error), "not_ready") from error


def _insist_known(request: Request, names: set[str]) -> None:
    """A word that is misspelt is an error, never left aside."""
    said = [name for name, _ in request.query_params.multi_items()]
    odd = sorted({name for name in said if name not in names or said.count(name) > 1})
    if odd:
        errors = tuple(FieldError(name[:200], "unknown_field", "Leave it out.") for name in odd)
        raise Problem("not_asked_so", f"Ask by {', '.join(sorted(names))}, each once.", errors)


def _whole_number(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= most):
        raise Problem("not_asked_so", f"Give a limit of 1 to {most}.")
    return int(text)


def _unknown() -> Problem:
    """The same for who is not there and who is not for the asker to see."""
    return Problem("unknown_customer", "Ask by an id that you have been told.")


def _json(told: Told) -> Response:
    return Response(_written(told), media_type="application/json")


def _tagged(request: Request, told: Told) -> Response:
    """The answer under a tag of its content; nothing where the asker has it already."""
    body = _written(told)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    said = request.headers.get("if-none-match", "").split(",")
    known = {one.strip().removeprefix("W/") for one in said}
    if tag in known or "*" in known:
        return Response(status_code=304, headers={"ETag": tag})
    return Response(body, media_type="application/json", headers={"ETag": tag})


def _written(told: Told) -> bytes:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), default=str).encode()
