# ruff: noqa: E501, PLW0108 - a table: one kind a line, its content made when it is asked for
"""Deliveries made to hurt, of the kinds that people and partners send by mistake or by intent.

Each kind says what may come of it: rows read and rows rejected, or a refusal of the whole. The
tests read them small; `make fuzz` damages them at random, and `kinds(1)` makes them at full size.
"""

import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, NamedTuple

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from rules.feed import Format

COLUMNS = (
    "external_id",
    "first_name",
    "last_name",
    "email",
    "phone",
    "date_of_birth",
    "address",
    "city",
    "postcode",
    "country",
)
REFUSED = None
"""The delivery is held whole, with a reason."""

Outcome = tuple[int, int] | None
"""Rows read and rows rejected."""


class Kind(NamedTuple):
    """A file that hurts, and what may come of it."""

    name: str
    file: str
    format: Format
    content: Callable[[], bytes]
    allowed: tuple[Outcome, ...]
    says: str = ""
    """What the notes or the reason must say."""
    read: dict[str, Any] = {}  # noqa: RUF012 - never changed


def row(number: int, **cells: str) -> list[str]:
    """One good row, with other values where they are given."""
    good = {
        "external_id": f"H{number:06d}",
        "first_name": ("Ann", "José", "Łucja", "Ümit")[number % 4],
        "last_name": ("Miller", "Núñez", "Weiß", "Çelik")[number % 4],
        "email": f"person{number}@mail.example.org",
        "phone": f"+4420794{60000 + number % 40000}",
        "date_of_birth": f"19{40 + number % 60}-0{1 + number % 9}-1{number % 10}",
        "address": f"{number} High Street",
        "city": "London",
        "postcode": "N2 1AB",
        "country": "GB",
    }
    return list((good | cells).values())


def rows(count: int) -> list[list[str]]:
    """So many good rows."""
    return [row(number) for number in range(1, count + 1)]


def lines(body: Sequence[Sequence[str]], delimiter: str = ",", end: str = "\n") -> str:
    """A CSV of these rows below the header; cells that need it are quoted."""
    return "".join(line(cells, delimiter) + end for cells in [COLUMNS, *body])


def line(cells: Sequence[str], delimiter: str = ",") -> str:
    """One line of a CSV."""
    return delimiter.join(_quoted(cell, delimiter) for cell in cells)


def kinds(scale: float = 0.02) -> list[Kind]:
    """Every kind; at a scale of 1 as large as a run must bear."""
    return [
        *_bytes(scale),
        *_structure(scale),
        *_values(scale),
        *_json(scale),
        *_workbooks(),
        *_packed(scale),
    ]


def _bytes(scale: float) -> list[Kind]:
    text = lines(rows(20))
    double = lines(rows(5)).encode().decode("cp1252", "ignore").encode()
    overlong = lines(rows(5)).encode().replace(b"London", b"Lo\xc0\xae\xc0\xaendon", 1)
    return [
        _csv("utf-32 with its mark", lambda: text.encode("utf-32"), (20, 0), says="utf-32"),
        _csv(
            "utf-32 without a mark", lambda: text.encode("utf-32-le"), (20, 0), REFUSED, says="utf"
        ),
        _csv("utf-16 without a mark", lambda: text.encode("utf-16-le"), (20, 0), says="utf-16-le"),
        _csv("utf-16 of the other order", lambda: text.encode("utf-16-be"), (20, 0), says="utf-16"),
        _csv(
            "utf-16 cut in half a character", lambda: text.encode("utf-16")[:-1], REFUSED, (19, 1)
        ),
        _csv("overlong utf-8", lambda: overlong, (4, 1), (5, 0)),
        _csv("utf-8 read as cp1252 twice", lambda: double, (5, 0)),
        _csv("cp1250", lambda: lines(rows(40)).encode("cp1250", "replace"), (40, 0), says="cp125"),
        _csv("latin-1 with one strange byte", lambda: _strange(), (19, 1), (20, 0)),
        _csv("a mark and a mark again", lambda: b"\xef\xbb\xbf" * 2 + text.encode(), (20, 0)),
        _csv(
            "a mark and record separators",
            lambda: b"\xef\xbb\xbf" + text.replace("London", "Lon\x1edon\u2028").encode(),
            (20, 0),
        ),
        _csv("carriage returns only", lambda: text.replace("\n", "\r").encode(), (20, 0)),
        _csv("an end-of-file character", lambda: text.encode() + b"\x1a", (20, 0), (20, 1)),
        _csv("nothing but a mark", lambda: b"\xef\xbb\xbf", REFUSED),
        _csv("random bytes", lambda: random.Random(1).randbytes(5000), REFUSED),
        _csv("an lz4 archive", lambda: b"\x04\x22\x4d\x18" + b"x" * 600, REFUSED, says="lz4"),
        _csv(
            "a tar archive",
            lambda: b"a.csv".ljust(257, b"0") + b"ustar" + text.encode(),
            REFUSED,
            says="tar",
        ),
        _csv("an old workbook", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, REFUSED),
        _csv("a web page", lambda: b"<html><body><table><tr><td>1</td></tr></table>", REFUSED),
        _csv(
            "bytes that are no text far down",
            lambda: (
                lines(rows(3000)) + "\x00\x01\x02\x03" * 50 + "\n" + line(row(9)) + "\n"
            ).encode(),
            (3001, 1),
        ),
    ]


