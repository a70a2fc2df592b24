"""`touchstone scorecard`: how good each source is and what it brings, as a page by itself."""

import argparse
from pathlib import Path
from typing import Any

from flows.cli import show
from flows.page import write_page
from flows.run_report import asking
from flows.sharing.reach import reach_of
from rules.access import Rights
from rules.reach import Reach
from store.errors import TouchstoneError
from store.marts import COUNTED, MEASURES
from store.rulebook import Rulebook, read_rule, read_rulebook
from store.scoped import scoped_to
from store.scorecard import (
    FEW,
    OF_FIELDS,
    OLDEST,
    Scorecard,
    read_scorecard,
    series_of,
    weeks_of,
    worked_out,
)
from store.settings import Settings
from store.snapshot import open_snapshot
from store.state.open import open_state
from transforms.multiples import columns, common_floor, multiple, scaled

QUESTIONS = {
    "completeness": "select record_id, customer_id from records "
    "where source = 'SOURCE' and email is null",
    "validity": "select delivery_id, row_number, reasons from quarantine where source = 'SOURCE'",
    "uniqueness": "select customer_id, list(record_id) as records from crosswalk "
    "where source = 'SOURCE' group by customer_id having count(*) > 1",
    "consistency": "select r.record_id, r.email, c.email as golden from records r "
    "join customers c using (customer_id) "
    "where r.source = 'SOURCE' and c.record_count > 1 and r.email <> c.email",
    "timeliness": "select record_id, updated_at from records where source = 'SOURCE' "
    "and updated_at < (select max(now) from runs) - interval 365 days",
    "channels": "select * from channel_effectiveness where source = 'SOURCE' order by week",
    "age": "select * from data_decay where source = 'SOURCE' order by years",
    "matching": "select * from match_bands order by run_id desc, band",
}
"""What `touchstone query` is asked for the rows behind a figure."""


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="the page to write (scorecard.html here; with --json none unless named)",
    )
    parser.add_argument("--as-of", metavar="RUN", help="of an older snapshot, e.g. R0002")
    parser.add_argument(
        "--for", dest="person", metavar="NAME", help="no further than this person may see"
    )


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write the page, or print its figures, and say where it is."""
    rulebook = read_rulebook(settings.rules)
    reach = _reach(settings, arguments.person) if arguments.person else Reach(is_all=True)
    fields = rulebook.survivorship.names()
    with open_snapshot(settings, arguments.as_of) as con:
        scope = scoped_to(reach)
        card = read_scorecard(asking(con), scope, worked_out(scope, fields))
    page = arguments.out
    if page is None and not arguments.json:
        page = Path("scorecard.html")
    if page is not None:
        if page.is_dir():
            raise TouchstoneError(f"{page} is a folder; name a file with --out.")
        _write(page, card, reach, rulebook, arguments.person)
    show(
        _plain(card),
        f"{len(card.sources)} sources over {len(card.nights)} runs are in {page}, which holds no "
        "personal data.",
        as_json=arguments.json,
    )
    return 0


def _reach(settings: Settings, name: str) -> Reach:
    """How far somebody may see."""
    with open_state(settings) as state:
        user = state.people.find(name)
    if user is None:
        raise TouchstoneError(f"Nobody is called {name}; `touchstone user list` names all.")
    return reach_of(user, "see", read_rule(settings.rules / "roles.toml", Rights))


def _plain(value: Any) -> Any:  # named tuples all the way down, as JSON can hold them
    if hasattr(value, "_asdict"):
        return {name: _plain(part) for name, part in value._asdict().items()}
    if isinstance(value, dict):
        keys = ((".".join(key) if isinstance(key, tuple) else key) for key in value)
        return dict(zip(keys, map(_plain, value.values()), strict=True))
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _write(
    page: Path, card: Scorecard, reach: Reach, rulebook: Rulebook, person: str | None
) -> None:
    titles = {name: feed.title for name, feed in rulebook.feeds.items()}
    write_page(
        page,
        "scorecard.html",
        card=card,
        person=person,
        is_all=reach.is_all,
        fields=[name for name in COUNTED if name in rulebook.survivorship.names()],
        of_fields=[name for name in OF_FIELDS if reach.is_all or name != "consistency"],
        says=MEASURES,
        floors={name: common_floor(some) for name, some in series_of(card.sources).items()},
        weeks=weeks_of(card),
        few_records=FEW,
        oldest=OLDEST,
        titles=titles,
        multiple=multiple,
        scaled=scaled,
        columns=columns,
        questions=QUESTIONS,
    )
