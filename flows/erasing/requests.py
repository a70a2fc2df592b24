"""Read requests for erasure from a file, and tell which customers are meant.

A row names a customer or a record, or describes a person as a feed's row does. A description is
enough where a contact value or the person's number and the name agree, an e-mail address and the
first name (few of one household share both), the same with an initial and the last name where one
customer alone has the address, or the name with the birth date or the postcode; whoever is
described by less is for a person to look at.
"""

from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from flows.beginning import read_checked_rules
from flows.erasing.erase import open_where
from flows.erasing.plan import Where
from flows.erasing.returned import standardised
from flows.rebuild import put_in_place
from rules.feed import FIELDS, Feed
from store.errors import TouchstoneError
from store.lock import one_writer
from store.settings import Settings
from transforms.erasure import EMAILS, PHONES
from transforms.identify import customer_id
from transforms.standardise.keys import MADE_OF, record_keys
from transforms.standardise.person_numbers import bare_number

_IDS = ("customer_id", "record_id", "id")
_OTHER_NAMES = {"date_of_birth": "birth_date", "dob": "birth_date", "name": "full_name"}
_NAMES = ("request_id", "request", "reference")
_MOST_NAMED = 20
"""Customers who may be meant that are named; of more than so many none is likely."""


class Request(NamedTuple):
    """One request, and whom it means."""

    name: str
    """What the request is called, or its place in the file."""
    cells: dict[str, str]
    ids: list[str]
    """The customers or records that are meant; none when that is not certain."""
    maybe: list[str]
    """Customers that may be meant."""
    why: str
    """By what they were found."""

    def told(self) -> dict[str, Any]:
        """The request without what it says of a person; `Any` is whatever JSON can hold."""
        return {"request": self.name, "ids": self.ids, "maybe": self.maybe, "why": self.why}


def read_requests(path: Path) -> list[Request]:
    """Read a CSV of requests; its columns have our names."""
    if not path.is_file():
        raise TouchstoneError(f"There is no file {path}; name a CSV of requests.")
    try:
        table = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise TouchstoneError(f"{path.name} cannot be read as CSV; save it as .csv.") from error
    table = table.rename({theirs: ours for theirs, ours in _OTHER_NAMES.items() if theirs in table})
    usable = {*_IDS, "source_key", *FIELDS} & set(table.columns)
    if not usable:
        raise TouchstoneError(
            f"{path.name} has no column that tells who is meant: customer_id, record_id, source "
            "and source_key, or full_name, email, phone, person_number, birth_date, postcode, "
            "country."
        )
    requests = []
    for place, row in enumerate(table.iter_rows(named=True), 1):
        cells = {name: text.strip() for name, text in row.items() if text and text.strip()}
        name = next((cells[key] for key in _NAMES if key in cells), f"row {place}")
        requests.append(Request(name, cells, [], [], ""))
    return requests


def resolve_requests(settings: Settings, requests: list[Request], now: datetime) -> list[Request]:
    """Tell of each request whom it means."""
    resolved = [_by_id(request) for request in requests]
    described = [place for place, one in enumerate(resolved) if not one.ids]
    if not described:
        return resolved
    with one_writer(settings.lock):
        rulebook = read_checked_rules(settings)
        put_in_place(settings)
        with open_where(settings, rulebook) as where:
            told = _describe(where, [resolved[place] for place in described], now)
    for place, request in zip(described, told, strict=True):
        resolved[place] = request
    return resolved


def _by_id(request: Request) -> Request:
    cells = request.cells
    ids = [cells[name] for name in _IDS if name in cells][:1]
    if not ids and "source" in cells and "source_key" in cells:
        ids = [f"{cells['source']}:{cells['source_key']}"]
    return request._replace(ids=ids, why="by its id" if ids else "")


def _describe(where: Where, requests: list[Request], now: datetime) -> list[Request]:
    """Compare what requests say with all records."""
    fields = [name for name in FIELDS if any(name in one.cells for one in requests)]
    table = pl.DataFrame(
        [[one.cells.get(name) for name in fields] for one in requests],
        schema=dict.fromkeys(fields, pl.String),
        orient="row",
    ).with_row_index("row_number")
    rows = standardised(
        table.cast({"row_number": pl.Int64}), _form(fields), where.rulebook.lookups, now
    )
    records = _records(where)
    found = pl.concat(_agreeing(rows, records)).unique()
    certain = found.filter("is_certain")
    return [
        _meant(request, certain.filter(number=place), found.filter(number=place))
        for place, request in enumerate(requests)
    ]


