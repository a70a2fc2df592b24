"""Describe the read API as OpenAPI 3.1: what may be asked, and each answer."""

from typing import Any

from steward.api.feed import MOST, USUAL
from steward.api.reading import FIELDS
from steward.openapi import PROBLEM
from steward.problem import TITLES
from store.state.tokens import SCOPES

Described = dict[str, Any]
"""A piece of the description: JSON of any shape."""

LONGEST, MOST_CANDIDATES, USUAL_CANDIDATES = 200, 20, 5
_TEXT: Described = {"type": "string"}
_TEXT_OR_NULL: Described = {"type": ["string", "null"]}
_COUNT: Described = {"type": "integer", "minimum": 0}
_CUSTOMER_ID: Described = {"type": "string", "pattern": "^C[0-9]+-[0-9]+$"}
_USUAL = {401: "no_token", 403: "not_for_this", 429: "too_many_questions", 503: "not_ready"}


def describe_api() -> Described:
    """The whole description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Touchstone read API",
            "version": "1",
            "description": "Golden customers, as far as the person of the token may see them: "
            "values are worked out from the records in scope alone.",
        },
        "paths": _PATHS,
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": f"made by `touchstone token add`; scopes: {', '.join(SCOPES)}",
                }
            },
        },
        "security": [{"token": []}],
    }


def _object(**properties: Described) -> Described:
    """An object that has all of these members and no other."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(of: Described) -> Described:
    return {"type": "array", "items": of}


def _of(schema: str) -> Described:
    return {"$ref": f"#/components/schemas/{schema}"}


def _choice(*words: str) -> Described:
    return {"enum": list(words)}


def _get(what: str, scope: str, schema: str, *parameters: Described, also: Described) -> Described:
    return {
        "get": {
            "operationId": what.split(":", maxsplit=1)[0],
            "summary": what.split(": ", maxsplit=1)[1],
            "description": f"Needs a token with the scope `{scope}`.",
            "parameters": list(parameters),
            "responses": _answers(schema, also),
        }
    }


def _post(what: str, scope: str, question: str, answer: str, also: Described) -> Described:
    """A question that is in a body."""
    kinds = ("malformed_body", "body_too_slow", "body_too_large", "wrong_media_type", "not_valid")
    wrong = {str(TITLES[kind][0]): _problem(kind) for kind in kinds}
    return {
        "post": {
            "operationId": what.split(":", maxsplit=1)[0],
            "summary": what.split(": ", maxsplit=1)[1],
            "description": f"Needs a token with the scope `{scope}`.",
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": _of(question)}},
            },
            "responses": _answers(answer, wrong | also),
        }
    }


def _answers(schema: str, also: Described) -> Described:
    well = {
        "description": "The answer.",
        "content": {"application/json": {"schema": _of(schema)}},
    }
    return {"200": well} | {str(code): _problem(kind) for code, kind in _USUAL.items()} | also


def _problem(kind: str) -> Described:
    return {
        "description": f"{TITLES[kind][1]}.",
        "content": {"application/problem+json": {"schema": _of("Problem")}},
    }


def _query(name: str, says: str, schema: Described) -> Described:
    return {"name": name, "in": "query", "description": says, "schema": schema}


_TAG: Described = {
    "name": "If-None-Match",
    "in": "header",
    "description": "the ETag of the answer that is at hand",
    "schema": _TEXT,
}
_SAME: Described = {"304": {"description": "The answer at hand still holds."}}
_BAD: Described = {"400": _problem("not_asked_so")}
_GONE: Described = {"410": _problem("changes_gone")}
_NOBODY: Described = {"404": _problem("unknown_customer")}
_MOVED: Described = {
    "307": {
        "description": "The customer has another name now.",
        "headers": {"Location": {"schema": _TEXT, "description": "where it is"}},
    }
}

_PATHS: Described = {
    "/api/customers/{customer_id}": _get(
        "show_customer: one customer with the lineage of each value",
        "customers",
        "Customer",
        {"name": "customer_id", "in": "path", "required": True, "schema": _CUSTOMER_ID},
        _TAG,
        also=_SAME | _MOVED | _NOBODY,
    ),
    "/api/customers": _get(
        "search_customers: customers by name, e-mail, phone, or a source's key, 50 a page",
        "search",
        "Found",
        _query("q", "what is looked for; nothing: everybody", {"type": "string"}),
        _query("source", "records of this source alone", {"type": "string"}),
        _query("campaign", "records of this campaign alone", {"type": "string"}),
        _query(
            "after",
            "the `next` of the page before",
            {"type": "string", "pattern": "^[01]-[0-9]{1,17}$"},
        ),
        also=_BAD,
    )
    | _post(
        "seek_customers: the same, and no address says who is looked for",
        "search",
        "Sought",
        "Found",
        also=_BAD,
    ),
    "/api/resolve": _get(
        "resolve: the customer of a record, or the present name of an old customer_id; give one",
        "customers",
        "Resolved",
        _query("record_id", "source:key", {"type": "string"}),
        _query("customer_id", "a name that a customer has or had", {"type": "string"}),
        also=_BAD | _NOBODY,
    ),
    "/api/changes": _get(
        "show_changes: what each run did to customers, in order; keep `next` and ask from there",
        "changes",
        "Changes",
        _query("since", "the `next` of an answer; nothing: the oldest kept", {"type": "string"}),
        _query("limit", f"{USUAL} unless told", {"type": "integer", "minimum": 1, "maximum": MOST}),
        _TAG,
        also=_SAME | _BAD | _GONE,
    ),
    "/api/match": _post(
        "match_record: which customers a record could be, and why; nothing is kept",
        "match",
        "Question",
        "Matches",
        also={},
    ),
}

