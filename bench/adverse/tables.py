# ruff: noqa: E501 - a table: one kind a line, its content made when it is asked for
"""Hostile JSON, workbooks and Parquet."""

import datetime
import io
import json
import random
import struct
import zipfile
from decimal import Decimal
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from bench.adverse.kind import REFUSED, Kind, repeated, texted, written, zipped
from tests.hostile import COLUMNS, lines, row, rows, workbook

MB = 1 << 20


def table_kinds() -> list[Kind]:
    """Every kind of hostile JSON, XLSX and Parquet, at full size."""
    return [*_posts(), *_documents(), *_workbooks(), *_parquets()]


def post(number: int, **fields: Any) -> dict[str, Any]:
    """One good post of a web form; `Any` is whatever JSON can hold."""
    return {
        "submission_id": f"P{number:06d}",
        "form": {"page": "contact"},
        "submitted_at": "2025-05-01T10:00:00Z",
        "fields": {"email": f"p{number}@mail.example.org", "first_name": "Ann", "last_name": f"Lee{number}", "phone": "+442079460001"} | fields,
        "consent": {"marketing_email": True},
    }  # fmt: skip


def partner(number: int, **more: Any) -> dict[str, Any]:
    """One good record of a partner."""
    return {
        "id": f"B{number:05d}", "status": "active", "lastModified": 1748700000000 + number,
        "customer": {"name": f"Ann Lee{number}", "email": f"b{number}@mail.example.org", "tel": "+442079460001"},
        "consents": {"email": True},
    } | more  # fmt: skip


def posts(count: int = 10) -> str:
    """So many good posts, one a line."""
    return "".join(json.dumps(post(number)) + "\n" for number in range(count))