def _meant(request: Request, certain: pl.DataFrame, found: pl.DataFrame) -> Request:
    ids = certain["customer_id"].unique().sort().to_list()
    maybe = [name for name in found["customer_id"].unique().sort() if name not in ids]
    by = set(certain["why"])
    why = ", ".join(sorted(by - {"email and first name"} if "email and name" in by else by))
    return request._replace(ids=ids, maybe=[] if ids else maybe[:_MOST_NAMED], why=why)


def _form(fields: list[str]) -> Feed:
    """A feed whose rows are requests."""
    return Feed.model_validate(
        {
            "source": "requests",
            "title": "Requests for erasure",
            "channel": "direct_entry",
            "owner": "-",
            "trust": 0,
            "read": {"format": "csv", "path": "-"},
            "columns": {name: name for name in fields},
        }
    )


def _records(where: Where) -> pl.DataFrame:
    """What every version of every record in a cluster is compared by."""
    fields = ", ".join(f"s.{name}" for name in MADE_OF)
    records = where.warehouse.read(
        f"select x.founder, {fields}, s.birth_date, s.person_number, s.phone_key, s.phone_2_key "
        "from cluster.crosswalk x join std.records s using (record_number)"
    )
    keyed = record_keys(records, where.rulebook.lookups)
    return keyed.with_columns(customer_id=customer_id(pl.col("founder")))


def _agreeing(rows: pl.DataFrame, records: pl.DataFrame) -> list[pl.DataFrame]:
    """Where a request and a record agree: number, customer_id, why, is_certain."""
    name = ["last_key", "first_root"]
    found = []
    for kind, columns in (("email", EMAILS), ("phone", PHONES)):
        found += [
            _joined(rows, records, {mine: theirs}, name, f"{kind} and name")
            for mine in columns
            for theirs in columns
        ]
        found += [
            _joined(rows, records, {mine: theirs}, [], kind, is_certain=False)
            for mine in columns
            for theirs in columns
        ]
    found += [
        _joined(rows, records, {mine: theirs}, ["first_root"], "email and first name")
        for mine in EMAILS
        for theirs in EMAILS
    ]
    found += [_by_initial(rows, records, mine, theirs) for mine in EMAILS for theirs in EMAILS]
    same = {"number_bare": "number_bare"}
    found.append(_joined(_numbered(rows), _numbered(records), same, name, "person number and name"))
    for other in ("birth_date", "postcode"):
        found.append(_joined(rows, records, {other: other}, name, f"name and {other}"))
    country = pl.col("country") == pl.col("theirs")
    of_name = rows.select("number", "country", *name).join(
        records.select("customer_id", *name, theirs="country"), on=name
    )
    found.append(
        of_name.filter(country.fill_null(value=True)).select(
            "number", "customer_id", why=pl.lit("name"), is_certain=pl.lit(value=False)
        )
    )
    return found


def _numbered(records: pl.DataFrame) -> pl.DataFrame:
    return records.with_columns(number_bare=bare_number(pl.col("person_number")))


def _by_initial(rows: pl.DataFrame, records: pl.DataFrame, mine: str, theirs: str) -> pl.DataFrame:
    """As `_agreeing`: an e-mail address of one customer alone, the last name and an initial."""
    alone = records.filter(pl.col("customer_id").n_unique().over(theirs) == 1)
    both = rows.select("number", mine, "last_key", "first_key").join(
        alone.select("customer_id", theirs, "last_key", other="first_key"),
        left_on=[mine, "last_key"],
        right_on=[theirs, "last_key"],
    )
    one, other = pl.col("first_key"), pl.col("other")
    is_initial = pl.min_horizontal(one.str.len_chars(), other.str.len_chars()) == 1
    return both.filter(is_initial & (one.str.head(1) == other.str.head(1))).select(
        "number",
        "customer_id",
        why=pl.lit("email, last name and initial"),
        is_certain=pl.lit(value=True),
    )


def _joined(
    rows: pl.DataFrame,
    records: pl.DataFrame,
    same: dict[str, str],
    also: list[str],
    why: str,
    *,
    is_certain: bool = True,
) -> pl.DataFrame:
    mine, theirs = [*same, *also], [*same.values(), *also]
    both = rows.select("number", *mine).join(
        records.select("customer_id", *theirs), left_on=mine, right_on=theirs
    )
    return both.select(
        "number", "customer_id", why=pl.lit(why), is_certain=pl.lit(value=is_certain)
    )