def _structure(scale: float) -> list[Kind]:
    good = lines(rows(20))
    body = good.split("\n", 1)[1]
    wide = int(1_000_000 * scale)
    header = ",".join(COLUMNS)
    switched = lines(rows(10)) + "".join(line(row(n), ";") + "\n" for n in range(11, 21))
    stray = good.replace("9 High Street", '9 "High" Street')
    return [
        _csv("no header", lambda: body.encode(), REFUSED),
        _csv("only a header", lambda: (header + "\n").encode(), (0, 0)),
        _csv("a header without an end", lambda: header.encode(), (0, 0)),
        _csv("a header of other capitals", lambda: _header(good, str.upper), REFUSED, (20, 0)),
        _csv(
            "a header with spaces", lambda: _header(good, lambda s: s.replace(",", " , ")), (20, 0)
        ),
        _csv(
            "a header in quotes",
            lambda: good.replace(header, _all_quoted(COLUMNS), 1).encode(),
            (20, 0),
        ),
        _csv(
            "a header over two lines",
            lambda: good.replace("date_of_birth", '"date_of_birth\n"', 1).encode(),
            (20, 0),
            REFUSED,
        ),
        _csv("columns in another order", lambda: _reordered(20), (20, 0)),
        _csv("stray quotes", lambda: stray.encode(), (18, 2), (20, 0), (19, 1)),
        _csv(
            "a quote that never closes",
            lambda: (good + '"' + line(row(21)) + "\n" + body).encode(),
            (40, 1),
        ),
        _csv(
            "quoted line ends",
            lambda: lines([row(1, address="1 High\r\nStreet\n"), *rows(5)[1:]]).encode(),
            (5, 0),
        ),
        _csv("a delimiter that switches", lambda: switched.encode(), (10, 10)),
        _csv("sep=;", lambda: b"sep=;\r\n" + lines(rows(20), ";", "\r\n").encode(), (20, 0)),
        _csv(
            "sep=; in UTF-16",
            lambda: ("sep=;\r\n" + lines(rows(20), ";")).encode("utf-16"),
            (20, 0),
        ),
        _csv("repeated headers", lambda: (good + header + "\n" + body).encode(), (40, 1)),
        _csv("totals", lambda: (good + "Total,20,,,,,,,,\n").encode(), (20, 1), (21, 0), (20, 0)),
        _csv("a total in another shape", lambda: (good + "Total: 20 rows\n").encode(), (20, 1)),
        _csv("blank lines", lambda: good.replace("\n", "\n\n").encode(), (20, 20), (20, 21)),
        _csv(
            "a row of a million columns",
            lambda: (good + "x," * wide + "\n" + body).encode(),
            (40, 1),
        ),
        _csv(
            "a header of a million columns",
            lambda: (",".join(f"c{n}" for n in range(wide)) + "\n").encode(),
            REFUSED,
            says="column",
        ),
        _csv(
            "a field of 10 MB",
            lambda: lines([row(1, address="x" * int(10e6 * scale)), *rows(5)[1:]]).encode(),
            (4, 1),
        ),
        _csv(
            "a line of 20 MB",
            lambda: (good + "x" * int(20e6 * scale) + "\n" + body).encode(),
            (40, 1),
        ),
        _csv("one line of 20 MB and nothing else", lambda: b"x" * int(20e6 * scale), REFUSED),
        _csv(
            "quotes without end",
            lambda: (good + '"' * int(2e6 * scale + 1) + "\n" + body).encode(),
            (40, 1),
        ),
        _csv(
            "every row opens a quote",
            lambda: _open_quotes(int(100_000 * scale)),
            (0, int(100_000 * scale)),
            REFUSED,
        ),
    ]