def _posts() -> list[Kind]:
    good, deep = posts(), 1_000_000
    tail = "".join(json.dumps(post(n)) + "\n" for n in range(10, 20))
    odd = [
        post(1, first_name=["Ann", "Lee"]),
        post(2, email={"a": 1}),
        post(3, phone=4.47912e11),
        post(4, email=True),
        post(5, last_name=None),
    ]
    nested = (
        '{"submission_id": "d", "fields": {"email": ' + '{"a":' * deep + "1" + "}" * deep + "}}\n"
    )
    return [
        Kind("deep_objects.jsonl", texted(lambda: good + nested + tail), ((20, 1),)),
        Kind(
            "deep_lists.jsonl",
            texted(lambda: good + "[" * deep + "]" * deep + "\n" + tail),
            ((20, 1),),
        ),
        Kind(
            "deep_unclosed.jsonl", texted(lambda: good + '{"a":' * deep + "\n" + tail), ((20, 1),)
        ),
        Kind(
            "wrong_types.jsonl",
            texted(lambda: "".join(json.dumps(one) + "\n" for one in odd)),
            tuple((5 - n, n) for n in range(6)),
        ),
        Kind(
            "no_objects.jsonl",
            texted(lambda: good + '"text"\n7\nnull\n[1, 2]\n[]\n{}\n'),
            ((10, 6),),
        ),
        Kind(
            "record_separators.jsonl",
            texted(lambda: "\ufeff" + "".join("\x1e" + one + "\n" for one in good.splitlines())),
            ((10, 0),),
        ),
        Kind(
            "digits_5_mb.jsonl",
            texted(lambda: good + '{"submission_id": ' + "9" * 5_000_000 + "}\n" + tail),
            ((20, 1),),
        ),
        Kind(
            "line_of_20_mb.jsonl",
            texted(lambda: good + '{"submission_id": "' + "9" * 20_000_000 + '"}\n' + tail),
            ((20, 1),),
        ),
        Kind(
            "line_of_1500_mb.jsonl",
            repeated(b"9" * MB, 1500, head=good.encode() + b'{"submission_id": "'),
            (REFUSED, (10, 1)),
        ),
        Kind(
            "keys_100k.jsonl",
            texted(lambda: good + json.dumps({f"k{n}": n for n in range(100_000)}) + "\n" + tail),
            ((20, 1),),
        ),
        Kind(
            "new_key_each_line.jsonl",
            texted(
                lambda: "".join(json.dumps(post(n) | {f"k{n}": 1}) + "\n" for n in range(100_000))
            ),
            (REFUSED,),
        ),
        Kind(
            "not_a_number.jsonl",
            texted(
                lambda: (
                    good + '{"submission_id": "n", "fields": {"email": NaN, "phone": Infinity}}\n'
                )
            ),
            ((10, 1), (11, 0)),
        ),
        Kind(
            "huge_numbers.jsonl",
            texted(
                lambda: (
                    good
                    + '{"submission_id": 1e400, "fields": {"phone": 123456789012345678901234567890, "last_name": "A"}}\n'
                )
            ),
            ((10, 1), (11, 0)),
        ),
        Kind(
            "trailing_commas.jsonl", texted(lambda: good.replace("}\n", ",}\n")), ((0, 10), REFUSED)
        ),
        Kind(
            "commas_after_lines.jsonl",
            texted(lambda: good.replace("}\n", "},\n")),
            ((0, 10), (10, 0), (1, 9), REFUSED),
        ),
        Kind("single_quotes.jsonl", texted(lambda: good.replace('"', "'")), ((0, 10), REFUSED)),
        Kind("comments.jsonl", texted(lambda: "// made by hand\n" + good), ((10, 1),)),
        Kind("two_a_line.jsonl", texted(lambda: good.replace("\n", "", 1)), ((8, 1), (10, 0))),
        Kind(
            "pretty_printed.jsonl",
            texted(lambda: "".join(json.dumps(post(n), indent=2) + "\n" for n in range(10))),
            (REFUSED, (10, 0)),
        ),
        Kind("utf16.jsonl", texted(lambda: good, "utf-16"), ((10, 0), REFUSED)),
        Kind("utf16_unlabelled.jsonl", texted(lambda: good, "utf-16-le"), ((10, 0), REFUSED)),
        Kind("utf32_unlabelled.jsonl", texted(lambda: good, "utf-32-be"), ((10, 0), REFUSED)),
        Kind(
            "latin1.jsonl",
            written(lambda: good.replace("Ann", "José").encode("latin-1")),
            ((10, 0), (0, 10), REFUSED),
        ),
        Kind("cr_only.jsonl", texted(lambda: good.replace("\n", "\r")), ((10, 0), REFUSED)),
        Kind(
            "nul_bytes.jsonl",
            written(lambda: good.encode().replace(b"Ann", b"A\0nn", 3)),
            ((7, 3), (10, 0)),
        ),
        Kind(
            "nul_escapes.jsonl",
            written(lambda: good.encode().replace(b"Ann", b"A\\u0000nn", 3)),
            ((7, 3), (10, 0)),
        ),
        Kind(
            "keys_with_dots.jsonl",
            texted(
                lambda: (
                    good + json.dumps(post(50) | {"fields.email": "other@mail.example.org"}) + "\n"
                )
            ),
            ((10, 1), (11, 0)),
        ),
        Kind(
            "proto.jsonl",
            texted(lambda: good + json.dumps(post(50) | {"__proto__": {"x": 1}}) + "\n"),
            (REFUSED, (11, 0), (10, 1)),
        ),
        Kind(
            "drop_table_key.jsonl",
            texted(lambda: good + json.dumps(post(50) | {'"; drop table x; --': 1}) + "\n"),
            (REFUSED,),
        ),
        Kind(
            "one_id_conflicting.jsonl",
            texted(
                lambda: "".join(
                    json.dumps(post(1, email=f"x{n}@mail.example.org")) + "\n" for n in range(10)
                )
            ),
            ((10, 0),),
        ),
        Kind("csv_named_jsonl.jsonl", texted(lambda: lines(rows(20))), (REFUSED, (0, 21))),
        Kind(
            "blank_lines.jsonl",
            texted(lambda: good.replace("\n", "\n\n")),
            ((10, 0), (10, 10), (10, 9)),
        ),
        Kind(
            "hundred_thousand.jsonl",
            texted(lambda: posts(100_000)),
            ((100_000, 0),),
            most_seconds=300,
        ),
        Kind(
            "long_email.jsonl",
            texted(lambda: good + json.dumps(post(50, email="a." * 45_000 + "@b.org")) + "\n"),
            ((11, 0), (10, 1)),
        ),
    ]


