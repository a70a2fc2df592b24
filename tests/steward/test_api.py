"""Programs ask for customers by a token and are told no more than its person may see."""

import json
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import httpx
import pytest

from flows.audit import audit
from flows.nightly import nightly
from store.settings import Settings
from store.state.tokens import SCOPES, TokenScope
from tests.flows.builders import Company, found, night_time, person, quiet
from tests.shared import Shared
from tests.steward.desks import URL, Office, office
from tests.steward.test_customers import FOREIGN, a_company

Said = dict[str, Any]


class Program:
    """Something that asks the read API."""

    def __init__(self, desk: Office, token: str) -> None:
        self.desk = desk
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(desk.app, raise_app_exceptions=False),
            base_url=URL,
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.desk.loop.run_until_complete(self._client.get(path, headers=headers))

    def send(self, request: httpx.Request) -> httpx.Response:
        """The answer to any request, sent with the token."""
        request.headers["Authorization"] = self._client.headers["Authorization"]
        return self.desk.loop.run_until_complete(self._client.send(request))

    def match(self, **record: Any) -> httpx.Response:
        return self.post({"record": record})

    def post(self, body: object) -> httpx.Response:
        """The answer to a question about a record; asked again until the snapshot is ready."""
        while True:
            answer = self.desk.loop.run_until_complete(self._client.post("/api/match", json=body))
            if answer.status_code != 503:
                return answer
            self.desk.app.state.api._matchers.wait()


def program(desk: Office, name: str, scopes: tuple[TokenScope, ...] = SCOPES) -> Program:
    """A program with a token of its own for this person."""
    return Program(desk, desk.desk.state.tokens.add(name, scopes, 1, "a test").token)


