"""Describe the intake as OpenAPI 3.1: for each feed the fields that it takes, and each answer."""

from typing import Any

from rules.feed import INTAKE_ID, INTAKE_TIME, Feed
from steward.posts import FORM, JSON, MULTIPART
from steward.problem import TITLES
from steward.signatures import ID

Described = dict[str, Any]
"""A piece of the description: JSON of any shape."""

_SCALAR: Described = {"type": ["string", "number", "boolean", "null"]}
_VALUE: Described = {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR}]}
_REFUSALS = {
    400: "malformed_body",
    401: "bad_signature",
    403: "origin_not_allowed",
    408: "body_too_slow",
    409: "id_used_before",
    413: "body_too_large",
    415: "wrong_media_type",
    422: "not_valid",
    429: "too_many_posts",
    503: "cannot_keep",
}


def describe(feeds: dict[str, Feed]) -> Described:
    """The description of the intake for these feeds."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Touchstone intake",
            "version": "1",
            "description": "Posts are kept before they are answered, and are in the next run.",
        },
        "paths": {f"/intake/{source}": {"post": _operation(feed)} for source, feed in feeds.items()}
        | {"/healthz": _status("ok", {}), "/readyz": _status("ready", {"503": _problem(503)})},
        "components": {
            "schemas": {"Receipt": _RECEIPT, "Problem": PROBLEM},
            "securitySchemes": {
                "signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "webhook-signature",
                    "description": "v1, and the Base64 of HMAC-SHA256 over id.timestamp.body "
                    "(Standard Webhooks)",
                }
            },
        },
    }


def _operation(feed: Feed) -> Described:
    body = _record(feed)
    flat = {
        "type": "object",
        "properties": {name: {"type": "string"} for name in _names(feed)},
        "additionalProperties": False,
    }
    answers = {"202": _answer("The post is kept.", "application/json", "Receipt")}
    answers |= {str(status): _problem(status) for status in _REFUSALS}
    return {
        "operationId": f"post_{feed.source}",
        "summary": feed.title,
        "security": [{"signature": []}],
        "parameters": [
            _header("webhook-id", {"type": "string", "pattern": f"^{ID.pattern}$"}),
            _header("webhook-timestamp", {"type": "string", "pattern": "^[0-9]{1,12}$"}),
        ],
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": body},
                FORM: {"schema": flat},
                MULTIPART: {"schema": flat},
            },
        },
        "responses": answers,
    }


def _names(feed: Feed) -> list[str]:
    return [name for name in (*feed.columns, *feed.ignore) if name not in {INTAKE_ID, INTAKE_TIME}]


def _record(feed: Feed) -> Described:
    """The object that a sender posts: dots in a column's name go one level down."""
    root: Described = {"type": "object", "properties": {}, "additionalProperties": False}
    for name in _names(feed):
        at = root
        *above, last = name.split(".")
        for part in above:
            at = at["properties"].setdefault(
                part, {"type": "object", "properties": {}, "additionalProperties": False}
            )
        at["properties"][last] = _VALUE
    return root


def _header(name: str, schema: Described) -> Described:
    return {"name": name, "in": "header", "required": True, "schema": schema}


def _answer(says: str, kind: str, schema: str) -> Described:
    return {
        "description": says,
        "content": {kind: {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }


def _problem(status: int) -> Described:
    says = TITLES[_REFUSALS[status]][1]
    return _answer(f"{says}.", "application/problem+json", "Problem")


def _status(word: str, others: Described) -> Described:
    schema = {
        "type": "object",
        "properties": {"status": {"const": word}},
        "required": ["status"],
        "additionalProperties": False,
    }
    well = {"description": "Well.", "content": {"application/json": {"schema": schema}}}
    return {"get": {"security": [], "responses": {"200": well} | others}}


_TEXT_OR_NULL: Described = {"type": ["string", "null"]}
_RECEIPT: Described = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "status": {"const": "accepted"},
        "contact_points": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string"},
                    "kind": {"enum": ["email", "phone"]},
                    "verification": {"enum": ["valid", "invalid"]},
                    "value": _TEXT_OR_NULL,
                    "reason": _TEXT_OR_NULL,
                },
                "required": ["field", "kind", "verification", "value", "reason"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["id", "status", "contact_points"],
    "additionalProperties": False,
}
PROBLEM: Described = {
    "type": "object",
    "description": "RFC 9457",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what to do"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": _TEXT_OR_NULL,
                    "reason": {"type": "string"},
                    "detail": {"type": "string"},
                },
                "required": ["field", "reason", "detail"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["type", "title", "status", "detail"],
    "additionalProperties": False,
}
