"""The scorecard and the rows behind it reach no further than who reads them may see."""

import html
import itertools
import re
from collections.abc import Iterator

import pytest

from tests.shared import Shared
from tests.steward.desks import Office, Person, office
from tests.steward.test_customers import FOREIGN, a_company

PAGE = "/dashboard/scorecard"
MARKERS = (FOREIGN, FOREIGN.lower(), "members", "Members", "M1", "M2", "dach", "99999", "Otto")
"""What only records of another campaign say."""
FIGURES = ("completeness", "validity", "uniqueness", "consistency", "timeliness", "channel", "age")


@pytest.fixture(scope="module")
def desk(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    company = shared.company(a_company, tmp_path_factory.mktemp("scorecard"))
    with office(company.settings) as started:
        yield started


@pytest.fixture(scope="module")
def adam(desk: Office) -> Person:
    return desk.person("adam", "administrator")


def scoped_people(desk: Office) -> list[Person]:
    """Everybody whose scope ends before the other campaign."""
    return [
        desk.person("ed", "editor", campaigns=("spring",)),
        desk.person("stew", "editor", campaigns=("spring",), functions=("data_steward",)),
        desk.person("acc", "editor", campaigns=("spring",), functions=("account_manager",)),
        desk.person("vi", "viewer", campaigns=("spring",)),
        desk.person("data", "viewer", datasets=("forms",)),
        desk.person("none", "viewer"),
        desk.person("lost", "editor"),
    ]


def links(page: str) -> list[str]:
    found = re.findall(r'href="(/dashboard/scorecard/rows[^"]*)"', page)
    return sorted({html.unescape(link) for link in found})


def every_address() -> list[str]:
    """Every figure of every source and field, whoever may see it."""
    fields = ("", "email", "raw")
    more = ("", "&campaign=dach", "&campaign=spring&part=new", "&years=0")
    return [
        f"{PAGE}/rows?figure={figure}&source={source}&field={field}{rest}"
        for figure, source, field, rest in itertools.product(
            FIGURES, ("forms", "members", "nobody"), fields, more
        )
    ]


def test_every_figure_of_the_page_leads_to_its_rows(adam: Person) -> None:
    pages = [adam.get(f"{PAGE}?by={by}") for by in ("completeness", "consistency", "validity")]
    found = sorted({link for page in pages for link in links(page.text)})

    answers = {link: adam.get(link) for link in found}

    assert len(found) > 10
    assert {answer.status_code for answer in answers.values()} == {200}
    assert FOREIGN in "".join(answer.text for answer in answers.values())
    assert "data-row" in adam.get(f"{PAGE}/rows?figure=channel&source=members&campaign=dach").text


def test_nobody_learns_of_another_campaign(desk: Office) -> None:
    for person in scoped_people(desk):
        pages = [person.get(f"{PAGE}?by={by}") for by in ("completeness", "consistency", "odd")]
        followed = [person.get(link) for page in pages for link in links(page.text)]

        assert {page.status_code for page in pages} == {200}
        assert {answer.status_code for answer in followed} <= {200}
        for answer in (*pages, *followed):
            for marker in MARKERS:
                assert marker not in answer.text, (person.name, answer.url, marker)


@pytest.mark.parametrize("name", ["ed", "data", "none"])
def test_no_address_that_anybody_can_type_tells_of_another_campaign(
    desk: Office, name: str
) -> None:
    person = next(one for one in scoped_people(desk) if one.name == name)

    for address in every_address():
        answer = person.get(address)
        assert answer.status_code in {200, 404}, address
        for marker in MARKERS:
            assert marker not in answer.text, (address, marker)
        if "source=members" in address or name == "none":
            assert answer.status_code == 404, address


@pytest.mark.parametrize(
    "query",
    ["", "?figure=age&source=forms&years=x", "?figure=channel&source=forms&week=soon",
     "?figure=uniqueness&source=forms&page=999", "?figure=channel&source=forms&part=all",
     "?figure=completeness&source=forms&field=%00email%27"],
)  # fmt: skip
def test_an_address_that_cannot_be_read_leads_nowhere(adam: Person, query: str) -> None:
    assert adam.get(f"{PAGE}/rows{query}").status_code == 404


def test_a_look_at_rows_is_in_the_trail_and_says_no_value(desk: Office, adam: Person) -> None:
    adam.get(f"{PAGE}/rows?figure=consistency&source=members")

    with desk.desk.state.engine.connect() as connection:
        row = connection.exec_driver_sql(
            "select user_name, subject, detail from audit where action = 'look' "
            "order by audit_id desc limit 1"
        ).one()
    assert tuple(row) == ("adam", "scorecard", "consistency members")


def test_a_stranger_is_asked_to_sign_in(desk: Office) -> None:
    answers = [desk.stranger().get(path) for path in (PAGE, f"{PAGE}/rows?figure=age")]

    assert [answer.headers["location"].startswith("/sign-in") for answer in answers] == [True] * 2