@pytest.fixture(scope="module")
def company(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Company:
    return shared.company(a_company, tmp_path_factory.mktemp("api"))


@pytest.fixture(scope="module")
def desk(company: Company) -> Iterator[Office]:
    with office(company.settings) as started:
        started.person("sam", "editor", campaigns=("spring",))
        started.person("adam", "administrator")
        yield started


@pytest.fixture(scope="module")
def spring(desk: Office) -> Program:
    return program(desk, "sam")


@pytest.fixture(scope="module")
def everything(desk: Office) -> Program:
    return program(desk, "adam")


def customer_of(company: Company, record_id: str) -> str:
    name = company.ask(f"select customer_id from crosswalk where record_id = '{record_id}'")
    return str(name.item())


def anna(company: Company) -> str:
    return customer_of(company, "members:M1")


def test_a_customer_is_told_with_the_source_of_each_value(
    everything: Program, company: Company
) -> None:
    told: Said = everything.get(f"/api/customers/{anna(company)}").json()

    published = company.ask(f"from lineage where customer_id = '{anna(company)}'")
    assert {
        (field, str(said["value"]).lower() if field.startswith("consent") else said["value"],
         said["record_id"], said["decided_by"])
        for field, said in told["values"].items()
    } == set(published.select("field", "value", "record_id", "decided_by").rows())  # fmt: skip
    assert told["record_count"] == 2
    assert {point["value"] for point in told["contact_points"]} == {
        "anna@post.org",
        "+447911123401",
    }


def test_who_sees_one_campaign_is_told_values_of_its_records_alone(
    spring: Program, company: Company
) -> None:
    answer = spring.get(f"/api/customers/{anna(company)}")

    assert FOREIGN not in answer.text
    assert "members" not in answer.text
    assert answer.json()["record_count"] == 1
    assert answer.json()["values"]["email"]["value"] == "anna@post.org"


def test_a_refusal_in_another_campaign_holds_and_tells_nothing_else(
    spring: Program, company: Company
) -> None:
    said = spring.get(f"/api/customers/{anna(company)}").json()["values"]["consent_email"]

    assert said == {
        "value": False,
        "record_id": None,
        "source": None,
        "decided_by": "refused",
        "valid_from": None,
    }


def test_who_is_out_of_scope_is_answered_like_who_is_not_there(
    spring: Program, everything: Program, company: Company
) -> None:
    otto = customer_of(company, "members:M2")

    assert everything.get(f"/api/customers/{otto}").status_code == 200
    answers = [spring.get(f"/api/customers/{name}") for name in (otto, "C9-999", "nobody")]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert len({answer.text for answer in answers}) == 1
    for asked in ("members:M2", "members:M9"):
        assert spring.get(f"/api/resolve?record_id={asked}").text == answers[0].text


def test_an_answer_that_is_at_hand_is_not_sent_again(everything: Program, company: Company) -> None:
    path = f"/api/customers/{anna(company)}"
    first = everything.get(path)

    again = everything.get(path, **{"If-None-Match": first.headers["etag"]})
    other = everything.get(path, **{"If-None-Match": '"another"'})

    assert (again.status_code, again.content) == (304, b"")
    assert other.status_code == 200


def test_without_a_token_that_holds_nothing_is_told(desk: Office, company: Company) -> None:
    added = desk.desk.state.tokens.add("adam", ("customers",), 1, "")
    desk.desk.state.tokens.revoke(added.told.token_id)
    path = f"/api/customers/{anna(company)}"

    for token in ("", "tst_nonsense", added.token):
        answer = Program(desk, token).get(path)

        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_token_is_for_its_scopes_alone(desk: Office, company: Company) -> None:
    only = program(desk, "adam", ("changes",))

    assert only.get("/api/changes").status_code == 200
    assert only.get(f"/api/customers/{anna(company)}").status_code == 403
    assert only.get("/api/customers?q=anna").status_code == 403
    assert only.match(first_name="Anna").status_code == 403


def test_customers_are_found_by_what_is_typed_within_scope(
    spring: Program, everything: Program
) -> None:
    def names(asker: Program, query: str) -> list[str]:
        found = asker.get(f"/api/customers?{query}").json()["customers"]
        return [customer["name"] for customer in found]

    assert names(spring, "q=grossmann") == names(everything, "q=anna@post") == ["Anna Großmann"]
    assert names(spring, f"q={FOREIGN}") == []
    assert names(everything, "campaign=spring&q=stone") == ["Bert Stone"]


def test_a_record_leads_to_its_customer(spring: Program, company: Company) -> None:
    record = company.ask("select record_id from crosswalk where source = 'forms'").item(0, 0)

    told = spring.get(f"/api/resolve?record_id={record}").json()

    assert told["customer_id"] == customer_of(company, record)


def test_changes_are_told_page_by_page_and_each_once(
    everything: Program, spring: Program, company: Company
) -> None:
    def read(asker: Program) -> list[tuple[str, str]]:
        since, told = "", []
        while True:
            page = asker.get(f"/api/changes?limit=1&since={since}").json()
            told += [(one["customer_id"], one["change"]) for one in page["changes"]]
            since = page["next"]
            if not page["has_more"]:
                assert asker.get(f"/api/changes?since={since}").json()["changes"] == []
                return told

    whole = company.ask("select customer_id, change from changes order by customer_id").rows()
    assert read(everything) == whole
    assert {name for name, _ in read(spring)} < {name for name, _ in whole} - {anna(company)}


def test_who_is_looked_for_need_be_in_no_address(everything: Program, spring: Program) -> None:
    def found(asker: Program, **said: object) -> httpx.Response:
        return asker.send(httpx.Request("POST", f"{URL}/api/customers", json=said))

    for asker in (everything, spring):
        by_address = asker.get("/api/customers?q=anna@post&source=forms")
        assert found(asker, q="anna@post", source="forms").json() == by_address.json()
    assert found(spring, q=FOREIGN).json()["customers"] == []
    assert found(everything, q=["anna"]).json()["errors"][0]["reason"] == "unusable_text"
    assert found(everything, name="anna").json()["errors"][0]["reason"] == "unknown_field"
    assert found(everything, after="x").status_code == 400
    asked = httpx.Request("POST", f"{URL}/api/customers?q=anna", json={})
    assert everything.send(asked).status_code == 400


def test_a_token_that_is_not_for_a_question_is_noted(desk: Office) -> None:
    asker = program(desk, "sam", ("customers",))

    assert asker.get("/api/customers?q=anna").status_code == 403

    assert desk.noted()[-1] == ("sam", "denied")


def test_a_question_that_cannot_be_understood_says_what_to_mend(everything: Program) -> None:
    for path in (
        "/api/changes?since=x",
        "/api/changes?limit=0",
        "/api/changes?sinse=",
        "/api/customers?after=1",
        "/api/resolve",
        "/api/resolve?customer_id=a&record_id=b",
    ):
        answer = everything.get(path)

        assert (answer.status_code, answer.json()["title"]) == (
            400,
            "The question cannot be understood",
        ), path


def test_a_record_is_matched_with_the_customers_it_could_be(
    everything: Program, company: Company
) -> None:
    told: Said = everything.match(
        full_name="Dr. GROSSMANN, Anna", email="anna@post.org", birth_date="1980-02-01"
    ).json()

    assert told["read_as"]["email"] == "anna@post.org"
    first = told["customers"][0]
    assert (first["customer_id"], first["band"]) == (anna(company), "link")
    assert first["probability"] > 0.5
    assert "same e-mail" in {said["level"] for said in first["evidence"]}
    assert "email" in first["found_by"]


def test_a_match_weighs_what_the_run_weighed(everything: Program, company: Company) -> None:
    """The record of the forms is asked about: its pair with the member's is in the snapshot."""
    pair = company.ask(
        "select * from pairs where record_id_b = 'members:M1' or record_id_a = 'members:M1'"
    ).row(0, named=True)

    told = everything.match(
        first_name="Anna", last_name="Großmann", email="anna@post.org", phone="+447911123401",
        birth_date="1980-02-01",
    ).json()["customers"][0]  # fmt: skip

    named = {said["comparison"]: said["weight"] for said in told["evidence"]}
    for name, weight in named.items():
        if name not in {"address", "country"}:
            assert weight == round(pair[f"w_{name}"], 2), name


def test_nobody_out_of_scope_is_a_match_and_nothing_of_the_question_is_kept(
    spring: Program, everything: Program, company: Company
) -> None:
    otto: Said = {"first_name": "Otto", "last_name": FOREIGN, "phone": "+447911123499",
                  "email": f"otto@{FOREIGN}.org", "birth_date": "1955-05-05"}  # fmt: skip

    assert everything.match(**otto).json()["customers"] != []
    assert spring.match(**otto).json()["customers"] == []
    everything.match(first_name="Unheardof", email="unheard@of.example")
    kept = [path for path in company.settings.data.rglob("*") if path.is_file()]
    assert not any(b"nheard" in path.read_bytes() for path in kept)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"record": {"frist_name": "Ann"}}, "unknown_field"),
        ({"record": {"first_name": 7}}, "no_text"),
        ({"record": {}}, "required"),
        ({"record": {"first_name": "Ann"}, "limit": 0}, "out_of_range"),
    ],
)
def test_a_record_that_cannot_be_read_is_refused_by_field(
    everything: Program, body: Said, reason: str
) -> None:
    answer = everything.post(body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["reason"] == reason


def test_every_look_is_noted_by_id_and_without_values(
    everything: Program, desk: Office, company: Company
) -> None:
    everything.get(f"/api/customers/{anna(company)}")

    with desk.desk.state.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "select subject, detail from audit where action in ('look', 'match', 'search')"
        ).all()
    assert any(subject == anna(company) and detail.startswith("api ") for subject, detail in rows)
    assert "anna@" not in json.dumps([list(row) for row in rows]).lower()