def _documents() -> list[Kind]:
    good = [partner(n) for n in range(20)]
    whole = json.dumps({"records": good})
    conflicting = [
        *good,
        partner(3, customer={"name": "Tom Other", "email": "tom@mail.example.org"}),
    ]
    deep = 1_000_000
    return [
        Kind(
            "partner_beta_conflicting.json",
            texted(lambda: json.dumps({"records": conflicting})),
            ((21, 0), (20, 1), (19, 2)),
        ),
        Kind(
            "partner_beta_two_verdicts.json",
            texted(lambda: json.dumps({"records": [*good, partner(3, status="deleted")]})),
            ((21, 0), (20, 1), (19, 2)),
        ),
        Kind(
            "partner_beta_cut_off.json",
            texted(lambda: whole[: len(whole) * 2 // 3]),
            (REFUSED,),
            says="cut off",
        ),
        Kind(
            "partner_beta_cut_in_a_character.json",
            written(
                lambda: json.dumps(
                    {"records": [partner(1, customer={"name": "ü" * 9})]}, ensure_ascii=False
                ).encode()[:-40]
            ),
            (REFUSED,),
        ),
        Kind("partner_beta_twice.json", texted(lambda: whole + whole), (REFUSED,)),
        Kind(
            "partner_beta_two_arrays.json",
            texted(lambda: whole[:-1] + ', "records": []}'),
            (REFUSED,),
        ),
        Kind("partner_beta_no_records.json", texted(lambda: '{"records": []}'), ((0, 0), REFUSED)),
        Kind("partner_beta_null.json", texted(lambda: '{"records": null}'), (REFUSED,)),
        Kind("partner_beta_error.json", texted(lambda: '{"error": "unauthorised"}'), (REFUSED,)),
        Kind("partner_beta_bare_list.json", texted(lambda: json.dumps(good)), (REFUSED, (20, 0))),
        Kind(
            "partner_beta_lines.json",
            texted(lambda: "".join(json.dumps(one) + "\n" for one in good)),
            (REFUSED, (20, 0)),
        ),
        Kind(
            "partner_beta_an_object.json",
            texted(lambda: json.dumps({"records": {one["id"]: one for one in good}})),
            (REFUSED,),
        ),
        Kind(
            "partner_beta_mixed.json",
            texted(lambda: json.dumps({"records": [*good, "text", 7, None, [1], {}]})),
            ((20, 5),),
        ),
        Kind(
            "partner_beta_deep.json",
            texted(lambda: '{"records": [{"id": ' + "[" * deep + "]" * deep + "}]}"),
            (REFUSED, (0, 1)),
        ),
        Kind("partner_beta_brackets.json", texted(lambda: "[" * deep), (REFUSED,)),
        Kind(
            "partner_beta_50k.json",
            texted(lambda: json.dumps({"records": [partner(n) for n in range(50_000)]})),
            ((50_000, 0),),
            most_seconds=300,
        ),
        Kind(
            "partner_beta_300_mb.json",
            repeated(b" " * MB, 300, head=b'{"records": [', tail=b"]}"),
            (REFUSED, (0, 0)),
        ),
        Kind(
            "partner_beta_250_mb_of_lists.json",
            repeated(b"[]," * (MB // 3), 250, head=b'{"records": [', tail=b"{}]}"),
            (REFUSED,),
            most_seconds=60,
        ),
        Kind(
            "partner_beta_250_mb_of_objects.json",
            repeated(b'{"a":1},' * (MB // 8), 250, head=b'{"records": [', tail=b"{}]}"),
            (REFUSED,),
            most_seconds=60,
        ),
        Kind(
            "partner_beta_200_mb_elsewhere.json",
            repeated(
                b'{"a":1},' * (MB // 8), 200, head=b'{"meta": [', tail=b"{}]," + whole[1:].encode()
            ),
            (REFUSED, (20, 0)),
            most_seconds=60,
        ),
        Kind("partner_beta_bom.json", texted(lambda: "\ufeff" + whole), ((20, 0),)),
        Kind("partner_beta_utf16.json", texted(lambda: whole, "utf-16"), ((20, 0), REFUSED)),
        Kind(
            "partner_beta_dates.json",
            texted(
                lambda: json.dumps(
                    {
                        "records": [
                            partner(1, lastModified=10**30),
                            partner(2, lastModified=-1),
                            partner(3, lastModified="soon"),
                        ]
                    }
                )
            ),
            tuple((3 - n, n) for n in range(4)),
        ),
    ]


def _workbooks() -> list[Kind]:
    good = rows(20)
    return [
        Kind("dates_1904.xlsx", written(lambda: workbook(good, date_1904=True)), ((20, 0),)),
        Kind("header_row_7.xlsx", written(lambda: workbook(good, header_row=7)), ((20, 0),)),
        Kind("summary_first.xlsx", written(lambda: workbook(good, summary=True)), ((20, 0),)),
        Kind(
            "html.xls.xlsx",
            texted(lambda: "<html><table><tr><td>external_id</td></tr></table></html>"),
            (REFUSED,),
            says="web page",
        ),
        Kind(
            "old.xls",
            written(
                lambda: (
                    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
                    + bytes(2000)
                    + "Workbook".encode("utf-16-le")
                    + bytes(3000)
                )
            ),
            (REFUSED,),
            feed="hostile_xlsx",
            says="old",
        ),
        Kind(
            "html_named.xls",
            texted(lambda: "<html><table><tr><td>external_id</td></tr></table></html>"),
            (REFUSED,),
            feed="hostile_xlsx",
            says="web page",
        ),
        Kind("xml_2003.xlsx", texted(lambda: '<?xml version="1.0"?><Workbook/>'), (REFUSED,)),
        Kind("no_workbook.xlsx", written(lambda: zipped({"readme.txt": b"hello"})), (REFUSED,)),
        Kind(
            "open_document.xlsx",
            written(
                lambda: zipped(
                    {
                        "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
                        "content.xml": b"<x/>",
                    }
                )
            ),
            (REFUSED,),
        ),
        Kind(
            "binary.xlsx",
            written(
                lambda: zipped({"xl/workbook.bin": b"\x83\x01\x00", "[Content_Types].xml": b"<x/>"})
            ),
            (REFUSED,),
        ),
        Kind("cut_off.xlsx", written(lambda: workbook(rows(500))[:-400]), (REFUSED,)),
        Kind("cut_in_half.xlsx", written(lambda: workbook(rows(500))[:9000]), (REFUSED,)),
        Kind("no_rows.xlsx", written(lambda: workbook([])), ((0, 0),)),
        Kind(
            "numbers_that_were_phones.xlsx",
            written(lambda: workbook([row(1, phone="4.47912E+11"), *rows(3)[1:]])),
            ((3, 0),),
        ),
        Kind(
            "laughs.xlsx",
            written(
                lambda: _altered(
                    workbook(good),
                    b"<worksheet",
                    b'<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><worksheet',
                )
            ),
            (REFUSED,),
        ),
        Kind(
            "bomb_of_a_sheet.xlsx",
            written(lambda: _sheet(b"<row><c/></row>" * (200 * MB // 15))),
            (REFUSED, (0, 0)),
        ),
        Kind("bomb_of_2_gb.xlsx", written(lambda: _bomb(2000)), (REFUSED,)),
        Kind("bomb_of_shared_texts.xlsx", written(lambda: _shared_texts(30_000, 5000)), (REFUSED,)),
        Kind(
            "far_corner.xlsx", written(lambda: _cornered("XFD1048576")), (REFUSED, (20, 0), (20, 1))
        ),
        Kind("wide_16384.xlsx", written(lambda: _wide(16_384)), (REFUSED,)),
        Kind("formatted_to_the_end.xlsx", written(lambda: _formatted(200_000)), ((20, 0),)),
        Kind(
            "errors_and_formulas.xlsx",
            written(_formulas),
            (*tuple((6 - n, n) for n in range(4)), (5, 0)),
        ),
        Kind("merged_header.xlsx", written(_merged), ((20, 0), REFUSED)),
        Kind("hidden_first.xlsx", written(_hidden), ((20, 0), REFUSED)),
        Kind(
            "sheet_30k.xlsx",
            written(lambda: workbook(rows(30_000))),
            ((30_000, 0),),
            most_seconds=300,
        ),
    ]


def _parquets() -> list[Kind]:
    frame = pl.DataFrame(rows(2000), schema=list(COLUMNS), orient="row")
    whole = _parquet(frame.to_arrow())
    twenty = frame.head(20)
    broken = bytearray(whole)
    for at in range(300, len(whole) - 3000, 97):
        broken[at] ^= 0xFF
    chance = random.Random(3)
    footer = bytearray(whole)
    for at in range(len(whole) - 1500, len(whole) - 100, 41):
        footer[at] = chance.randrange(256)
    table = twenty.to_arrow()
    typed = table.set_column(
        0, "external_id", pa.array([Decimal(n) for n in range(20)], pa.decimal128(20, 2))
    ).set_column(5, "date_of_birth", pa.array([datetime.date(1980, 1, 2)] * 20))
    nested = table.set_column(6, "address", pa.array([[{"a": n, "b": [1, 2]}] for n in range(20)]))
    encrypted = whole[:-4] + b"PARE"
    return [
        Kind("corrupt_pages.parquet", written(lambda: bytes(broken)), (REFUSED,)),
        Kind("corrupt_footer.parquet", written(lambda: bytes(footer)), (REFUSED, (2000, 0))),
        Kind("cut_off.parquet", written(lambda: whole[:-100]), (REFUSED,)),
        Kind("cut_in_front.parquet", written(lambda: whole[100:]), (REFUSED,)),
        Kind(
            "footer_lies.parquet",
            written(lambda: whole[:-8] + struct.pack("<I", 0x7FFFFFFF) + b"PAR1"),
            (REFUSED,),
        ),
        Kind("encrypted_footer.parquet", written(lambda: encrypted), (REFUSED,)),
        Kind("only_marks.parquet", written(lambda: b"PAR1PAR1"), (REFUSED,)),
        Kind("twelve_bytes.parquet", written(lambda: b"PAR1\0\0\0\0PAR1"), (REFUSED,)),
        Kind("csv_named.parquet", texted(lambda: lines(rows(20))), (REFUSED,)),
        Kind("decimals_and_dates.parquet", written(lambda: _parquet(typed)), ((20, 0),)),
        Kind("nested.parquet", written(lambda: _parquet(nested)), ((20, 0), REFUSED, (0, 20))),
        Kind("no_columns.parquet", written(lambda: _parquet(pa.table({}))), (REFUSED,)),
        Kind(
            "duplicate_columns.parquet",
            written(lambda: _parquet(table.append_column("email", table["phone"]))),
            (REFUSED,),
        ),
        Kind(
            "columns_20k.parquet",
            written(lambda: _parquet(pa.table({f"c{n}": ["x"] for n in range(20_000)}))),
            (REFUSED,),
        ),
        Kind(
            "huge_dictionary.parquet",
            written(lambda: _dictionary(4000, MB)),
            (REFUSED, (0, 4000), (4000, 0)),
        ),
        Kind(
            "one_value_of_1_gb.parquet",
            written(lambda: _dictionary(1, 1000 * MB)),
            (REFUSED, (0, 1)),
        ),
        Kind("shared_values.parquet", written(lambda: _dictionary(100_000, 90_000)), (REFUSED,)),
        Kind("nulls_2_billion.parquet", written(lambda: _nulls(500_000_000)), (REFUSED,)),
        Kind(
            "row_groups_2000.parquet",
            written(lambda: _parquet(frame.to_arrow(), row_group_size=1)),
            ((2000, 0),),
        ),
        Kind(
            "no_utf8.parquet",
            written(
                lambda: _parquet(
                    table.set_column(1, "first_name", pa.array([b"Jos\xe9"] * 20, pa.binary()))
                )
            ),
            ((20, 0), (0, 20)),
        ),
        *[
            Kind(
                f"codec_{codec}.parquet",
                written(lambda codec=codec: _parquet(table, compression=codec)),
                ((20, 0),),
            )
            for codec in ("gzip", "brotli", "lz4", "zstd", "snappy", "none")
        ],
        Kind("int96.parquet", written(lambda: _int96(table)), ((20, 0), (0, 20), REFUSED)),
        Kind(
            "hundred_thousand.parquet",
            written(
                lambda: _parquet(
                    pl.DataFrame(rows(100_000), schema=list(COLUMNS), orient="row").to_arrow()
                )
            ),
            ((100_000, 0),),
            most_seconds=300,
        ),
    ]


def _parquet(table: pa.Table, **how: Any) -> bytes:
    target = io.BytesIO()
    pq.write_table(table, target, **how)
    return target.getvalue()


def _int96(table: pa.Table) -> bytes:
    moment = datetime.datetime(1980, 2, 3, tzinfo=datetime.UTC)
    column = pa.array([moment] * table.num_rows, pa.timestamp("ns"))
    return _parquet(
        table.set_column(5, "date_of_birth", column), use_deprecated_int96_timestamps=True
    )


def _dictionary(count: int, size: int) -> bytes:
    """Each row has the same long value, which is kept once."""
    values = pa.array(["x" * size])
    cells = pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), values)
    names = pa.table(
        {"external_id": cells} | {name: pa.nulls(count, pa.string()) for name in COLUMNS[1:]}
    )
    return _parquet(names, compression="zstd", dictionary_pagesize_limit=1 << 31)


def _nulls(count: int) -> bytes:
    target = io.BytesIO()
    schema = pa.schema([(name, pa.string()) for name in COLUMNS])
    part = pa.table([pa.nulls(10_000_000, pa.string())] * len(COLUMNS), schema=schema)
    with pq.ParquetWriter(target, schema) as writer:
        for _ in range(count // 10_000_000):
            writer.write_table(part)
    return target.getvalue()


def _altered(book: bytes, old: bytes, new: bytes) -> bytes:
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book)) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out,
    ):
        for name in source.namelist():
            content = source.read(name)
            out.writestr(name, content.replace(old, new, 1) if "worksheets/" in name else content)
    return target.getvalue()


def _sheet(inside: bytes) -> bytes:
    return _altered(workbook(rows(20)), b"</sheetData>", inside + b"</sheetData>")


def _bomb(megabytes: int) -> bytes:
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook(rows(20)))) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out,
    ):
        for name in source.namelist():
            with out.open(name, "w", force_zip64=True) as member:
                content = source.read(name)
                if "worksheets/" not in name:
                    member.write(content)
                    continue
                before, after = content.split(b"</sheetData>")
                member.write(before)
                for _ in range(megabytes):
                    member.write(b" " * MB)
                member.write(b"</sheetData>" + after)
    return target.getvalue()


def _shared_texts(cells: int, size: int) -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, COLUMNS)
        for number in range(cells):
            for column in range(len(COLUMNS)):
                sheet.write_string(number + 1, column, "x" * size)
    return target.getvalue()


def _cornered(cell: str) -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate([COLUMNS, *rows(20)]):
            sheet.write_row(number, 0, cells)
        sheet.write(cell, "x")
    return target.getvalue()


def _wide(columns: int) -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number in range(21):
            sheet.write_row(number, 0, [f"c{column}" for column in range(columns)])
    return target.getvalue()


def _formatted(count: int) -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet, bold = book.add_worksheet(), book.add_format({"bold": True})
        for number, cells in enumerate([COLUMNS, *rows(20)]):
            sheet.write_row(number, 0, cells)
        for number in range(21, count):
            sheet.write_blank(number, 0, None, bold)
    return target.getvalue()


def _formulas() -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate([COLUMNS, *rows(5)]):
            sheet.write_row(number, 0, cells)
        sheet.write_formula(1, 1, '=CONCATENATE("A","nn")', None, "Ann")
        sheet.write_formula(2, 3, "=NA()", None, "#N/A")
        sheet.write_formula(3, 8, '=HYPERLINK("http://127.0.0.1/x","N2")', None, "N2")
        sheet.write_formula(4, 7, "=1/0", None, "#DIV/0!")
        sheet.write_number(1, 4, 447911123456)
        sheet.write_number(2, 4, 4.47912e11)
        sheet.write_boolean(3, 6, True)
    return target.getvalue()


def _merged() -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.merge_range(0, 0, 0, 9, "Contacts of the spring fair")
        sheet.merge_range(1, 1, 1, 2, "Name")
        sheet.merge_range(1, 3, 1, 4, "Contact")
        for number, cells in enumerate([COLUMNS, *rows(20)]):
            sheet.write_row(number + 2, 0, cells)
    return target.getvalue()


def _hidden() -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        secret, shown = book.add_worksheet("Old"), book.add_worksheet("Contacts")
        for number, cells in enumerate([COLUMNS, *rows(20)]):
            shown.write_row(number, 0, cells)
            secret.write_row(number, 0, [f"old {cell}" for cell in cells] if number else cells)
        shown.activate()
        shown.set_first_sheet()
        secret.hide()
    return target.getvalue()
