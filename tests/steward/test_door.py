"""Nobody gets in who may not, and nothing is done that the desk's own pages did not ask for."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rules.access import Action
from steward.api.routes import api_routes
from steward.desk.pages import Page
from steward.desk.site import PAGES
from store.settings import Settings
from tests.flows.builders import found
from tests.steward.desks import PASSWORD, Office, office

OPEN_TO_ANYONE = {
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("GET", "/sign-in/provider"),
    ("GET", "/sign-in/provider/back"),
    ("GET", "/invitation/{token}"),
    ("POST", "/invitation/{token}"),
    ("GET", "/static/{name}"),
}
OF_PROGRAMS = {
    "/intake/{feed}", "/openapi.json", "/healthz", "/readyz", "/metrics", "/csp-reports",
    *(route.path for route in api_routes()),
}  # fmt: skip
"""What no person asks: each knows its callers in its own way."""


EVERY_ANSWER = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "object-src 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types desk; report-uri /csp-reports; report-to violations"
    ),
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Office]:
    with office(found(tmp_path / "company").settings) as started:
        yield started


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(found(tmp_path_factory.mktemp("shared") / "company").settings) as started:
        yield started


def test_every_route_asks_for_a_right_or_is_known_to_be_open() -> None:
    asking = {(page.method, page.path): page.action for page in PAGES}

    open_to_anyone = {page for page, action in asking.items() if action == "anyone"}

    assert open_to_anyone == OPEN_TO_ANYONE
    assert set(asking.values()) <= {"anyone", "signed_in", *get_args(Action)}


def test_no_route_goes_round_the_list(shared: Office) -> None:
    listed = {page.path for page in PAGES} | OF_PROGRAMS

    assert {route.path for route in shared.app.routes} == listed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.method} {page.path}")
def test_a_stranger_sees_nothing(shared: Office, page: Page) -> None:
    path = re.sub(r"\{.*?\}", "x", page.path)
    if (page.method, page.path) in OPEN_TO_ANYONE:
        return
    stranger = shared.stranger()

    answer = stranger.get(path) if page.method == "GET" else stranger.post(path)

    if page.method == "GET":
        assert answer.headers["location"].startswith("/sign-in?next=")
    else:
        assert answer.status_code == 401


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.method} {page.path}")
def test_every_answer_says_what_a_browser_may_do_with_it(shared: Office, page: Page) -> None:
    path = re.sub(r"\{.*?\}", "x", page.path)
    person = shared.person("adam", "administrator")

    answer = person.get(path) if page.method == "GET" else person.post(path)

    assert {name: answer.headers[name] for name in EVERY_ANSWER} == EVERY_ANSWER
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path", "host", "status"),
    [
        ("GET", "/nowhere", "desk.example", 404),
        ("DELETE", "/queue", "desk.example", 405),
        ("GET", "/healthz", "desk.example", 200),
        ("GET", "/api/customers", "desk.example", 401),
        ("POST", "/intake/forms", "desk.example", 404),
        ("GET", "/metrics", "desk.example", 404),
        ("GET", "/static/nothing.js", "desk.example", 404),
        ("GET", "/queue", "elsewhere.example", 400),
        ("GET", "/faulty", "desk.example", 500),
    ],
)
def test_so_does_every_answer_that_is_no_page(
    tmp_path: Path, method: str, path: str, host: str, status: int
) -> None:
    with office(Settings(data=tmp_path, steward_hosts="desk.example")) as desk:
        desk.app.router.routes.append(Route("/faulty", faulty))

        answer = desk.loop.run_until_complete(
            desk.stranger()._client.request(method, path, headers={"Host": host})
        )

    assert answer.status_code == status
    assert {name: answer.headers[name] for name in EVERY_ANSWER} == EVERY_ANSWER


async def faulty(_: Request) -> Response:
    raise RuntimeError("of Anna Lee")


def test_a_fault_is_told_by_its_number_and_by_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with office(Settings(data=tmp_path)) as desk:
        desk.app.router.routes.append(Route("/faulty", faulty))
        answer = desk.stranger().get("/faulty")

    number = re.search(r"the number ([0-9a-f]{8})", answer.text)
    assert number is not None
    assert f"fault {number[1]}: RuntimeError at test_door.py" in caplog.text
    assert "Anna" not in answer.text + caplog.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "http://desk.example"},
        {"Origin": "null"},
    ],
)
@pytest.mark.parametrize("page", [page for page in PAGES if page.method == "POST"])
def test_a_post_from_elsewhere_is_refused(
    shared: Office, page: Page, headers: dict[str, str]
) -> None:
    path = re.sub(r"\{.*?\}", "x", page.path)

    answer = shared.person("adam", "administrator").post(path, headers)

    assert answer.status_code == 403
    assert "did not come from the desk" in answer.text


def test_a_browser_that_only_names_its_origin_may_post(shared: Office) -> None:
    answer = shared.person("adam", "administrator").post(
        "/sign-out", {"Origin": "https://desk.example"}
    )

    assert answer.status_code == 303


def test_an_invitation_leads_to_a_password_and_a_session(desk: Office) -> None:
    token = desk.desk.state.people.first_invitation("administrator")
    person = desk.stranger()

    shown = person.get(f"/invitation/{token}")
    short = person.post(f"/invitation/{token}", password="short", again="short")
    other = person.post(f"/invitation/{token}", password=PASSWORD, again="something else")
    done = person.post(f"/invitation/{token}", password=PASSWORD, again=PASSWORD)
    again = person.get(f"/invitation/{token}")

    assert "Welcome, administrator" in shown.text
    assert (short.status_code, other.status_code) == (422, 422)
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert person.cookie() is not None
    assert again.status_code == 404
    assert desk.desk.state.people.first_invitation("administrator") is None


def test_signing_in_gives_a_new_token_and_signing_out_ends_it(desk: Office) -> None:
    desk.desk.state.people.accept(
        str(desk.desk.state.people.first_invitation("administrator")), PASSWORD
    )
    person = desk.stranger()
    person.take("planted")

    wrong = person.post("/sign-in", name="administrator", password="wrong", next="/")
    right = person.post("/sign-in", name="administrator", password=PASSWORD, next="/x")
    token = person.cookie()
    person.post("/sign-out")

    assert wrong.status_code == 401
    assert (right.status_code, right.headers["location"]) == (303, "/x")
    assert token not in {None, "planted"}
    assert desk.desk.state.sessions.user(str(token)) is None
    noted = [action for _, action in desk.noted()]
    assert noted == ["sign_in_refused", "sign_in", "sign_out"]


def test_signing_in_again_ends_what_this_browser_had(desk: Office) -> None:
    token = str(desk.desk.state.people.first_invitation("administrator"))
    desk.desk.state.people.accept(token, PASSWORD)
    person = desk.stranger()
    person.post("/sign-in", name="administrator", password=PASSWORD)
    first = str(person.cookie())

    person.post("/sign-in", name="administrator", password=PASSWORD)

    assert desk.desk.state.sessions.user(first) is None
    assert desk.desk.state.sessions.user(str(person.cookie())) is not None


def test_who_is_refused_is_noted_by_name_only_if_they_are_known(desk: Office) -> None:
    desk.person("edda")

    for name in ("edda", "my secret password"):
        desk.stranger().post("/sign-in", name=name, password="wrong")

    assert desk.noted() == [("edda", "sign_in_refused"), ("", "sign_in_refused")]


def test_refusals_read_the_same_whoever_it_is(desk: Office) -> None:
    desk.person("edda")

    answers = [
        desk.stranger().post("/sign-in", name=name, password="wrong") for name in ("edda", "nils")
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert answers[0].text == answers[1].text.replace("nils", "edda")


def test_one_address_tries_so_often_in_a_minute_and_no_more(desk: Office) -> None:
    stranger = desk.stranger()

    answers = [stranger.post("/sign-in", name="x", password="wrong") for _ in range(8)]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 3


def test_what_may_not_be_done_is_noted(desk: Office) -> None:
    edda = desk.person("edda", "viewer", campaigns=("spring",))

    assert edda.get("/administration").status_code == 403

    assert ("edda", "denied") in desk.noted()


def test_the_cookie_is_for_this_host_alone_and_for_no_script(desk: Office) -> None:
    desk.desk.state.people.accept(
        str(desk.desk.state.people.first_invitation("administrator")), PASSWORD
    )

    answer = desk.stranger().post("/sign-in", name="administrator", password=PASSWORD)

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-touchstone=")
    for word in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"):
        assert word in cookie
    assert "Domain" not in cookie


@pytest.mark.parametrize(
    "where", ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere.example", "x"]
)
def test_signing_in_leads_to_no_other_site(desk: Office, where: str) -> None:
    desk.desk.state.people.accept(
        str(desk.desk.state.people.first_invitation("administrator")), PASSWORD
    )

    answer = desk.stranger().post("/sign-in", name="administrator", password=PASSWORD, next=where)

    assert answer.headers["location"] == "/"


def test_a_malformed_cookie_is_nobodys(shared: Office) -> None:
    person = shared.stranger()
    person.take("%ff\"';--")

    assert person.get("/").headers["location"] == "/sign-in?next=/"


def test_a_person_who_is_disabled_is_out_at_once(desk: Office) -> None:
    person = desk.person("edda")
    user = desk.desk.state.people.find("edda")
    assert user is not None

    before = person.get("/").headers.get("location", "")
    desk.desk.state.people.change(user._replace(is_active=False))

    assert not before.startswith("/sign-in")
    assert person.get("/").headers["location"] == "/sign-in?next=/"


def test_a_body_too_large_or_of_another_kind_is_refused(shared: Office) -> None:
    person = shared.person("edda")

    large = person.post("/sign-out", next="x" * 70_000)
    strange = person.post(
        "/sign-out", {"Sec-Fetch-Site": "same-origin", "Content-Type": "text/plain"}
    )

    assert (large.status_code, strange.status_code) == (413, 400)


def test_files_are_kept_by_browsers_for_ever_under_names_of_their_content(shared: Office) -> None:
    page = shared.stranger().get("/sign-in").text
    names = re.findall(r"/static/[a-z.0-9]+", page)

    answers = [shared.stranger().get(name) for name in names]

    assert len(names) >= 3
    assert {answer.status_code for answer in answers} == {200}
    assert all("immutable" in answer.headers["cache-control"] for answer in answers)
    assert shared.stranger().get("/static/app.css").status_code == 404


def test_templates_have_no_inline_style_or_script_and_trust_no_text() -> None:
    folder = Path(__file__).parents[2] / "steward" / "templates"

    for path in folder.rglob("*.html"):
        text = path.read_text("utf-8")
        assert not re.search(r"\sstyle=|\son[a-z]+=|<style|javascript:|\|\s*safe", text), path.name
        assert not re.search(r"<script(?! src=\"{{ asset)", text), path.name
