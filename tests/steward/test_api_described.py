"""The read API does what its own description says, for questions of every kind."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from steward.api.describe import describe_api
from tests.shared import Shared
from tests.steward.desks import URL, Office, office
from tests.steward.test_api import Program, program
from tests.steward.test_customers import a_company

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
OPERATIONS = ["show_customer", "search_customers", "seek_customers", "resolve", "show_changes",
              "match_record"]  # fmt: skip


@pytest.fixture(scope="module")
def desk(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    company = shared.company(a_company, tmp_path_factory.mktemp("described"))
    free = {"api_per_minute": 1_000_000, "api_costly_per_minute": 1_000_000}
    with office(company.settings.model_copy(update=free)) as started:
        started.person("adam", "administrator")
        yield started


@pytest.fixture(scope="module")
def asker(desk: Office) -> Program:
    found = program(desk, "adam")
    found.match(first_name="Anna")  # from here on the snapshot is ready
    return found


def asked(
    asker: Program, name: str, mode: schemathesis.GenerationMode, checks: list[Any], most: int
) -> set[int]:
    """Ask what schemathesis makes up; the statuses that came."""
    schema = schemathesis.openapi.from_dict(describe_api() | {"security": []})  # all have a token
    operation = next(
        found
        for one in schema.get_all_operations()
        if (found := one.ok()).definition.raw["operationId"] == name
    )
    seen = set()

    @settings(
        max_examples=most,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def one(case: Any) -> None:
        made = requests.Request(**case.as_transport_kwargs(base_url=URL)).prepare()
        headers = {
            name: value for name, value in made.headers.items() if name.lower() != "authorization"
        }
        answer = asker.send(
            httpx.Request(made.method, made.url, headers=headers, content=made.body)
        )
        case.validate_response(schemathesis.Response.from_any(answer), checks=checks)
        seen.add(answer.status_code)

    one()
    return seen


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_the_description_allows_is_answered_as_it_says(asker: Program, name: str) -> None:
    seen = asked(asker, name, schemathesis.GenerationMode.POSITIVE, CHECKS, 15)

    assert seen & {200, 404, 400}


@pytest.mark.parametrize("name", ["show_changes", "match_record", "seek_customers"])
def test_what_the_description_does_not_allow_is_refused(asker: Program, name: str) -> None:
    checks = [*CHECKS, negative_data_rejection]

    seen = asked(asker, name, schemathesis.GenerationMode.NEGATIVE, checks, 15)

    assert seen <= {400, 413, 415, 422}


def test_every_route_is_described(desk: Office) -> None:
    routes = {route.path for route in desk.app.routes if route.path.startswith("/api/")}

    assert routes - {"/api/openapi.json"} == set(describe_api()["paths"])


def test_the_description_is_handed_out(asker: Program) -> None:
    assert asker.get("/api/openapi.json").json() == describe_api()


def test_the_docs_name_every_path() -> None:
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")

    assert all(f"`{path}" in page or f" {path}" in page for path in describe_api()["paths"])