def test_no_answer_tells_a_reader_of_what_is_out_of_scope(
    spring: Program, company: Company
) -> None:
    """Every id, page and question there is, asked for one campaign; the marker is of the other."""
    ids = company.ask("select customer_id from crosswalk").to_series().to_list()
    records = company.ask("select record_id from crosswalk").to_series().to_list()
    marker = FOREIGN.lower()
    words = ("", "otto", "anna", "m2", "99999", "stone", marker[:6], "%2B447911123499")

    answers = [
        *(spring.get(f"/api/customers/{name}") for name in ids),
        *(spring.get(f"/api/resolve?customer_id={name}") for name in ids),
        *(spring.get(f"/api/customers?q={word}") for word in words),
        *(spring.get(f"/api/customers?{name}={value}") for name, value in
          (("source", "members"), ("campaign", "dach"))),
        spring.get("/api/changes?limit=1000"),
        spring.match(last_name="Stein", postcode="99999", birth_date="1955-05-05"),
        spring.match(first_name="Anna", email="anna@post.org", phone="+447911123499"),
    ]  # fmt: skip

    assert sum(answer.status_code == 200 for answer in answers) > 12
    for answer in answers:
        assert marker not in answer.text.lower(), answer.url
        assert "members:" not in answer.text, answer.url
        assert "99999" not in answer.text.replace('"read_as":{"postcode":"99999"', ""), answer.url
    found = {spring.get(f"/api/resolve?record_id={name}").status_code for name in records
             if name.startswith("members")}  # fmt: skip
    assert found == {404}


