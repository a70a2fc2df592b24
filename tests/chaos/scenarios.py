"""What is being done when something goes wrong: each on a small company, prepared once."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

import flows.commands.backup
import flows.commands.erase
import flows.commands.publish
import flows.commands.rebuild
import flows.commands.restore  # noqa: F401 - split-off processes find all imported
from flows.backing import back_up
from flows.cli import main
from flows.erasing.erase import Asked, erase
from flows.nightly import nightly
from flows.restoring import restore
from store.files import keep_private
from store.settings import Settings
from store.snapshot import current_run, held_back
from store.spool import make_entry
from store.spool_writer import SpoolWriter
from store.state.open import open_state
from store.state.staging import live_run
from store.tarball import extract, read_manifest
from tests.chaos.processes import apart
from tests.flows.builders import HEADERS, Company, csv_of, found, night_time, person, quiet

ANN = person("Margaret", "Miller", email="margaret@millers.org", phone="07911 123401", news="yes")
BOB = person("Robert", "Miller", email="robert@millers.org", postcode="LS1 4AP")
JANE = person(
    "Jane", "Quillfeather", email="jane@quillfeather.net", phone="07911 123499", city="Truro"
)
TELLING = ("quillfeather", "07911 123499", "7911123499", "truro")
"""What is Jane's alone."""
PARTNERS = "partners"
"""Where the partner lays its files, beside the rules."""
_QUIET_SINCE = 1_767_225_600
"""When the partner's file was written: long ago, so that it is whole."""
_POSTS = """
source  = "posts"
title   = "Posted"
channel = "web_form"
mode    = "append"
owner   = "web@example.com"
trust   = 50
[read]
format = "ndjson"
path   = "posts/*"
[intake]
required = ["email|phone"]
[columns]
"intake.id" = "source_key"
"intake.received_at" = "updated_at"
"first" = "first_name"
"last"  = "last_name"
"email" = "email"
[parse]
region = "GB"
"""


class Scenario(NamedTuple):
    """Something that is done on a company, and how it is done again after a fault."""

    name: str
    words: Callable[[Company], list[str]]
    """The words on the command line."""
    again: Callable[[Company], None]
    """What an operator does next, in one step."""
    base: Company
    after: dict[str, pl.DataFrame]
    """The tables when nothing goes wrong."""
    before: dict[str, pl.DataFrame]
    forgets: bool = False
    """Whether Jane must be in no file afterwards."""
    swaps: bool = False
    """Whether readers may find no snapshot until it is done again."""


def build(folder: Path, names: list[str]) -> list[Scenario]:
    """The scenarios that are asked for, made in processes of their own."""
    keep_private()
    apart(lambda: _base(folder / "base") and None)
    return [_build(folder, name) for name in names]


def _build(folder: Path, name: str) -> Scenario:
    """One scenario, with its tables before and after."""
    base = opened(folder / "base")
    words, again, more = BUILDERS[name](base, folder / name)

    def prepare() -> Tables:
        company = copy_of(base, folder / name)
        more.get("prepare", _nothing)(company)
        return {} if current_run(company.settings) is None else company.tables()

    before = apart(prepare)
    company = opened(folder / name, more.get("rules", base.settings.rules))

    def calm() -> Tables:
        undisturbed = copy_of(company, folder / f"{name}-undisturbed")
        again(undisturbed)
        return undisturbed.tables()

    flags = {flag: more[flag] for flag in ("forgets", "swaps") if flag in more}
    return Scenario(name, words, again, company, apart(calm), before, **flags)


def opened(folder: Path, rules: Path | None = None) -> Company:
    """A company that was made in another process."""
    data = folder / "data"
    return Company(folder, Settings(data=data, rules=rules or folder / "rules", threads=1))


def copy_of(company: Company, folder: Path) -> Company:
    """The same company with data of its own; the rules and whoever sends are shared."""
    shutil.copytree(company.settings.data, folder / "data", symlinks=True)
    return Company(folder, company.settings.model_copy(update={"data": folder / "data"}))


@contextmanager
def without(company: Company, names: list[str]) -> Iterator[None]:
    """Whatever is done, these files are not there for it, in the inbox or with the partner."""
    aside = company.folder / "aside"
    aside.mkdir()
    moved = []
    for name in names:
        path = company.settings.inbox / name
        if not path.exists():
            path = company.settings.rules.parent / PARTNERS / Path(name).name
        moved.append((path, path.rename(aside / path.name)))
    try:
        yield
    finally:
        for path, kept in moved:
            kept.rename(path)


Tables = dict[str, pl.DataFrame]
Built = tuple[Callable[[Company], list[str]], Callable[[Company], None], dict[str, Any]]
"""The words, how it is done again, and what else is to be said: `prepare`, what happens before;
`rules`, other ones; flags of `Scenario`."""


def _nothing(company: Company) -> None:
    """Nothing happens before."""


def _base(folder: Path) -> Company:
    """One night, with decisions, quarantine and a held delivery; a second one has arrived."""
    company = found(folder)
    out = folder / PARTNERS
    out.mkdir()
    feeds = company.settings.rules / "feeds"
    with (feeds / "partner" / "feed.toml").open("a", encoding="utf-8") as feed:
        feed.write(f'[fetch]\nkind = "folder"\nfolder = "{out}"\npattern = "*.csv"\n')
    (feeds / "posts").mkdir()
    (feeds / "posts" / "feed.toml").write_text(_POSTS, "utf-8")
    company.drop("forms", [ANN, BOB, JANE, "one,cell,too,few"], name="1")
    company.drop("members", [{"no": str(n), **ANN, "last": f"Miller{n}"} for n in range(9)])
    company.drop("members", [{"no": "J1", **JANE}, *_members(9)], name="j")
    company.night(1)
    company.decide("different", records=["members:1", "members:2"])
    company.decide("value", records=["members:3"], field="city", value="Bath")
    items = company.ask("from review_items where kind = 'delivery'")
    for item in items.iter_rows(named=True):
        company.decide("release", sha256=item["delivery_id"])
    _second_night(company, out)
    return company


