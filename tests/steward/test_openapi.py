"""The app does what its own description says, for bodies and headers of every kind."""

import base64
import hashlib
import hmac
import time
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from tests.steward.doors import KEY, Visitor, company_with_a_door, signed, visitor

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    company = company_with_a_door(tmp_path_factory.mktemp("company"))
    (company.settings.keys / "pages.keys").write_text(
        (company.settings.keys / "site.keys").read_text()
    )
    with visitor(company.settings) as someone:
        yield someone


def tried(door: Visitor, mode: schemathesis.GenerationMode, checks: list[Any]) -> set[int]:
    """Send what schemathesis makes up, signed; the statuses that came."""
    described = door.get("/openapi.json").json()
    schema = schemathesis.openapi.from_dict(described)
    seen = set()
    posts = schema.include(method="POST") if mode.is_negative else schema
    for operation in posts.get_all_operations():
        seen |= sent(door, operation.ok(), mode, checks)
    return seen


def sent(
    door: Visitor, operation: Any, mode: schemathesis.GenerationMode, checks: list[Any]
) -> set[int]:
    seen = set()

    @settings(
        max_examples=40,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def one(case: Any) -> None:
        given_request = case.as_transport_kwargs(base_url="http://door.example")
        import requests

        request = requests.Request(**given_request).prepare()
        answer = door.ask(with_signature(request))[0]
        # Too large is refused too, before anyone looks at the shape; the check does not know 413.
        asked = CHECKS if answer.status_code == 413 else checks
        case.validate_response(schemathesis.Response.from_any(answer), checks=asked)
        seen.add(answer.status_code)

    one()
    return seen


def with_signature(request: Any) -> Any:
    """The made-up request, its body signed under its made-up id."""
    import httpx

    body = request.body or b""
    body = body.encode() if isinstance(body, str) else body
    headers = dict(request.headers)
    if "webhook-id" in headers:
        headers["webhook-timestamp"] = str(int(time.time()))
        text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        digest = base64.b64encode(hmac.digest(KEY, text, hashlib.sha256)).decode()
        headers["webhook-signature"] = f"v1,{digest}"
    return httpx.Request(request.method, request.url, headers=headers, content=body)


def test_what_the_description_allows_is_answered_as_it_says(door: Visitor) -> None:
    seen = tried(door, schemathesis.GenerationMode.POSITIVE, CHECKS)

    assert {200, 422} <= seen


def test_what_the_description_does_not_allow_is_refused(door: Visitor) -> None:
    seen = tried(door, schemathesis.GenerationMode.NEGATIVE, [*CHECKS, negative_data_rejection])

    assert seen & {400, 401, 415, 422}


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    body=st.binary(max_size=300)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=9),
        lambda some: (
            st.lists(some, max_size=3)
            | st.dictionaries(
                st.sampled_from(["first", "email", "phone", "born", "intake", "extra", "", "x.y"]),
                some,
            )
        ),
        max_leaves=12,
    ),
    kind=st.sampled_from(
        [
            "application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "multipart/form-data; boundary=",
        ]
    ),
)
def test_no_body_breaks_the_app(body: object, kind: str, door: Visitor) -> None:
    answer = door.ask(signed(body, f"fuzz-{abs(hash(repr(body)))}", kind=kind))[0]

    assert answer.status_code in {202, 400, 415, 422}
