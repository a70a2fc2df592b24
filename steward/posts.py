"""Read the body of a post: JSON or a form, into the one line that the spool keeps.

What is found wrong here is what a reader of deliveries would reject at night, so that a line
that is acknowledged is read later, whatever it holds.
"""

import io
import json
import re
from collections import Counter
from typing import NamedTuple
from urllib.parse import parse_qsl

from python_multipart import parse_form

from rules.feed import INTAKE_ID, INTAKE_TIME, Feed
from rules.limits import Limits
from steward.problem import Problem
from store.readers.flatten import RecordError, decoder, flatten
from store.spool import Entry, make_entry

JSON, FORM, MULTIPART = (
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
)
MEDIA_TYPES = (JSON, FORM, MULTIPART)
MOST_FIELDS = 500
_SURROGATE = re.compile("[\ud800-\udfff]")


class Reason(NamedTuple):
    """One thing that is wrong: with a field of the sender's, or with the post as a whole."""

    field: str | None
    word: str


class Post(NamedTuple):
    """A post that can be read."""

    entry: Entry
    columns: dict[str, str]
    """As a reader of deliveries will find them, with those that the intake adds."""
    received_at: str


class Unfit(Exception):  # noqa: N818 - it is an answer, not a fault
    """The post can be read and is not taken; `reasons` are for the one who sent it."""

    def __init__(self, reasons: list[Reason]) -> None:
        super().__init__("unfit")
        self.reasons = reasons


def content_of(body: bytes, content_type: str) -> bytes:
    """The text of one JSON object; a form's names are its keys."""
    kind, _, parameters = content_type.partition(";")
    kind = kind.strip().lower()
    charset = re.search(r"charset\s*=\s*\"?([^\s\";]+)", parameters, re.IGNORECASE)
    if kind not in MEDIA_TYPES:
        raise Problem(
            "wrong_media_type",
            f"Send the body as {', '.join(MEDIA_TYPES[:-1])} or {MEDIA_TYPES[-1]}.",
            headers={"Accept-Post": ", ".join(MEDIA_TYPES)},
        )
    if charset and charset[1].lower() not in {"utf-8", "utf8"}:
        raise Problem("wrong_media_type", "Send the body in UTF-8.")
    if kind == JSON:
        return body.removeprefix(b"\xef\xbb\xbf")
    return _object(_form_fields(body) if kind == FORM else _multipart_fields(body, content_type))


def read_post(feed: Feed, post_id: str, received_at: str, content: bytes, limits: Limits) -> Post:
    """Read the text of one JSON object as a post to a feed; `Unfit` says why it is none."""
    try:
        record = decoder().decode(content.decode())
        columns = flatten(record, feed.read.name_value_lists, limits)
    except RecursionError as error:
        raise Unfit([Reason(None, "nested_too_deep")]) from error
    except RecordError as error:
        raise Unfit([Reason(None, error.reason)]) from error
    except ValueError as error:
        raise Problem("malformed_body", "The body is not JSON; send one JSON object.") from error
    reasons = [
        reason for name, text in columns.items() for reason in _faults(name, text, feed, limits)
    ]
    if "intake" in record:
        reasons.append(Reason("intake", "unknown_field"))
    if reasons:
        raise Unfit(list(dict.fromkeys(reasons)))
    entry = make_entry(feed.source, post_id, received_at, content)
    return Post(entry, columns | {INTAKE_ID: post_id, INTAKE_TIME: received_at}, received_at)


def _faults(name: str, text: str, feed: Feed, limits: Limits) -> list[Reason]:
    """What a reader would find wrong with one column."""
    both = name + text
    ours = name in {INTAKE_ID, INTAKE_TIME}
    is_known = not ours and (name in feed.columns or name in feed.ignore)
    tests = {
        "unknown_field": not is_known,
        "nul_byte": "\0" in both,
        "lone_surrogate": not both.isascii() and bool(_SURROGATE.search(both)),
        "field_too_long": len(text) > limits.max_field_chars,
    }
    shown = _SURROGATE.sub("\ufffd", name[:200])
    return [Reason(shown, word) for word, is_so in tests.items() if is_so]


def _form_fields(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except UnicodeDecodeError as error:
        raise Problem("malformed_body", "A field of the form is not UTF-8.") from error
    except ValueError as error:
        raise Problem("malformed_body", f"Send {MOST_FIELDS} fields at most.") from error


def _multipart_fields(body: bytes, content_type: str) -> list[tuple[str, str]]:
    """The fields of a multipart form; a file has no place in it."""
    if not body.rstrip().endswith(b"--"):
        raise Problem("malformed_body", "The form has no end; send it anew.")
    fields: list[tuple[str, str]] = []
    files: list[object] = []
    try:
        parse_form(
            {"Content-Type": content_type.encode()},
            io.BytesIO(body),
            lambda field: fields.append(
                ((field.field_name or b"").decode(), (field.value or b"").decode())
            ),
            files.append,
        )
    except Exception as error:  # the parser has errors of many kinds for a broken form
        raise Problem("malformed_body", "The form cannot be read; send it anew.") from error
    if files:
        raise Problem("wrong_media_type", "Send no files.")
    if len(fields) > MOST_FIELDS:
        raise Problem("malformed_body", f"Send {MOST_FIELDS} fields at most.")
    return fields


def _object(fields: list[tuple[str, str]]) -> bytes:
    """A form as JSON; a field that is given twice is nobody's guess."""
    twice = [name for name, count in Counter(name for name, _ in fields).items() if count > 1]
    if twice:
        raise Unfit([Reason(name[:200], "duplicate_keys") for name in twice])
    return json.dumps(dict(fields), ensure_ascii=False, separators=(",", ":")).encode()
