"""The commands that a person asks: what they say, and what they leave behind."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.cli import main
from flows.commands.doctor import without_password, without_secrets
from store.decisions import open_decisions
from store.lock import one_writer
from store.rulebook import read_model
from store.sums import SUMS
from tests.flows.builders import Company, found, person

Say = Callable[..., tuple[int, str]]

ANN = person(
    "Ann", "Ashworth", email="ann@example.com", phone="020 7946 0123", born="1979-06-14",
    postcode="LS1 4AP", city="Leeds",
)  # fmt: skip
BEN = person("Ben", "Carter", email="ben@example.com", phone="020 7946 0456", born="1990-01-02")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Ann is known from three sources, Ben from one; a person of no name is in quarantine."""
    company = found(tmp_path_factory.mktemp("company"))
    company.drop("members", [{"no": "1", **ANN}, {"no": "2", **BEN}, {"no": "3"}], name="a")
    company.drop("partner", [{"op": "upsert", "id": "p1", **ANN, "born": "1979-06-15"}], name="b")
    company.night(1)
    company.drop("forms", [{**ANN, "sent": "2026-03-02T10:00:00Z"}], name="c")
    company.drop_file("forms/d.csv", "first,colour\nAnn,blue\n")
    company.night(2)
    return company


@pytest.fixture
def say(company: Company, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command in this process: its exit code, and what it printed."""

    def run(*words: str) -> tuple[int, str]:
        first, *rest = words
        places = ["--data", str(company.settings.data), "--rules", str(company.settings.rules)]
        try:
            code = main([first, *places, *rest])
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


def items(company: Company, kind: str) -> list[dict[str, Any]]:
    return company.ask(f"select * from review_items where kind = '{kind}'").to_dicts()


def decided(company: Company) -> pl.DataFrame:
    with open_decisions(company.settings.log_url) as log:
        return log.read()


BY = ("--by", "Mara", "--because", "I asked her")


def test_a_decision_is_stored_with_the_snapshot_and_the_evidence(company, say) -> None:
    item = items(company, "conflict")[0]

    code, text = say("decide", item["item_id"], "keep", *BY)

    assert code == 0, text
    stored = decided(company).filter(pl.col("item_id") == item["item_id"]).row(-1, named=True)
    assert stored["kind"] == "value"
    assert stored["decided_by"] == "Mara"
    assert stored["snapshot_run_id"] == "R0002"
    assert len(stored["fingerprint"]) == 64
    assert json.loads(stored["subject"])["field"] == "birth_date"


def test_the_same_decision_twice_is_one_until_it_is_undone(company, say) -> None:
    item = items(company, "delivery")[0]["item_id"]

    say("decide", item, "refuse", *BY)
    _, again = say("decide", item, "refuse", *BY)
    number = decided(company)["decision_id"].max()
    undone, _ = say("decide", "--undo", str(number), *BY)
    _, anew = say("decide", item, "refuse", *BY)

    assert "says so already" in again
    assert undone == 0
    assert "The next run obeys" in anew
    last = decided(company)["kind"].to_list()[-3:]
    assert last == ["refuse", "undo", "refuse"]


@pytest.mark.parametrize(
    ("words", "says", "code"),
    [
        (("I-NOBODY", "same", *BY), "No item I-NOBODY waits", 1),
        (("--undo", "999", *BY), "There is no decision 999", 1),
        (("I-NOBODY", *BY), "what is the answer", 2),
        (("I-NOBODY", "same", "--by", "Mara"), "needs --by NAME and --because", 2),
        ((), "name one ITEM", 2),
    ],
)
def test_a_decision_that_cannot_be_is_told_why(say, words, says, code) -> None:
    told_code, text = say("decide", *words)

    assert says in text
    assert told_code == code


def test_an_answer_that_does_not_fit_changes_nothing(company, say) -> None:
    before = decided(company).height

    code, text = say("decide", items(company, "delivery")[0]["item_id"], "same", *BY)

    assert code == 1
    assert "release or refuse, not same" in text
    assert decided(company).height == before


def test_what_waits_is_listed_by_kind(company, say) -> None:
    _, text = say("decide", "--list", "delivery")
    _, everything = say("decide", "--list", "--json")

    assert [line.split()[1] for line in text.splitlines()] == ["delivery"]
    assert len(json.loads(everything)) == company.ask("from review_items").height


def test_a_customer_is_explained_by_its_records_links_and_values(say) -> None:
    code, text = say("explain", "members:1")

    assert code == 0
    assert "members:1 belongs to customer C1-2, which stands on 3 records." in text
    assert "partner:p1" in text
    assert "same birth date" in text
    assert "founded it" in text
    assert "joined members:1: +" in text
    assert "1979-06-14  from members:1, the first to arrive" in text
    assert "Which birth_date is right?" in text


def test_two_records_of_one_customer_are_explained_by_their_evidence(say) -> None:
    code, text = say("explain", "members:1", "partner:p1")

    assert code == 0
    assert "are one customer, C1-2." in text
    assert "same e-mail" in text
    assert "for one customer" in text
    assert "They were compared because they share" in text


def test_two_strangers_are_scored_afresh(say) -> None:
    _, text = say("explain", "members:1", "members:2")

    assert "two customers, C1-2 and C1-3" in text
    assert "another first name" in text
    assert "Scored now." in text


def test_strangers_are_not_scored_while_a_run_writes(company, say) -> None:
    with one_writer(company.settings.lock):
        code, text = say("explain", "members:1", "members:2")

    assert code == 0
    assert "could not be scored now: Another run is writing" in text


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        (("members:9",), "There is no record members:9"),
        (("C9-9",), "There is no customer C9-9"),
        (("members:1", "C1-2"), "are both C1-2"),
    ],
)
def test_an_id_that_explains_nothing_is_told_why(say, ids, says) -> None:
    code, text = say("explain", *ids)

    assert code == 1
    assert says in text


def test_every_explanation_is_data_too(say) -> None:
    _, one = say("explain", "C1-2", "--json")
    _, two = say("explain", "C1-2", "C1-3", "--json")

    assert {record["record_id"] for record in json.loads(one)["records"]} >= {"members:1"}
    assert json.loads(two)["is_one_customer"] is False


def test_customers_are_measured_by_record_and_by_row(company, say, tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text(
        "record_id,file,row_number,entity_id\n"
        "members:1,,,ann\npartner:p1,,,ann\nmembers:2,,,ben\n"
        ",forms/c.csv,2,ann\nmembers:77,,,eve\n",
        "utf-8",
    )

    code, text = say("evaluate", "--truth", str(truth), "--json")

    measured = json.loads(text)
    assert code == 0
    assert measured["records"] == 4
    assert measured["truth_rows_without_a_record"] == 1
    assert measured["all"]["pairwise"]["recall"]["value"] == 1.0
    assert measured["over_merged_customers"] == 0
    assert {row["in_use"] for row in measured["by_threshold"]} == {True, False}


def test_a_page_of_the_measure_stands_by_itself(say, tmp_path: Path) -> None:
    truth, page = tmp_path / "truth.csv", tmp_path / "page.html"
    truth.write_text("record_id,entity_id\nmembers:1,ann\npartner:p1,ann\nmembers:2,<b>\n", "utf-8")

    code, text = say("evaluate", "--truth", str(truth), "--html", str(page), "--json")

    written = page.read_text("utf-8")
    assert code == 0, text
    assert set(json.loads(text)["by_channel"]) == {"partner_feed"}
    assert "partner feed" in written
    assert "<svg" in written
    assert "://" not in written
    assert "<script" not in written


@pytest.fixture
def drawn(company: Company, say: Say, tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    code, text = say("evaluate", "--draw", str(path))
    assert code == 0, text
    return path


def test_a_list_to_judge_is_blind_and_the_same_for_the_same_seed(drawn, say) -> None:
    first = drawn.read_text("utf-8")

    say("evaluate", "--draw", str(drawn))

    listed = pl.read_csv(drawn, infer_schema=False)
    assert drawn.read_text("utf-8") == first
    assert drawn.stat().st_mode & 0o077 == 0
    assert listed["same"].null_count() == listed.height == 3
    assert not {"match_weight", "stratum", "evidence"} & set(listed.columns)
    assert listed["phone_a"].drop_nulls().str.starts_with("'+44").all()


def test_a_judged_list_is_measured_and_few_verdicts_are_said_to_be_few(drawn, say) -> None:
    listed = pl.read_csv(drawn, infer_schema=False)
    listed.with_columns(same=pl.Series(["yes", "No", "?"])).write_csv(drawn)

    code, text = say("evaluate", "--judged", str(drawn), "--json")

    measured = json.loads(text)
    assert code == 0, text
    assert measured["verdicts"] == 2
    assert measured["recall"]["value"] is None
    assert sum(part["judged"] for part in measured["strata"]) == 2
    assert measured["too_few"]


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [("same", "maybe", "row 2: the column same"), ("drawn", "R0009 prior 1", "other thresholds")],
)
def test_a_list_that_cannot_be_used_is_told_why(drawn, say, column, value, says) -> None:
    pl.read_csv(drawn, infer_schema=False).with_columns(pl.lit(value).alias(column)).write_csv(
        drawn
    )

    code, text = say("evaluate", "--judged", str(drawn))

    assert code == 1
    assert says in text


def test_without_truth_what_stewards_said_of_samples_is_what_there_is(say) -> None:
    code, text = say("evaluate")

    assert code == 0
    assert "which chance had stewards judge blind" in text
    assert "too few verdicts" in text


def test_every_blocking_rule_is_told_with_what_it_costs_and_finds(say, tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text("record_id,entity_id\nmembers:1,ann\npartner:p1,ann\nmembers:2,ann\n", "utf-8")

    code, text = say("blocking", "--truth", str(truth), "--json")
    _, told = say("blocking")

    found = json.loads(text)
    email = next(rule for rule in found["rules"] if rule["rule"] == "email")
    assert code == 0
    assert (email["largest_block"], email["compared"], email["links"]) == (3, 3, 3)
    assert (found["truth"]["true_pairs"], found["truth"]["lost"]) == (3, 2)
    assert found["truth"]["rules"]["email"] == {"covered": 1, "covered_only": 0}
    assert "too few links to tell" in told
    assert all(rule["rule"] in told for rule in found["rules"])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("record_id,who\nmembers:1,ann\n", "no column entity_id or cluster_id"),
        ("name,entity_id\nAnn,ann\n", "does not name the records"),
        ("record_id,entity_id\nx:1,ann\n", "No row of the truth names a record"),
        ("file,row,entity_id\nx,first,ann\n", "not whole numbers"),
    ],
)
def test_a_truth_that_cannot_be_used_is_told_why(say, tmp_path: Path, content, says) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text(content, "utf-8")

    code, text = say("evaluate", "--truth", str(truth))

    assert code == 1
    assert says in text


def test_a_fresh_prior_is_proposed_beside_the_data_and_not_switched_on(company, say) -> None:
    before = sorted((company.settings.rules / "weights").iterdir())

    code, text = say("train", "--prior-only", "--json")

    assert code == 0, text
    proposed = read_model(Path(json.loads(text)["folder"]))
    used = read_model(max(before))
    assert proposed.settings == used.settings
    assert Path(json.loads(text)["folder"]).parent == company.settings.data / "models"
    assert sorted((company.settings.rules / "weights").iterdir()) == before


def test_a_refresh_learns_names_and_priors_and_keeps_every_weight(company, say) -> None:
    used = read_model(max((company.settings.rules / "weights").iterdir()))

    code, text = say("train", "--refresh", "--json")

    assert code == 0, text
    proposed = read_model(Path(json.loads(text)["folder"]))
    assert proposed.settings["comparisons"] == used.settings["comparisons"]
    assert proposed.manifest.record_count != used.manifest.record_count
    before, after = used.frequencies["last_key"], proposed.frequencies["last_key"]
    assert set(before["last_key"]) <= set(after["last_key"])
    assert not after.equals(before)
    assert proposed.manifest.name_alone is not None
    assert str(proposed.manifest.first_received) == "2026-03-02"
    assert json.loads(text)["name_alone"] >= 1.0


def test_a_proposal_says_where_it_comes_from_and_what_it_would_change(company, say) -> None:
    code, text = say("train", "--json")

    answer = json.loads(text)
    proposed = read_model(Path(answer["folder"])).manifest
    page = Path(answer["report"])
    report = page.read_text("utf-8")
    assert code == 0
    assert (str(proposed.first_received), str(proposed.last_received)) == (
        "2026-03-02",
        "2026-03-03",
    )
    assert set(proposed.levels) == set(proposed.comparisons)
    assert set(answer["customers"]) == {"merged", "split"}
    assert page.stat().st_mode & 0o077 == 0
    assert "http" not in report.replace("http-equiv", "")
    assert "ann@example.com" not in report


def test_a_proposal_leans_on_the_model_in_use_unless_it_is_learnt_afresh(
    company, say, tmp_path: Path
) -> None:
    used = max((company.settings.rules / "weights").iterdir()).name

    told = {}
    for option in ((), ("--afresh",)):
        code, text = say("train", *option, "--to", str(tmp_path / "proposed"))
        assert code == 0, text
        told[option] = text, read_model(tmp_path / "proposed").manifest.leant_on

    assert f"about what it does in {used}." in told[()][0]
    assert "about its default." in told["--afresh",][0]
    assert [leant_on for _, leant_on in told.values()] == [used, None]


def test_a_model_is_never_proposed_where_it_would_be_used(company, say) -> None:
    code, text = say("train", "--to", str(company.settings.rules / "weights" / "9999-01-01"))

    assert code == 1
    assert "in use at once" in text
    assert not (company.settings.rules / "weights" / "9999-01-01").exists()


@pytest.fixture
def drafted(company: Company, say: Say, tmp_path: Path) -> Any:
    """A feed drafted from a first delivery."""
    sample = tmp_path / "people_20260302.csv"
    rows = "".join(f"{n};Ann{n};Lee;ann{n}@example.com;{n}\n" for n in range(10, 50))
    sample.write_text(f"Member No;First Name;Surname;E-Mail;Points\n{rows}", "utf-8")
    folder = company.settings.rules / "feeds" / "acme"
    yield say("feed", "new", "acme", "--sample", str(sample)), folder, sample
    shutil.rmtree(folder, ignore_errors=True)


def test_a_drafted_feed_reads_its_own_sample(drafted, say) -> None:
    (code, text), folder, _ = drafted

    assert code == 0, text
    assert {path.name for path in folder.iterdir()} == {
        "feed.toml",
        "sample.csv",
        "expected.toml",
    }
    assert '"E-Mail" = "email"' in (folder / "feed.toml").read_text("utf-8")
    assert "Left out   Points" in text
    assert say("feed", "check", "acme") == (0, "acme: as expected.\n")


def test_a_feed_is_never_overwritten(drafted, say) -> None:
    _, folder, sample = drafted
    before = (folder / "feed.toml").read_bytes()

    code, text = say("feed", "new", "acme", "--sample", str(sample))

    assert code == 1
    assert "There is a feed acme already" in text
    assert (folder / "feed.toml").read_bytes() == before


def test_a_feed_that_reads_its_sample_otherwise_is_told_how(drafted, say) -> None:
    _, folder, _ = drafted
    expected = folder / "expected.toml"
    text = expected.read_text("utf-8").replace('"ann10@example.com"', '"bob@example.com"')
    expected.write_text(text, "utf-8")

    code, told = say("feed", "check", "acme")

    assert code == 1
    assert 'email should be "bob@example.com" and is "ann10@example.com"' in told


def test_a_draft_is_not_in_order_until_it_is_finished(drafted, say) -> None:
    code, text = say("doctor", "--json")

    wrong = {check["about"] for check in json.loads(text)["checks"] if not check["is_well"]}
    assert code == 1
    assert "rules/feeds/acme" in wrong


@pytest.mark.parametrize("feed", ["web_signup", "alpha_loyalty", "beta_insurance", "front_desk",
                                  "expo_leads", "webinar"])  # fmt: skip
def test_every_feed_of_the_demo_reads_its_sample_as_expected(feed, capsys) -> None:
    code = main(["feed", "check", feed])

    assert (code, capsys.readouterr().out) == (0, f"{feed}: as expected.\n")


def checks_of(text: str) -> dict[str, tuple[bool, str]]:
    return {
        check["about"]: (check["is_well"], check["says"]) for check in json.loads(text)["checks"]
    }


def test_the_doctor_looks_at_everything(say) -> None:
    _, text = say("doctor", "--json")

    seen = checks_of(text)
    for about in ("model", "warehouse", "golden tables", "decision log", "snapshot", "disk"):
        assert seen[about][0], seen[about]
    assert "R0002 is current" in seen["snapshot"][1]
    named = {setting["name"]: setting["origin"] for setting in json.loads(text)["settings"]}
    assert named["data"] == "--data"
    assert named["snapshots_kept"] == "default"


@pytest.mark.parametrize(
    ("name", "says"),
    [("customers.parquet", "not as they were published"), (SUMS, "the audit trail says")],
)
def test_the_doctor_names_a_snapshot_that_was_changed(company, say, name, says) -> None:
    path = company.settings.published / "R0002" / name
    before = path.read_bytes()
    path.write_bytes(before[: before.rindex(b"\n", 0, -1) + 1])

    code, text = say("doctor", "--json")

    path.write_bytes(before)
    assert code == 1
    assert checks_of(text)["snapshot"][0] is False
    assert says in checks_of(text)["snapshot"][1]


def test_the_doctor_leaves_the_tables_of_a_run_alone(company, say) -> None:
    with one_writer(company.settings.lock):
        _, text = say("doctor", "--json")

    seen = checks_of(text)
    assert "A run is going on" in seen["run"][1]
    assert "warehouse" not in seen


def test_the_doctor_names_a_file_that_no_feed_expects(company, say) -> None:
    lost = company.drop_file("nobody.txt", "x")

    code, text = say("doctor", "--json")

    lost.unlink()
    assert code == 1
    assert "No feed expects nobody.txt" in checks_of(text)["inbox"][1]


def test_the_doctor_names_a_broken_rule_and_goes_on(company, say) -> None:
    path = company.settings.rules / "queues.toml"
    whole = path.read_text("utf-8")
    path.write_text(whole.replace("stake", "steak"), "utf-8")

    code, text = say("doctor", "--json")

    path.write_text(whole, "utf-8")
    seen = checks_of(text)
    assert code == 1
    assert not seen["rules/queues.toml"][0]
    assert seen["warehouse"][0]


@pytest.mark.parametrize(
    ("text", "expect"),
    [
        ("sqlite:///data/x.sqlite", "sqlite:///data/x.sqlite"),
        ("postgresql://ann:secret@host/db", "postgresql://ann:***@host/db"),
        ("postgresql://ann:se@cr:et@host/db", "postgresql://ann:***@host/db"),
        ("postgresql://host/db?password=secret", "postgresql://host/db?…"),
    ],
)
def test_no_secret_of_a_url_is_shown(text: str, expect: str) -> None:
    assert without_secrets(text) == expect
    assert "secret" not in without_password(text).partition("?")[0]
