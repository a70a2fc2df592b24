"""Put records into the files of each source: its columns, its dates, its quirks.

Each writer gives the bytes of a delivery and, for every record in order, the row number at which
a reader finds it: the row of a text file with header and preamble counted (a cell of several
lines is in one row), the sheet's row of a workbook, the position of a record in Parquet.
"""

import csv
import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from io import BytesIO, StringIO
from typing import Any, NamedTuple

import polars as pl
import xlsxwriter  # type: ignore[import-untyped]

from demo.people import PLACES
from demo.records import Record

MADE = datetime(2026, 3, 1)
"""When every workbook says it was made, so that the same seed gives the same bytes."""

WEB_FIELDS = ("first_name", "last_name", "email", "phone", "city", "postcode", "country")
EXPO_HEADER = "Name;Company;Position;E-Mail;Phone;Street;ZIP;City;Country;Interest"
BETA_HEADER = (
    "op,policyholder_id,title,forename,middle,surname,date_of_birth,email,telephone,mobile,"
    "address_1,town,county,postcode,country,marketing_email,marketing_phone,changed_on"
)
DESK_HEADER = "entry,taken_at,clerk,customer,born,telephone,e_mail,address,country,news,remarks"
WEBINAR_HEADER = ["First Name", "Last Name", "Email", "Phone", "Company", "Job Title", "Country",
    "Registered", "Minutes", "Newsletter"]  # fmt: skip
ALPHA_TYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    "member_no": pl.String, "given_name": pl.String, "family_name": pl.String,
    "dob": pl.Date, "gender": pl.String, "email_primary": pl.String, "email_secondary": pl.String,
    "mobile": pl.String, "landline": pl.String, "street": pl.String, "town": pl.String,
    "state": pl.String, "postal_code": pl.String, "country_code": pl.String,
    "email_opt_in": pl.Boolean, "sms_opt_in": pl.Boolean, "points": pl.Int64, "tier": pl.String,
    "updated": pl.Datetime("ms"),
}  # fmt: skip


class Written(NamedTuple):
    """A delivery, and the row number of each of its records."""

    content: bytes
    row_numbers: list[int]


def web_signup(records: Sequence[Record]) -> Written:
    """NDJSON, one form a line; a field left empty is absent, sometimes an empty string."""
    lines = [
        row.raw if row.raw is not None else json.dumps(_form(row), ensure_ascii=False)
        for row in records
    ]
    return Written(_lines(lines, "\n").encode(), list(range(1, len(lines) + 1)))


def expo_leads(records: Sequence[Record], extra_column: bool = False) -> Written:
    """Semicolons, cp1252, `LAST, First`; a line before the header and a total after the rows."""
    tail = ";LinkedIn" if extra_column else ""
    lines = ["Expo Frankfurt 2026 – leads of stand 4.1 B20", EXPO_HEADER + tail]
    for row in records:
        cells = _lead(row) + (["in/lead"] if extra_column else [])
        lines.append(_csv_line(cells, ";") if row.raw is None else row.raw)
    lines.append(f"Total: {len(records)} leads")
    return Written(
        _lines(lines, "\r\n").encode("cp1252", "replace"), list(range(3, len(records) + 3))
    )


def webinar(records: Sequence[Record]) -> Written:
    """Workbook of two sheets; the header is in row 3 of the second, some phones are numbers."""
    buffer = BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    book.set_properties({"title": "Webinar registrations", "created": MADE})
    book.add_worksheet("Summary").write_row(0, 0, ["Registrations", len(records)])
    sheet = book.add_worksheet("Registrations")
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    sheet.write_string(0, 0, "Registrations: five questions before you insure a shop")
    sheet.write_row(2, 0, WEBINAR_HEADER)
    for at, row in enumerate(records, start=3):
        for column, value in enumerate(_registration(row)):
            if isinstance(value, datetime):
                sheet.write_datetime(at, column, value, moment)
            elif isinstance(value, int):
                sheet.write_number(at, column, value)
            elif value:
                sheet.write_string(at, column, value)
    book.close()
    return Written(buffer.getvalue(), list(range(4, len(records) + 4)))


def alpha_loyalty(records: Sequence[Record]) -> Written:
    """Parquet with types: dates, booleans and numbers are not text."""
    rows = [_member(row) for row in records]
    buffer = BytesIO()
    pl.DataFrame(rows, schema=ALPHA_TYPES, orient="row").write_parquet(buffer)
    return Written(buffer.getvalue(), list(range(1, len(rows) + 1)))


def beta_insurance(records: Sequence[Record]) -> Written:
    """Comma and UTF-8; the first column says upsert or delete, a deleted row has only its key."""
    return _csv_file(BETA_HEADER, records, _policyholder)


def front_desk(records: Sequence[Record]) -> Written:
    """Comma and UTF-8; the whole name in one cell, the whole address in another, free remarks."""
    return _csv_file(DESK_HEADER, records, _desk_entry)


LAYOUTS: dict[str, Callable[[Sequence[Record]], Written]] = {
    "alpha_loyalty": alpha_loyalty,
    "beta_insurance": beta_insurance,
    "expo_leads": expo_leads,
    "front_desk": front_desk,
    "web_signup": web_signup,
    "webinar": webinar,
}
"""What each source's files look like."""