def _second_night(company: Company, out: Path) -> None:
    changed = [{"op": "upsert", "id": "1", **BOB, "born": "1978-07-04"}]
    path = out / "changed.csv"
    path.write_text(csv_of(HEADERS["partner"], changed), "utf-8")
    os.utime(path, (_QUIET_SINCE, _QUIET_SINCE))
    company.drop("forms", [ANN | {"city": "Leeds"}, "one,cell,too,few,again"], name="2")
    company.drop("members", [{"no": "J1", **JANE}, *_members(8, "s")], name="2")
    company.drop_file("members/odd.csv", "what is this\n1\n")
    company.settings.spool.mkdir(exist_ok=True)
    writer = SpoolWriter(company.settings.spool, {})
    posted = b'{"first": "Tom", "last": "Baker", "email": "tom.baker@mail.org"}'
    assert writer.append([make_entry("posts", "p1", "2026-03-02T00:00:00Z", posted)]) == [None]
    writer.close()


def _members(count: int, ending: str = "") -> list[dict[str, str]]:
    return [{"no": str(n), **ANN, "last": f"Miller{ending}{n}"} for n in range(count)]


def _night(base: Company, folder: Path) -> Built:
    words = ["nightly", "--now", night_time(2).isoformat()]
    return lambda _: words, lambda one: _run(one, 2), {}


def _first(base: Company, folder: Path) -> Built:
    words = ["nightly", "--now", night_time(1).isoformat()]
    return lambda _: words, lambda one: _run(one, 1), {"prepare": _begin_again}


def _begin_again(company: Company) -> None:
    data = company.settings.data
    for name in ("warehouse.duckdb", "golden.duckdb"):
        (data / name).unlink()
    for name in ("published", "raw", "decisions", "fetch"):
        shutil.rmtree(data / name, ignore_errors=True)


def _rebuild(base: Company, folder: Path) -> Built:
    words = ["rebuild", "--now", night_time(2).isoformat()]
    return lambda _: words, _rebuilt, {"prepare": lambda one: _run(one, 2)}


def _rebuilt(company: Company) -> None:
    _run(company, 2)
    company.rebuild(2)


def _erase(base: Company, folder: Path) -> Built:
    told = ["erase", "members:J1", "--by", "dpo", "--now", night_time(2).isoformat()]

    def again(one: Company) -> None:
        settings = one.settings
        erase(settings, Asked(["members:J1"], only=False, by="dpo"), night_time(2), quiet)

    return lambda _: told, again, {"prepare": lambda one: _run(one, 2), "forgets": True}


def _backup(base: Company, folder: Path) -> Built:
    def again(one: Company) -> None:
        target = one.folder / "all.tar"
        back_up(one.settings, target, night_time(2), days=30)
        extract(target, read_manifest(target), one.folder / "extracted")
        assert [path.name for path in one.folder.glob(".*")] == []

    def words(one: Company) -> list[str]:
        return ["backup", "--out", str(one.folder / "all.tar")]

    return words, again, {"prepare": lambda one: _run(one, 2)}


def _restore(base: Company, folder: Path) -> Built:
    archive = folder / "all.tar"

    def prepare(one: Company) -> None:
        back_up(one.settings, archive, night_time(1), days=30)
        _run(one, 2)

    def again(one: Company) -> None:
        restore(one.settings, archive, night_time(3), over=True)
        _second_night(one, base.folder / PARTNERS)
        _run(one, 2)

    words = ["restore", str(archive), "--over"]
    return lambda _: words, again, {"prepare": prepare, "swaps": True}


def _publish(base: Company, folder: Path) -> Built:
    rules = folder / "rules"
    words = ["publish", "R0002", "--by", "anna", "--because", "looked at"]

    def prepare(one: Company) -> None:
        shutil.copytree(base.settings.rules, rules)
        gates = rules / "gates.toml"
        strict = {"least_customers": 1, "least_rows": 1, "quarantined_share": 0}
        lines = gates.read_text("utf-8").splitlines()
        gates.write_text("\n".join(_set(line, strict) for line in lines) + "\n", "utf-8")
        held = opened(one.folder, rules)
        _run(held, 2)
        assert held_back(held.settings) is not None

    def again(one: Company) -> None:
        if held_back(one.settings) is not None or _shown(one) != 2:
            places = ["--data", str(one.settings.data), "--rules", str(one.settings.rules)]
            assert main([words[0], *places, *words[1:], "--json"]) == 0

    return lambda _: words, again, {"prepare": prepare, "rules": rules}


def _shown(company: Company) -> int | None:
    """The run whose queue is shown."""
    with open_state(company.settings) as state:
        return live_run(state.engine)


def _set(line: str, values: dict[str, int]) -> str:
    name = line.split("=", maxsplit=1)[0].strip()
    return f"{name} = {values[name]}" if name in values else line


def _run(company: Company, number: int) -> None:
    nightly(company.settings, night_time(number), quiet)


BUILDERS: dict[str, Callable[[Company, Path], Built]] = {
    "night": _night,
    "first": _first,
    "rebuild": _rebuild,
    "erase": _erase,
    "backup": _backup,
    "restore": _restore,
    "publish": _publish,
}
"""Every scenario by its name."""