def test_an_old_name_leads_to_the_new_one_for_who_knew_it(tmp_path: Path) -> None:
    company = found(tmp_path)
    for source, campaign in (("forms", "spring"), ("members", "dach")):
        feed = company.settings.rules / "feeds" / source / "feed.toml"
        text = feed.read_text("utf-8").replace("trust ", f'campaign = "{campaign}"\ntrust ', 1)
        feed.write_text(text, "utf-8")
    company.drop("members", [{"no": "M1", **person("Eve", "Moor", email="eve@moor.org")}])
    company.night(1)
    company.drop("forms", [person("Evelyn", "Marsh", email="lyn@post.org", sent="2026-02-01")])
    company.night(2)
    records = company.ask("select record_id, customer_id from crosswalk order by record_number")
    (member, new), (form, old) = records.rows()
    company.decide("same", records=[member, form])
    company.night(3)

    with office(company.settings) as desk:
        for name, campaign in (("sam", "spring"), ("dan", "dach")):
            desk.person(name, "editor", campaigns=(campaign,))
        answers = {
            name: program(desk, name).get(f"/api/customers/{old}") for name in ("sam", "dan")
        }

    assert answers["sam"].headers["location"] == f"/api/customers/{new}"
    assert answers["sam"].status_code == 307
    assert answers["dan"].status_code == 404


@pytest.fixture
def branch(company: Company, tmp_path: Path) -> Settings:
    """The same company in another folder, where another app may run."""
    copytree(company.settings.data, tmp_path / "data", symlinks=True)
    return company.settings.model_copy(update={"data": tmp_path / "data"})


def test_a_cursor_older_than_what_is_kept_is_told_to_start_anew(
    branch: Settings, tmp_path: Path
) -> None:
    copytree(branch.rules, tmp_path / "rules")
    (tmp_path / "rules" / "retention.toml").write_text("changes = 30\n", "utf-8")
    later = branch.model_copy(update={"rules": tmp_path / "rules"})
    with office(branch) as desk:
        desk.person("kim", "administrator")
        old = program(desk, "kim").get("/api/changes?limit=1").json()["next"]
    nightly(later, night_time(60), quiet)
    assert audit(later, night_time(60), quiet, remove=True)["aged"]["changes"] == 1
    nightly(later, night_time(61), quiet)

    with office(later) as desk:
        kim = program(desk, "kim")
        answer, anew = kim.get(f"/api/changes?since={old}"), kim.get("/api/changes")

    assert answer.status_code == 410
    assert answer.json()["type"] == "urn:touchstone:problem:changes_gone"
    assert "start anew from a snapshot" in answer.json()["detail"]
    assert (anew.status_code, anew.json()["changes"]) == (200, [])


def test_a_program_that_asks_too_much_is_told_when_to_ask_again(branch: Settings) -> None:
    limits = {"api_per_minute": 1}
    with office(branch.model_copy(update=limits)) as desk:
        desk.person("kim", "administrator")
        eager, other = program(desk, "kim"), program(desk, "kim")

        answers = [eager.get("/api/changes") for _ in range(2)]
        elsewhere = other.get("/api/changes")

    assert [answer.status_code for answer in answers] == [200, 429]
    assert 1 <= int(answers[1].headers["retry-after"]) <= 60
    assert answers[1].headers["content-type"] == "application/problem+json"
    assert answers[1].json()["type"].endswith("too_many_questions")
    assert elsewhere.status_code == 200  # each token has a limit of its own


def test_costly_questions_have_a_limit_of_their_own(company: Company, branch: Settings) -> None:
    limits = {"api_costly_per_minute": 1}
    with office(branch.model_copy(update=limits)) as desk:
        desk.person("kim", "administrator")
        eager = program(desk, "kim")

        searches = [eager.get("/api/customers?q=anna").status_code for _ in range(2)]
        cheap = eager.get(f"/api/customers/{anna(company)}")

    assert searches == [200, 429]
    assert cheap.status_code == 200


def test_who_tries_tokens_is_stopped(branch: Settings) -> None:
    with office(branch) as desk:
        guesser = Program(desk, "ts_not_a_token")

        statuses = [guesser.get("/api/changes").status_code for _ in range(40)]

    assert statuses[0] == 401
    assert 429 in statuses
    assert set(statuses) == {401, 429}