def _form(row: Record) -> dict[str, Any]:
    values = row.values
    blank = "" if (values["updated_at"][-1] in "05") else None
    fields: dict[str, Any] = {name: values.get(name, blank) for name in WEB_FIELDS}
    fields["birthday"] = values.get("birth_date")
    form: dict[str, Any] = {} if row.key is None else {"submission_id": row.key}
    form |= {
        "submitted_at": values["updated_at"] + "Z",
        "form": values.get("form", "newsletter"),
        "fields": {name: value for name, value in fields.items() if value is not None},
    }
    if "consent_email" in values:
        consent = {"email": values["consent_email"] == "true", "wording": "v3"}
        form["consent"] = consent | {"phone": values.get("consent_phone") == "true"}
    if _digit(row) % 3:
        form["utm"] = {"campaign": "spring-2026" if _digit(row) % 2 else "renewals"}
        form["utm"] |= {"source": "newsletter", "medium": "email"}
    return form


def _lead(row: Record) -> list[str]:
    values = row.values
    last, first = values.get("last_name", ""), values.get("first_name", "")
    name = f"{last.upper()}, {first}" if last else first
    get = values.get
    return [
        name, get("company", ""), get("job_title", ""), get("email", ""), get("phone", ""),
        get("address", ""), get("postcode", ""), get("city", ""), _country(row), "B2B",
    ]  # fmt: skip


def _registration(row: Record) -> list[str | int | datetime]:
    get = row.values.get
    phone: str | int = get("phone", "")
    if isinstance(phone, str) and phone.removeprefix("+").isdigit() and phone.startswith("+"):
        phone = int(phone)
    at = datetime.fromisoformat(row.values["updated_at"]).replace(second=0)
    opted = {"true": "Yes", "false": "No"}.get(get("consent_email", ""), "")
    return [
        get("first_name", ""), get("last_name", ""), get("email", ""), phone, get("company", ""),
        get("job_title", ""), _country(row), at, at.minute, opted,
    ]  # fmt: skip


def _member(row: Record) -> list[Any]:
    get = row.values.get
    born = get("birth_date")
    opted = {"true": True, "false": False}
    return [
        row.key, get("first_name"), get("last_name"), date.fromisoformat(born) if born else None,
        get("gender"), get("email"), get("email_2"), get("phone"), get("phone_2"), get("address"),
        get("city"), get("region"), get("postcode"), get("country"),
        opted.get(get("consent_email", "")), opted.get(get("consent_phone", "")),
        _digit(row) * 130, "gold" if _digit(row) == 7 else "basic",
        datetime.fromisoformat(row.values.get("updated_at", MADE.isoformat())),
    ]  # fmt: skip


def _policyholder(row: Record) -> list[str]:
    if row.operation == "delete":
        return ["delete", row.key or "", *[""] * (BETA_HEADER.count(",") - 1)]
    get = row.values.get
    opted = {"true": "Y", "false": "N"}
    at = datetime.fromisoformat(row.values["updated_at"])
    return [
        row.operation, row.key or "", get("title", ""), get("first_name", ""),
        get("middle_name", ""), get("last_name", ""), _day_first(row), get("email", ""),
        get("phone_2", ""), get("phone", ""), get("address", ""), get("city", ""),
        get("region", ""), get("postcode", ""), get("country", ""),
        opted.get(get("consent_email", ""), ""), opted.get(get("consent_phone", ""), ""),
        f"{at:%d/%m/%Y %H:%M}",
    ]  # fmt: skip


def _desk_entry(row: Record) -> list[str]:
    get = row.values.get
    title = get("title", "") if _digit(row) % 2 else ""
    name = [title, get("first_name", ""), get("middle_name", ""), get("last_name", "")]
    home = [get("address", ""), get("city", ""), get("postcode", "")]
    born = _day_first(row).replace("/", ".") if _digit(row) % 3 else _day_first(row)
    opted = {"true": "yes", "false": "no"}
    at = datetime.fromisoformat(row.values["updated_at"])
    return [
        row.key or "", f"{at:%Y-%m-%d %H:%M}", "mt" if _digit(row) % 2 else "jp",
        " ".join(filter(None, name)), born, get("phone", ""), get("email", ""),
        ", ".join(home) if get("address") else "", _country(row),
        opted.get(get("consent_email", ""), ""), get("note", _remark(row)),
    ]  # fmt: skip


def _remark(row: Record) -> str:
    remarks = {3: 'said "call after six"', 5: "line one\nline two, with a comma", 7: "card; new"}
    return remarks.get(_digit(row), "")


def _day_first(row: Record) -> str:
    born = row.values.get("birth_date")
    return f"{date.fromisoformat(born):%d/%m/%Y}" if born else ""


def _country(row: Record) -> str:
    """Name the country as people do, not always in the same words."""
    country = row.values.get("country")
    if not country:
        return ""
    written: list[str] = PLACES[country]["written_as"]
    return written[_digit(row) % len(written)]


def _digit(row: Record) -> int:
    """Something between 0 and 9 that stays the same for a record."""
    return sum(map(ord, row.key or row.values.get("email", ""))) % 10


def _csv_file(
    header: str, records: Sequence[Record], cells: Callable[[Record], list[str]]
) -> Written:
    text, numbers = header + "\n", []
    for number, row in enumerate(records, start=2):  # a cell of several lines is in one row
        written = row.raw if row.raw is not None else _csv_line(cells(row), ",")
        numbers.append(number)
        text += written + "\n"
    return Written(text.encode(), numbers)


def _csv_line(cells: list[str], delimiter: str) -> str:
    buffer = StringIO()
    csv.writer(buffer, delimiter=delimiter, lineterminator="").writerow(cells)
    return buffer.getvalue()


def _lines(lines: list[str], end: str) -> str:
    return "".join(line + end for line in lines)