def _values(scale: float) -> list[Kind]:
    many = int(100_000 * scale)
    shared = [row(n, email="all@mail.example.org") for n in range(1, many + 1)]
    nasty = [
        row(1, last_name="Robert'); DROP TABLE records;--"),
        row(2, last_name="<script>alert(1)</script>", first_name="{{7*7}}${7*7}"),
        row(3, first_name="=cmd|' /C calc'!A0"),
        row(4, external_id="0000042", phone="0044 20 7946 0004", postcode="01234"),
        row(5, external_id="42", postcode="1234"),
    ]
    return [
        _csv("100,000 rows with one e-mail", lambda: lines(shared).encode(), (many, 0)),
        _csv("injections and leading zeros", lambda: lines(nasty).encode(), (5, 0)),
        _csv(
            "numbers of every spelling",
            lambda: lines([row(1, phone="4.47912E+11"), row(2, phone="1e999999")]).encode(),
            (2, 0),
        ),
    ]


def _json(scale: float) -> list[Kind]:
    deep = int(1_000_000 * scale)
    post = {"id": "q1", "customer": {"name": "Person", "email": "q1@example.org"}}
    good = [post | {"id": f"q{n}"} for n in range(10)]
    wrapped = json.dumps({"records": good})
    wrong = [
        {"id": 7, "customer": {"name": ["Ann", "Lee"], "email": {"a": 1}}},
        {"id": 12345678901234567890123, "customer": "Ann"},
        {"id": None, "customer": {"name": 1.10, "email": True}},
        "text", 7, None, [1, 2], [],
    ]  # fmt: skip
    ndjson = "".join(json.dumps(one) + "\n" for one in good)
    bad_depth = '{"id": "d", "customer": ' + '{"a":' * deep + "1" + "}" * deep + "}\n"
    return [
        _ndj("deep nesting", lambda: (ndjson + bad_depth + ndjson).encode(), (20, 1)),
        _ndj("deep lists", lambda: (ndjson + "[" * deep + "]" * deep + "\n").encode(), (10, 1)),
        _ndj("wrong types", lambda: "".join(json.dumps(one) + "\n" for one in wrong).encode(), (3, 5), (2, 6)),
        _ndj("a mark and record separators", lambda: b"\xef\xbb\xbf" + "".join("\x1e" + json.dumps(one) + "\n" for one in good).encode(), (10, 0)),
        _ndj("no end to a number", lambda: (ndjson + '{"id": ' + "9" * int(200_000 + 5e6 * scale) + "}\n").encode(), (10, 1)),
        _ndj("a line of 20 MB", lambda: (ndjson + '{"id": "' + "9" * int(20e6 * scale) + '"}\n').encode(), (10, 1)),
        _ndj("a hundred thousand keys", lambda: (ndjson + json.dumps({f"k{n}": n for n in range(int(1e5 * scale) + 600)}) + "\n").encode(), (10, 1)),
        _ndj("a new key in each line", lambda: "".join(json.dumps({"id": str(n), f"k{n}": 1}) + "\n" for n in range(3000)).encode(), REFUSED, says="column"),
        _ndj("not a number", lambda: b'{"id": NaN, "customer": {"name": Infinity}}\n' + ndjson.encode(), (11, 0), (10, 1)),
        _ndj("utf-16", lambda: ndjson.encode("utf-16"), (10, 0)),
        _doc("a document twice", lambda: (wrapped + wrapped).encode(), REFUSED),
        _doc("a document with two arrays of records", lambda: (b'{"records": [{"id": "a"}], "records": [{"id": "b"}]}'), REFUSED),
        _doc("a document cut off", lambda: wrapped[: len(wrapped) * 2 // 3].encode(), REFUSED, says="cut off"),
        _doc("a document cut in a character", lambda: json.dumps({"records": [{"id": "ü" * 9}]}, ensure_ascii=False).encode()[:-9], REFUSED),
        _doc("a document of other records", lambda: b'{"records": {"id": "a"}}', REFUSED),
        _doc("a document deep down", lambda: ('{"records": [{"id": ' + "[" * deep + "]" * deep + "}]}").encode(), REFUSED, (0, 1)),
        _doc("brackets without end", lambda: b"[" * deep, REFUSED),
        _doc("one key in two values", lambda: json.dumps({"records": [post, post | {"customer": {"name": "Other"}}]}).encode(), (2, 0)),
    ]  # fmt: skip


def _workbooks() -> list[Kind]:
    return [
        _book("1904 dates", lambda: workbook(rows(5), date_1904=True), (5, 0)),
        _book("a header in row 7", lambda: workbook(rows(5), header_row=7), (5, 0)),
        _book("a summary in the first sheet", lambda: workbook(rows(5), summary=True), (5, 0)),
        _book("HTML named .xls", lambda: b"<html><table><tr><td>external_id</td></tr></table></html>", REFUSED, says="web page"),
        _book("XML of a spreadsheet", lambda: b'<?xml version="1.0"?><Workbook/>', REFUSED),
        _book("a zip that is no workbook", lambda: _zipped({"readme.txt": b"hello"}), REFUSED),
        _book("a workbook cut off", lambda: workbook(rows(50))[:-400], REFUSED),
        _book("no rows", lambda: workbook([]), (0, 0)),
        _book("nothing at all", lambda: _empty_book(), REFUSED),
        _book("numbers that were phones", lambda: workbook([row(1, phone="4.47912E+11"), row(2)]), (2, 0)),
    ]  # fmt: skip


def _packed(scale: float) -> list[Kind]:
    size = int(3e9 * scale)
    good = lines(rows(20)).encode()
    table = pl.DataFrame(rows(2000), schema=list(COLUMNS), orient="row")
    parquet = io.BytesIO()
    table.write_parquet(parquet, compression="zstd")
    whole = parquet.getvalue()
    corrupt = whole[:500] + bytes(256 - byte for byte in whole[500:600] if byte) + whole[600:]
    return [
        _csv("a gzip bomb", lambda: _gzipped_zeros(size, b"x"), REFUSED, file="b.csv.gz"),
        _csv("a gzip bomb of lines", lambda: _gzipped_zeros(size, b"a,b\n"), REFUSED, (0, size // 4 // 262144 * 262144 - 1), file="b.csv.gz"),
        _csv("a gzip in a gzip in a gzip", lambda: gzip.compress(gzip.compress(gzip.compress(good))), REFUSED, file="b.csv.gz"),
        _csv("two gzips in one", lambda: gzip.compress(good) + gzip.compress(good.split(b"\n", 1)[1]), (40, 0), file="b.csv.gz"),
        _csv("rubbish after a gzip", lambda: gzip.compress(good) + b"rubbish", REFUSED, (20, 0), file="b.csv.gz"),
        _csv("a zip bomb", lambda: _zipped({"a.csv": b"x" * size}), REFUSED, file="b.csv.zip"),
        _csv("a zip in a zip", lambda: _zipped({"a.zip": _zipped({"a.csv": good})}), REFUSED, (20, 0), file="b.zip"),
        _csv("a path out of the zip", lambda: _zipped({"../../../tmp/PWNED.csv": good}), (20, 0), REFUSED, file="b.zip"),
        _csv("an empty zip", lambda: _zipped({}), REFUSED, file="b.zip"),
        _csv("two files in a zip", lambda: _zipped({"a.csv": good, "b.csv": good}), REFUSED, file="b.zip"),
        _csv("a zip cut off", lambda: _zipped({"a.csv": good})[:-40], REFUSED, file="b.zip"),
        Kind("corrupt parquet pages", "p.parquet", "parquet", lambda: corrupt, (REFUSED,)),
        Kind("parquet without its end", "p.parquet", "parquet", lambda: whole[:-100], (REFUSED,)),
        Kind("parquet of the wrong types", "p.parquet", "parquet", _odd_parquet, ((3, 0),)),
        Kind("a parquet bomb", "p.parquet", "parquet", lambda: _parquet_bomb(scale), (REFUSED, (0, 4000), (4000, 0))),
        Kind("values that rows share in parquet", "p.parquet", "parquet", lambda: _shared_parquet(), (REFUSED,), "unpacked"),
        Kind("rows of nothing in parquet", "p.parquet", "parquet", lambda: _parquet_of(pa.nulls(70_000_000, pa.string())), (REFUSED,), "unpacked"),
        Kind("more columns than any feed has in parquet", "p.parquet", "parquet", lambda: _columns_parquet(600), (REFUSED,), "600 columns"),
        Kind("a csv named parquet", "p.parquet", "parquet", lambda: good, (REFUSED,)),
    ]  # fmt: skip


def workbook(
    body: Sequence[Sequence[str]],
    *,
    header_row: int = 1,
    date_1904: bool = False,
    summary: bool = False,
) -> bytes:
    """An XLSX of these rows, birth dates as real dates."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True, "date_1904": date_1904}) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        if summary:
            sheet = book.add_worksheet("Summary")
            sheet.write_row(0, 0, ["Rows", "Made"])
            sheet.write_row(1, 0, [len(body), "today"])
        sheet = book.add_worksheet("Contacts")
        if header_row > 1:
            sheet.write(0, 0, "Contacts of the spring fair")
        sheet.write_row(header_row - 1, 0, COLUMNS)
        for index, cells in enumerate(body):
            sheet.write_row(header_row + index, 0, cells)
            sheet.write_datetime(header_row + index, 5, date.fromisoformat(cells[5]), day)
    return target.getvalue()


def _csv(
    name: str,
    content: Callable[[], bytes],
    *allowed: Outcome,
    says: str = "",
    file: str = "h.csv",
) -> Kind:
    return Kind(name, file, "csv", content, allowed, says)


def _ndj(name: str, content: Callable[[], bytes], *allowed: Outcome, says: str = "") -> Kind:
    return Kind(name, "h.jsonl", "ndjson", content, allowed, says)


def _doc(name: str, content: Callable[[], bytes], *allowed: Outcome, says: str = "") -> Kind:
    return Kind(name, "h.json", "json", content, allowed, says, {"records": "records"})


def _book(name: str, content: Callable[[], bytes], *allowed: Outcome, says: str = "") -> Kind:
    return Kind(name, "h.xlsx", "xlsx", content, allowed, says)


def _quoted(cell: str, delimiter: str) -> str:
    needs = any(mark in cell for mark in (delimiter, '"', "\n", "\r"))
    return '"' + cell.replace('"', '""') + '"' if needs else cell


def _all_quoted(cells: Sequence[str]) -> str:
    return ",".join(f'"{cell}"' for cell in cells)


def _header(text: str, change: Callable[[str], str]) -> bytes:
    head, rest = text.split("\n", 1)
    return f"{change(head)}\n{rest}".encode()


def _reordered(count: int) -> bytes:
    turned = [list(reversed(cells)) for cells in [list(COLUMNS), *rows(count)]]
    return "".join(line(cells) + "\n" for cells in turned).encode()


def _strange() -> bytes:
    text = lines([row(n, first_name="Jos\xe9", last_name="Miller") for n in range(20)])
    return text.encode("latin-1").replace(b"High", b"Hi\x81gh", 1)


def _open_quotes(count: int) -> bytes:
    return (",".join(COLUMNS) + "\n" + ('"a,b,c\n' * count)).encode()


def _gzipped_zeros(size: int, piece: bytes) -> bytes:
    target = io.BytesIO()
    block = piece * ((1 << 20) // len(piece))
    with gzip.GzipFile(fileobj=target, mode="wb", compresslevel=6) as packed:
        for _ in range(size >> 20):
            packed.write(block)
    return target.getvalue()


def _shared_parquet() -> bytes:
    """Each of many rows has the same long value, which is kept once."""
    longest = pa.array(["x" * 50_000])
    indices = pa.array([0] * 2_000, pa.int32())
    return _parquet_of(pa.DictionaryArray.from_arrays(indices, longest))


def _columns_parquet(count: int) -> bytes:
    target = io.BytesIO()
    pl.DataFrame({f"c{number}": ["1"] for number in range(count)}).write_parquet(target)
    return target.getvalue()


def _parquet_of(values: pa.Array) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table({"external_id": values}), target)
    return target.getvalue()


def _zipped(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def _empty_book() -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        book.add_worksheet("Empty")
    return target.getvalue()


def _odd_parquet() -> bytes:
    frame = pl.DataFrame(
        {
            "external_id": [1, 2, 3],
            "first_name": [b"Ann", b"\xff", None],
            "last_name": [[1, 2], [], None],
            "email": [True, False, None],
            "phone": [4.47911e11, float("nan"), float("inf")],
        }
    )
    target = io.BytesIO()
    frame.write_parquet(target)
    return target.getvalue()


def _parquet_bomb(scale: float) -> bytes:
    """One value, repeated by dictionary until it is gigabytes."""
    value = "x" * int(1e6 * scale)
    target = io.BytesIO()
    pl.DataFrame({"external_id": pl.repeat(value, 4000, eager=True)}).write_parquet(target)
    return target.getvalue()
