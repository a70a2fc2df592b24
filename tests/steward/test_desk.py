"""What the desk stores, shows and keeps to itself, asked without a browser."""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from steward.desk.marks import visible
from store.settings import Settings
from store.state.engine import writing
from store.state.scope import Reader
from tests.flows.builders import Company, found, person
from tests.steward.desks import Office, Person, office

MARKUP = "\"><img src=x onerror=alert(1)>'{{7*7}}</script><b>"
HIDDEN = "Ber\u202elin\u200b"


def hidden(page: httpx.Response, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found is not None, page.text[:3_000]
    return html.unescape(found.group(1))


def item_of(page: httpx.Response) -> str:
    return str(page.url).rpartition("/")[2].partition("?")[0]


def follow(person: Person, path: str) -> httpx.Response:
    answer = person.get(path)
    while answer.is_redirect:
        answer = person.get(answer.headers["location"])
    return answer


def say(person: Person, page: httpx.Response, answer: str, **more: str) -> httpx.Response:
    """Answer the item of a page."""
    form = {name: hidden(page, name) for name in ("version", "verdict_id")}
    return person.post(f"/items/{item_of(page)}/verdict", **form, answer=answer, **more)


def decisions(desk: Office) -> list[str]:
    return desk.desk.state.decisions.read()["kind"].to_list()


@pytest.fixture
def desk(seeded: Settings) -> Iterator[Office]:
    with office(seeded) as started:
        yield started


def test_a_decision_says_who_decided_what_on_which_evidence(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    page = follow(ann, "/queue")

    say(ann, page, "different")

    (stored,) = desk.desk.state.decisions.read().iter_rows(named=True)
    assert (stored["decided_by"], stored["kind"]) == ("ann", "different")
    assert stored["item_id"] == item_of(page)
    assert stored["snapshot_run_id"] == "R0001"
    assert len(stored["fingerprint"]) == 64
    assert ("ann", "look") in desk.noted()
    assert ("ann", "verdict") in desk.noted()


def test_the_same_form_sent_twice_decides_once_and_leads_on(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    page = follow(ann, "/queue")

    answers = [say(ann, page, "different") for _ in range(3)]

    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert decisions(desk) == ["different"]


def test_a_page_at_hand_is_not_sent_again_and_an_old_one_is(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    page = follow(ann, "/queue")
    ahead = ann.get(f"/items/{item_of(page)}/next")
    mark, second = ahead.headers["at-hand"], ahead.headers["content-location"]
    assert f'action="{second}/verdict"' in ahead.text
    form = {name: hidden(page, name) for name in ("version", "verdict_id")} | {
        "answer": "different"
    }

    known, old = (
        ann.post(
            f"/items/{item_of(page)}/verdict",
            headers={"Sec-Fetch-Site": "same-origin", "At-Hand": has},
            **form,
        )
        for has in (mark, mark.replace("R0001", "R0000"))
    )

    assert (known.status_code, known.headers["at-hand"]) == (200, mark)
    assert "<main" not in known.text
    assert 'class="done"' in known.text
    assert (old.status_code, old.headers["location"]) == (303, second)
    assert decisions(desk) == ["different"]


def test_a_verdict_of_somebody_else_cannot_be_replayed_or_taken_back(desk: Office) -> None:
    ann, bob = desk.person("ann", "administrator"), desk.person("bob")
    page = follow(ann, "/queue")
    say(ann, page, "different")

    answer = bob.post(f"/verdicts/{hidden(page, 'verdict_id')}/undo")

    assert answer.status_code in {403, 404}
    assert decisions(desk) == ["different"]


def test_an_item_that_was_decided_meanwhile_is_refused_with_who_did(desk: Office) -> None:
    ann, bob = desk.person("ann", "administrator"), desk.person("bob", "administrator")
    page = follow(ann, "/queue")
    desk.desk.state.queue.release(Reader("ann", None), item_of(page))
    theirs = follow(bob, f"/items/{item_of(page)}")
    say(bob, theirs, "different")

    answer = say(ann, page, "same")

    assert answer.status_code == 409
    assert "bob decided this at" in answer.text
    assert decisions(desk) == ["different"]


def test_an_item_that_another_has_is_not_shown(desk: Office) -> None:
    ann, bob = desk.person("ann", "administrator"), desk.person("bob", "administrator")
    page = follow(ann, "/queue")

    answer = bob.get(f"/items/{item_of(page)}")

    assert answer.status_code == 409
    assert "ann has this item now" in answer.text


def test_another_value_of_what_identifies_people_takes_two(desk: Office) -> None:
    ann, bob = desk.person("ann", "administrator"), desk.person("bob", "administrator")
    page = follow(ann, "/conflicts")

    say(ann, page, "take")
    before = decisions(desk)
    second = follow(bob, "/conflicts?tab=second")
    hint = "ann" in second.text
    say(bob, second, "take")

    assert item_of(second) == item_of(page)
    assert before == []
    assert not hint
    assert decisions(desk) == ["value"]
    assert desk.person("ann").get(f"/items/{item_of(page)}").status_code in {404, 409}


def test_a_value_that_is_none_is_refused_and_what_was_typed_is_kept(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    page = follow(ann, "/conflicts")

    answer = say(ann, page, "typed", typed="not a number <b>")

    assert answer.status_code == 422
    assert "it must be" in answer.text
    assert 'value="not a number &lt;b&gt;"' in answer.text
    assert decisions(desk) == []


def test_a_pair_that_is_joined_takes_values_from_the_side_that_was_chosen(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    for _ in range(30):
        page = follow(ann, "/queue")
        preview = ann.get(f"/items/{item_of(page)}/preview")
        picks = re.findall(r'name="pick_(\w+)"', preview.text)
        if not picks:
            ann.post(f"/items/{item_of(page)}/skip")
            continue
        say(ann, page, "same", **{f"pick_{picks[0]}": "b", "pick_nonsense": "a"})
        if "value" in decisions(desk):  # else a second person is asked, or B's value stood anyway
            break

    assert decisions(desk)[-2:] == ["same", "value"]


def test_what_is_at_stake_counts_customers_records_and_campaigns(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    of_a_pair = "kind = 'match' and coalesce(why, '') <> 'sample'"
    query = f"select item_id, customer_ids from review_items where {of_a_pair}"
    with desk.desk.snapshots.reading() as snapshot:
        item = snapshot.row(f"{query} order by item_id limit 1")
        assert item is not None
        told = snapshot.row(
            "select count(distinct customer_id) as c, count(*) as r, count(distinct campaign) as m "
            "from crosswalk where customer_id = any($ids)",
            {"ids": item["customer_ids"]},
        )
    page = ann.get(f"/items/{item['item_id']}").text

    shown = page[page.index("At stake") :].partition("</dd>")[0]
    assert told is not None
    assert re.findall(r'num">(\d+)</b> (\w+?)s?,?</span>', shown)[:2] == [
        (str(told["c"]), "customer"),
        (str(told["r"]), "record"),
    ]
    assert (f">{told['m']}</b> campaign" in shown) == (told["m"] > 0)


def test_records_put_into_groups_are_kept_apart(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    page = follow(ann, "/queue")
    shown = follow(ann, f"/items/{item_of(page)}?view=cluster")
    numbers = re.findall(r'name="group_(\d+)" value="1"', shown.text)
    groups = {f"group_{number}": str(1 + at % 2) for at, number in enumerate(numbers)}

    one = say(ann, page, "split", **dict.fromkeys(groups, "1"))
    say(ann, page, "split", **groups)

    assert one.status_code == 422
    said = desk.desk.state.work.given(item_of(page))
    assert [given.answer.partition(" ")[0] for given in said] == ["split"]


def test_a_row_in_quarantine_is_corrected_by_what_differs_from_what_came(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    page = follow(ann, "/held")
    came = dict(re.findall(r'name="(cell_\w+)" form="verdict" value="([^"]*)"', page.text))
    form = {name: html.unescape(value) for name, value in came.items()}

    nothing = say(ann, page, "correct", **form)
    say(ann, page, "correct", **form | {"cell_last_name": "Okafor", "cell_email": "a@post.org"})

    assert nothing.status_code == 422
    (stored,) = desk.desk.state.decisions.read().iter_rows(named=True)
    assert stored["kind"] == "correct"
    cells = json.loads(stored["subject"])["cells"]
    assert {cell["field"]: cell["value"] for cell in cells}["last_name"] == "Okafor"
    assert {cell["field"] for cell in cells} <= {"last_name", "email"}


def test_who_skips_an_item_does_not_see_it_again_soon(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    page = follow(ann, "/queue")

    ann.post(f"/items/{item_of(page)}/skip")

    assert item_of(follow(ann, "/queue")) != item_of(page)
    assert desk.desk.state.queue.holders().get(item_of(page)) is None


def test_a_claim_is_renewed_and_a_comment_kept(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    page = follow(ann, "/queue")

    renewed = ann.post(f"/items/{item_of(page)}/renew")
    ann.post(f"/items/{item_of(page)}/comments", text="asked <the> shop")
    foreign = desk.person("bob", "administrator").post(f"/items/{item_of(page)}/renew")

    assert renewed.status_code == 200
    assert foreign.status_code == 409
    assert "asked &lt;the&gt; shop" in ann.get(f"/items/{item_of(page)}").text


@pytest.mark.parametrize("item_id", ["I-NOTHING", "%2e%2e", "' or 1=1 --", "%00"])
def test_an_item_that_there_is_not_is_not_there(desk: Office, item_id: str) -> None:
    ann = desk.person("ann", "administrator")

    assert ann.get(f"/items/{item_id}").status_code in {303, 404}


def test_who_signs_out_lets_go_of_what_they_had(desk: Office) -> None:
    ann, bob = desk.person("ann", "administrator"), desk.person("bob", "administrator")
    page, others = follow(ann, "/queue"), follow(bob, "/queue")
    ann.get(f"/items/{item_of(page)}/next")

    ann.post("/sign-out")

    assert desk.desk.state.queue.holders() == {item_of(others): "bob"}


def test_the_word_that_an_item_was_left_lets_go_of_the_claim_that_it_names(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    page = follow(ann, "/queue")
    item = item_of(page)
    was = re.findall(r'data-until="([^"]*)"', page.text)[0]
    again = re.findall(r'data-until="([^"]*)"', ann.get(f"/items/{item}").text)[0]

    late = ann.post(f"/items/{item}/leave", until=was)
    kept = desk.desk.state.queue.holders()
    answers = [ann.post(f"/items/{item}/leave", until=again) for _ in range(2)]

    assert [answer.status_code for answer in (late, *answers)] == [204, 204, 204]
    assert kept == {item: "ann"}
    assert desk.desk.state.queue.holders() == {}
    assert ann.post(f"/items/{item}/leave", until="soon").status_code == 400


def test_a_claim_that_ended_is_taken_again_with_one_key(desk: Office) -> None:
    ann = desk.person("ann", "administrator")
    page = follow(ann, "/queue")
    item = item_of(page)
    with writing(desk.desk.state.engine) as connection:
        connection.exec_driver_sql("delete from claims")

    answer = say(ann, page, "different")

    assert answer.status_code == 409
    assert "Your claim has ended" in answer.text
    assert f'href="/items/{item}" data-key="r"' in answer.text
    assert say(ann, ann.get(f"/items/{item}"), "different").status_code == 303


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"verdict_id": "x", "version": "1"},
        {"verdict_id": str(uuid4()), "version": "one"},
        {"verdict_id": str(uuid4()), "version": "1", "answer": "burn"},
    ],
)
def test_a_form_that_no_page_sends_is_refused(desk: Office, form: dict[str, str]) -> None:
    ann = desk.person("ann", "administrator")
    page = follow(ann, "/queue")

    answer = ann.post(f"/items/{item_of(page)}/verdict", **form)

    assert answer.status_code in {400, 409, 422}
    assert decisions(desk) == []


def test_without_a_snapshot_a_page_says_what_to_do(tmp_path: Path) -> None:
    with office(found(tmp_path / "company").settings) as desk:
        answer = follow(desk.person("ann", "administrator"), "/queue")

    assert answer.status_code == 503
    assert "touchstone nightly" in answer.text


def test_nobody_sees_what_belongs_to_campaigns_of_others(campaigns: Company) -> None:
    company = campaigns
    with office(company.settings) as desk:
        steward = ("data_steward",)
        people = {
            "spring": desk.person("stan", campaigns=("spring",), functions=steward),
            "autumn": desk.person("aude", campaigns=("autumn",), functions=steward),
            "nobody": desk.person("nora", functions=steward),
            "viewer": desk.person("vera", "viewer", campaigns=("spring",)),
            "both": desk.person("bea", campaigns=("spring", "autumn"), functions=steward),
        }
        every = [
            row["item_id"]
            for row in company.ask("select item_id from review_items").iter_rows(named=True)
        ]
        seen = {name: crawl(who, every) for name, who in people.items()}

    spring = {"Springmark", "Springmarc", "Springtown"}
    autumn = {"Autumnmark", "Autumnmarc", "Autumncity"}
    marks = {*spring, *autumn, "Mixed"}  # who is of both is seen as one's own records know them
    found_marks = {name: {m for m in marks if m in text} for name, text in seen.items()}
    assert found_marks["spring"] <= spring | {"Mixed"}
    assert found_marks["autumn"] <= autumn | {"Mixed"}
    assert found_marks["viewer"] <= spring | {"Mixed"}
    assert found_marks["nobody"] == set()
    assert {"Springmark", "Autumnmark"} <= found_marks["both"]
    assert {"Springmark"} <= found_marks["spring"]
    assert {"Autumnmark"} <= found_marks["autumn"]


def crawl(person: Person, items: list[str]) -> str:
    """Every page that links lead to, every item by its name, and every form there is."""
    texts, todo, done = [], ["/", "/queue", "/conflicts", "/held"], set()
    todo += [f"/items/{item}{view}" for item in items for view in ("", "?view=cluster", "/preview")]
    while todo:
        path = todo.pop(0)
        if path in done or path.startswith("/static"):
            continue
        done.add(path)
        answer = person.get(path)
        texts.append(answer.text)
        if answer.is_redirect:
            todo.append(answer.headers["location"])
        todo += re.findall(r'href="(/[^"#]*)"', answer.text)
    for item in items:
        for act in ("skip", "escalate", "renew", "comments", "verdict"):
            form = {"version": "1", "verdict_id": str(uuid4()), "answer": "same", "text": "hello"}
            texts.append(person.post(f"/items/{item}/{act}", **form).text)
    return "\n".join(texts)


def test_what_sources_send_is_shown_and_never_run(tmp_path: Path) -> None:
    company = found(tmp_path / "company")
    company.drop(
        "members",
        [
            person("Ann", "Oakfield", no="1", email="ann@post.org", city=MARKUP, born="1980-01-02"),
            person("Ann", "Oakfeild", no="2", postcode="SW1A 1AA", city=HIDDEN, born="1980-01-02"),
            person("Ann", "Oakfield", no="3", phone="07400 123455", city=MARKUP, born="1980-02-01"),
            person(MARKUP, MARKUP, no="4", email="bob@post.org"),
        ],
    )
    company.night(1)
    with office(company.settings) as desk:
        ann = desk.person("ann", "administrator")
        items = company.ask("select item_id from review_items")["item_id"].to_list()
        texts = [
            ann.get(f"/items/{item}{way}").text
            for item in items
            for way in ("", "/preview", "?view=cluster", "?view=pair")
        ]

    everything = "\n".join(texts)
    assert "&lt;img src=x" in everything
    assert "<img" not in everything
    assert "{{7*7}}" in everything
    assert "\u202e" not in everything


def test_what_cannot_be_seen_is_named() -> None:
    assert visible(HIDDEN) == "Ber⟨right-to-left override⟩lin⟨zero width space⟩"
    assert visible("Zoë Ñandú 李") == "Zoë Ñandú 李"


def test_a_page_is_of_one_run_and_the_next_click_shows_the_new_one(campaigns: Company) -> None:
    company = campaigns
    with office(company.settings) as desk:
        ann = desk.person("ann", "administrator")
        before = follow(ann, "/queue")
        company.drop("members", [person("Nora", "Newcomer", no="9", email="nora@post.org")])
        company.night(2)

        after = ann.get(f"/items/{item_of(before)}")
        say(ann, before, "unsure")
        answer = say(ann, follow(ann, "/queue"), "different")

        runs = desk.desk.state.decisions.read()["snapshot_run_id"].to_list()
    assert ("R0001" in before.text, "R0002" in before.text) == (True, False)
    assert ("R0001" in after.text, "R0002" in after.text) == (False, True)
    assert answer.status_code == 303
    assert set(runs) <= {"R0002"}


def test_who_looked_first_before_the_evidence_changed_may_give_the_second_look_now(
    desk: Office,
) -> None:
    ann, bob = (desk.person(name, "administrator") for name in ("ann", "bob"))
    page = follow(ann, "/queue")
    item_id = item_of(page)
    say(ann, page, "unsure")
    with writing(desk.desk.state.engine) as connection:  # what a run does that has new evidence
        anew = "update items set state = 'open', version = version + 1 where item_id = ?"
        connection.exec_driver_sql(anew, (item_id,))
    say(bob, follow(bob, f"/items/{item_id}"), "unsure")

    assert ann.get(f"/items/{item_id}").status_code == 200
    assert bob.get(f"/items/{item_id}").status_code != 200