_SCHEMAS: Described = {
    "Problem": PROBLEM,
    "Sought": {
        "type": "object",
        "properties": {
            name: {"type": "string", "maxLength": LONGEST}
            for name in ("q", "source", "campaign", "after")
        },
        "additionalProperties": False,
    },
    "Customer": _object(
        customer_id=_CUSTOMER_ID,
        is_customer={"type": "boolean", "description": "has a name and a contact point"},
        values={
            "type": "object",
            "description": "by field of `customers`; a field without a value is not there",
            "additionalProperties": _object(
                value={"type": ["string", "boolean"]},
                record_id=_TEXT_OR_NULL,
                source=_TEXT_OR_NULL,
                decided_by=_TEXT,
                valid_from=_TEXT_OR_NULL,
            ),
        },
        contact_points=_list(
            {
                "type": "object",
                "properties": {
                    "kind": _choice("email", "phone"),
                    "value": _TEXT,
                    "verification": _TEXT_OR_NULL,
                    "reason": _TEXT_OR_NULL,
                    "type": _TEXT_OR_NULL,
                    "is_primary": {"type": "boolean"},
                    "usage": _TEXT,
                    "record_count": _COUNT,
                },
                "required": ["kind", "value", "verification"],
                "additionalProperties": False,
            }
        ),
        records=_list(
            _object(
                record_id=_TEXT,
                source=_TEXT,
                source_key=_TEXT,
                campaign=_TEXT_OR_NULL,
                is_active={"type": "boolean"},
                received_at=_TEXT,
            )
        ),
        record_count=_COUNT,
        source_count=_COUNT,
        run_id=_TEXT,
    ),
    "Found": _object(
        customers=_list(
            _object(
                customer_id=_CUSTOMER_ID,
                name=_TEXT,
                email=_TEXT,
                phone=_TEXT,
                place=_TEXT,
                birth_date=_TEXT,
                record_count=_COUNT,
                sources=_list(_TEXT),
                is_customer={"type": "boolean"},
            )
        ),
        next=_TEXT_OR_NULL,
        run_id=_TEXT,
    ),
    "Resolved": _object(asked=_TEXT, customer_id=_CUSTOMER_ID, run_id=_TEXT),
    "Changes": _object(
        changes=_list(
            _object(
                run_id=_TEXT,
                customer_id=_CUSTOMER_ID,
                change=_choice("created", "changed", "merged", "split", "withdrawn", "erased"),
                fields=_list(_TEXT),
                other_customer_id=_TEXT_OR_NULL,
            )
        ),
        next=_TEXT,
        has_more={"type": "boolean"},
        run_id=_TEXT,
    ),
    "Question": {
        "type": "object",
        "properties": {
            "record": {
                "type": "object",
                "properties": {
                    name: {"type": ["string", "null"], "maxLength": LONGEST} for name in FIELDS
                },
                "minProperties": 1,
                "additionalProperties": False,
            },
            "limit": {
                "type": "integer",
                "minimum": 1,
                "maximum": MOST_CANDIDATES,
                "default": USUAL_CANDIDATES,
            },
        },
        "required": ["record"],
        "additionalProperties": False,
    },
    "Matches": _object(
        run_id=_TEXT,
        read_as={
            "type": "object",
            "description": "the record as it was understood; what is not valid is left out",
            "additionalProperties": _TEXT,
        },
        customers=_list(
            _object(
                customer_id=_CUSTOMER_ID,
                record_id=_TEXT,
                match_weight={"type": "number", "description": "log2 of the odds"},
                probability={"type": "number", "minimum": 0, "maximum": 1},
                band=_choice("link", "review", "apart"),
                evidence=_list(_object(comparison=_TEXT, level=_TEXT, weight={"type": "number"})),
                found_by=_list(_TEXT),
            )
        ),
    ),
}
