# ruff: noqa: E501 - a table: one kind a line, its content made when it is asked for
"""Hostile CSV: its bytes, its structure and what its cells say."""

from bench.adverse.kind import (
    REFUSED,
    Kind,
    gzipped,
    repeated,
    sparse,
    texted,
    written,
)
from tests.hostile import COLUMNS, line, lines, row, rows

HEADER = ",".join(COLUMNS) + "\n"
MB = 1 << 20


def text_kinds() -> list[Kind]:
    """Every kind of hostile CSV, at full size."""
    return [*_encodings(), *_bytes(), *_structure(), *_large(), *_values(), *_long_values()]


def _good(count: int = 20) -> str:
    return lines(rows(count))


def _body(count: int = 20) -> str:
    return _good(count).split("\n", 1)[1]


def _encodings() -> list[Kind]:
    both = ((20, 0), REFUSED)

    def cyrillic() -> str:
        return lines(
            [
                row(
                    n,
                    first_name="Наталья",
                    last_name="Кузнецова",
                    city="Москва",
                    address="Тверская улица",
                )
                for n in range(20)
            ]
        )

    def chinese() -> str:
        return lines(
            [
                row(n, first_name="小明", last_name="王", city="北京市", address="朝阳区建国路")
                for n in range(20)
            ]
        )

    def japanese() -> str:
        return lines(
            [
                row(n, first_name="太郎", last_name="山田", city="東京", address="ひらがなカタカナ")
                for n in range(20)
            ]
        )

    def korean() -> str:
        return lines(
            [
                row(n, first_name="민수", last_name="김", city="서울", address="강남구 테헤란로")
                for n in range(20)
            ]
        )

    return [
        Kind(f"enc_{name.replace('-', '_')}_{script}.csv", texted(text, name), both)
        for script, text, names in (
            (
                "latin",
                _good,
                (
                    "utf-32",
                    "utf-32-le",
                    "utf-32-be",
                    "utf-16",
                    "utf-16-le",
                    "utf-16-be",
                    "utf-8-sig",
                ),
            ),
            (
                "cyrillic",
                cyrillic,
                (
                    "utf-16-le",
                    "utf-16-be",
                    "cp1251",
                    "koi8_r",
                    "iso8859_5",
                    "mac_cyrillic",
                    "utf-32-le",
                ),
            ),
            (
                "chinese",
                chinese,
                ("gb18030", "gbk", "big5", "utf-16-le", "utf-16-be", "utf-32-be", "hz"),
            ),
            ("japanese", japanese, ("shift_jis", "euc_jp", "iso2022_jp", "utf-16-le")),
            ("korean", korean, ("euc_kr", "cp949", "utf-16-be")),
        )
        for name in names
        if not (script == "chinese" and name == "big5")
    ]


def _bytes() -> list[Kind]:
    good = _good

    def overlong() -> bytes:
        return good(5).encode().replace(b"London", b"Lo\xc0\xae\xc0\xaendon", 1)

    def cesu() -> bytes:
        return good(5).encode().replace(b"London", b"Lo\xed\xa0\xbd\xed\xb8\x80don", 1)

    def surrogate() -> bytes:
        return good(5).encode().replace(b"London", b"Lo\xed\xa0\x80ndon", 1)

    return [
        Kind("overlong.csv", written(overlong), ((4, 1),)),
        Kind("cesu.csv", written(cesu), ((4, 1), (5, 0))),
        Kind("lone_surrogate.csv", written(surrogate), ((4, 1),)),
        Kind(
            "double_mojibake.csv",
            written(lambda: good(5).encode().decode("latin-1").encode().decode("latin-1").encode()),
            ((5, 0),),
            says="cp1252",
        ),
        Kind(
            "mac_roman.csv",
            texted(lambda: good(20).replace("Ł", "L").replace("ğ", "g"), "mac_roman"),
            ((20, 0), REFUSED),
        ),
        Kind("cp437.csv", texted(lambda: good(20).replace("Ł", "L"), "cp437"), ((20, 0), REFUSED)),
        Kind(
            "ebcdic.csv",
            written(lambda: good(5).replace("Łucja", "L").encode("cp500", "replace")),
            (REFUSED,),
        ),
        Kind("utf7.csv", texted(good, "utf-7"), ((20, 0), REFUSED)),
        Kind("cr_only.csv", texted(lambda: good().replace("\n", "\r")), ((20, 0),)),
        Kind(
            "nel_and_ls.csv",
            texted(lambda: good().replace("London", "Lon\u2028don\x85")),
            ((20, 0),),
        ),
        Kind(
            "lf_cr.csv",
            texted(lambda: good().replace("\n", "\n\r")),
            ((20, 0), (20, 20), (20, 19), (20, 1)),
        ),
        Kind(
            "cr_cr_lf.csv",
            texted(lambda: good().replace("\n", "\r\r\n")),
            ((20, 0), (20, 20), (20, 21)),
        ),
        Kind(
            "vertical_tabs.csv",
            texted(lambda: good().replace("London", "Lon\x0bdon\x0c")),
            ((20, 0),),
        ),
        Kind("bom_twice.csv", written(lambda: b"\xef\xbb\xbf" * 2 + good().encode()), ((20, 0),)),
        Kind(
            "bom_in_the_middle.csv",
            written(lambda: good().encode() + b"\xef\xbb\xbf" + good().encode()),
            ((40, 1), (20, 21), (40, 0)),
        ),
        Kind(
            "bom_in_quotes.csv",
            written(lambda: b'\xef\xbb\xbf"external_id"' + good().encode()[11:]),
            ((20, 0),),
        ),
        Kind("bom_utf16_but_utf8.csv", written(lambda: b"\xff\xfe" + good().encode()), (REFUSED,)),
        Kind("utf16_odd.csv", written(lambda: good().encode("utf-16")[:-1]), (REFUSED, (19, 1))),
        Kind(
            "utf16_then_utf8.csv",
            written(lambda: good().encode("utf-16") + _body().encode()),
            (REFUSED, (20, 1), (20, 20)),
        ),
        Kind(
            "end_of_file_sign.csv", written(lambda: good().encode() + b"\x1a"), ((20, 0), (20, 1))
        ),
        Kind("nothing_but_a_mark.csv", written(lambda: b"\xef\xbb\xbf"), (REFUSED, (0, 0))),
        Kind("one_byte.csv", written(lambda: b"x"), (REFUSED, (0, 0))),
        Kind("one_newline.csv", written(lambda: b"\n"), (REFUSED, (0, 0))),
        Kind("holes_1500mb.csv", sparse(1500 * MB), (REFUSED, (0, 0))),
        Kind("spaces_1500mb.csv", repeated(b" " * MB, 1500), (REFUSED, (0, 0))),
        Kind("newlines_1500mb.csv", repeated(b"\n" * MB, 1500), (REFUSED, (0, 0))),
        Kind(
            "good_then_holes.csv",
            repeated(b"\0" * MB, 300, head=lines(rows(20)).encode()),
            (REFUSED, (20, 1)),
        ),
        Kind(
            "good_then_newlines.csv",
            repeated(b"\n" * MB, 40, head=lines(rows(20)).encode()),
            (REFUSED, (20, 0)),
        ),
        Kind("spaces_1500mb.csv.gz", gzipped(b" " * MB, 1500), (REFUSED, (0, 0))),
        Kind(
            "preallocated_tail.csv",
            written(lambda: good().encode() + b"\0" * 100_000),
            ((20, 0), (20, 1), REFUSED),
        ),
        Kind(
            "nul_between.csv",
            written(lambda: good().replace("a", "a\0").encode()),
            ((0, 20), REFUSED, (20, 0)),
        ),
        Kind(
            "escape_codes.csv",
            texted(lambda: lines([row(1, first_name="\x1b[31mAnn\x1b]0;x\x07"), *rows(5)[1:]])),
            ((5, 0), (4, 1)),
        ),
    ]


def _structure() -> list[Kind]:
    good, body = _good(), _body()
    head = HEADER.strip()

    def semi(a: int, b: int) -> str:
        return "".join(line(row(n), ";") + "\n" for n in range(a, b))

    swapped = HEADER + "".join(
        line(row(n, email=row(n)[4], phone=row(n)[3])) + "\n" for n in range(20)
    )
    many = [(n, row(n)) for n in range(1, 2001)]
    headers = HEADER + "".join(
        (HEADER if n % 100 == 0 else "") + line(cells) + "\n" for n, cells in many
    )
    return [
        Kind("no_header.csv", texted(lambda: body), (REFUSED,), says="header"),
        Kind("only_header.csv", texted(lambda: HEADER), ((0, 0), REFUSED)),
        Kind("header_capitals.csv", texted(lambda: head.upper() + "\n" + body), ((20, 0), REFUSED)),
        Kind(
            "header_spaces.csv",
            texted(lambda: head.replace(",", " , ") + "\n" + body),
            ((20, 0), REFUSED),
        ),
        Kind(
            "header_title_case.csv",
            texted(lambda: head.title().replace("_", " ") + "\n" + body),
            ((20, 0), REFUSED),
        ),
        Kind(
            "header_bom_inside.csv",
            texted(lambda: head.replace("email", "\ufeffemail") + "\n" + body),
            ((20, 0), REFUSED),
        ),
        Kind(
            "header_zero_width.csv",
            texted(lambda: head.replace("email", "e\u200bmail") + "\n" + body),
            ((20, 0), REFUSED),
        ),
        Kind(
            "header_nbsp.csv",
            texted(lambda: head.replace("email", "email\u00a0") + "\n" + body),
            ((20, 0), REFUSED),
        ),
        Kind(
            "header_full_width.csv",
            texted(lambda: head.replace("email", "ｅｍａｉｌ") + "\n" + body),
            ((20, 0), REFUSED),
        ),
        Kind(
            "header_other_language.csv",
            texted(
                lambda: (
                    "Kundennummer,Vorname,Nachname,E-Mail Adresse,Telefon,Geburtsdatum,Straße,Ort,PLZ,Land\n"
                    + body
                )
            ),
            (REFUSED,),
            says="email",
        ),
        Kind(
            "header_duplicate.csv",
            texted(lambda: head.replace("phone", "email") + "\n" + body),
            (REFUSED,),
        ),
        Kind(
            "header_twice_over_two_lines.csv",
            texted(lambda: head.replace("date_of_birth", '"date_of\nbirth"') + "\n" + body),
            (REFUSED, (20, 0)),
        ),
        Kind(
            "header_row_7.csv",
            texted(lambda: "Report\n\nMade by,Ann\n\n\n\n" + good),
            ((20, 0),),
            says="line 7",
        ),
        Kind(
            "preamble_of_100.csv",
            texted(lambda: "".join(f"# note {n}\n" for n in range(100)) + good),
            ((20, 0), REFUSED),
        ),
        Kind(
            "comments.csv",
            texted(lambda: "# made by hand\n" + good + "# the end\n"),
            ((20, 1), (20, 0)),
        ),
        Kind(
            "units_row.csv",
            texted(lambda: HEADER + "id,text,text,text,text,date,text,text,text,text\n" + body),
            ((20, 1), (20, 2), (21, 0)),
        ),
        Kind(
            "stray_quotes.csv",
            texted(lambda: good.replace("9 High Street", '9 "High" Street')),
            ((18, 2), (20, 0), (19, 1)),
        ),
        Kind(
            "quotes_by_backslash.csv",
            texted(lambda: good.replace("9 High Street", '"9 \\"High\\" Street"')),
            ((18, 2), (19, 1), (20, 0), REFUSED),
        ),
        Kind(
            "single_quotes.csv",
            texted(
                lambda: (
                    HEADER + "".join(",".join(f"'{c}'" for c in row(n)) + "\n" for n in range(20))
                )
            ),
            ((20, 0), (0, 20), REFUSED),
        ),
        Kind(
            "all_quoted.csv",
            texted(
                lambda: "".join(
                    ",".join(f'"{c}"' for c in cells) + "\n" for cells in [COLUMNS, *rows(20)]
                )
            ),
            ((20, 0),),
        ),
        Kind(
            "row_in_quotes.csv",
            texted(lambda: HEADER + "".join(f'"{",".join(row(n))}"\n' for n in range(20))),
            ((0, 20), REFUSED, (20, 0)),
        ),
        Kind(
            "quote_in_header_unclosed.csv",
            texted(lambda: good.replace("first_name", '"first_name', 1)),
            ((20, 0), REFUSED),
        ),
        Kind(
            "quote_unclosed_first_row.csv",
            texted(
                lambda: HEADER + '"' + line(row(99)) + "\n" + lines(rows(5000)).split("\n", 1)[1]
            ),
            ((5000, 1), REFUSED),
        ),
        Kind(
            "quote_unclosed_last_row.csv",
            texted(lambda: good + '"' + line(row(99)) + "\n"),
            ((20, 1),),
        ),
        Kind(
            "quote_unclosed_twice.csv",
            texted(
                lambda: good + '"' + line(row(98)) + "\n" + body + '"' + line(row(99)) + "\n" + body
            ),
            ((60, 2), REFUSED, (40, 22)),
        ),
        Kind(
            "delimiter_switches.csv",
            texted(lambda: lines(rows(10)) + semi(11, 21)),
            ((10, 10), REFUSED, (20, 0)),
        ),
        Kind(
            "delimiter_switches_early.csv",
            texted(lambda: lines(rows(2)) + semi(3, 41)),
            ((2, 38), REFUSED),
        ),
        Kind(
            "delimiter_mixed_header.csv",
            texted(lambda: HEADER.replace(",", ";") + body),
            (REFUSED, (0, 20)),
        ),
        Kind(
            "sep_line.csv", texted(lambda: "sep=;\r\n" + lines(rows(20), ";", "\r\n")), ((20, 0),)
        ),
        Kind("sep_line_lies.csv", texted(lambda: "sep=;\r\n" + good), (REFUSED, (20, 0))),
        Kind("semicolons.csv", texted(lambda: lines(rows(20), ";")), ((20, 0),)),
        Kind("pipes.csv", texted(lambda: lines(rows(20), "|")), ((20, 0),)),
        Kind(
            "two_character_delimiter.csv",
            texted(lambda: good.replace(",", "||")),
            (REFUSED, (20, 0), (0, 20)),
        ),
        Kind("unit_separators.csv", texted(lambda: good.replace(",", "\x1f")), (REFUSED, (20, 0))),
        Kind(
            "delimiter_at_the_end.csv",
            texted(lambda: HEADER + body.replace("\n", ",\n")),
            ((20, 0), (0, 20), REFUSED),
        ),
        Kind(
            "index_column.csv",
            texted(
                lambda: (
                    ","
                    + HEADER
                    + "".join(f"{n},{one}\n" for n, one in enumerate(body.splitlines()))
                )
            ),
            (REFUSED, (20, 0)),
        ),
        Kind(
            "fixed_width.csv",
            texted(
                lambda: "".join(
                    "".join(c.ljust(30) for c in cells) + "\n" for cells in [COLUMNS, *rows(20)]
                )
            ),
            (REFUSED,),
        ),
        Kind("totals.csv", texted(lambda: good + "Total,20,,,,,,,,\n"), ((20, 1), (21, 0))),
        Kind(
            "totals_in_another_shape.csv",
            texted(lambda: good + "\nTotal: 20 rows\n"),
            ((20, 1), (20, 2)),
        ),
        Kind("headers_repeated.csv", texted(lambda: headers), ((2000, 20),)),
        Kind(
            "two_tables.csv",
            texted(lambda: good + "\n\ninvoice,amount\n1,20\n2,30\n"),
            ((20, 3), (20, 5), (20, 4)),
        ),
        Kind(
            "columns_missing.csv",
            texted(
                lambda: "".join(",".join(one.split(",")[:8]) + "\n" for one in good.splitlines())
            ),
            (REFUSED,),
            says="postcode",
        ),
        Kind(
            "columns_too_many.csv",
            texted(lambda: "".join(one + ",shoe_size\n" for one in good.splitlines())),
            (REFUSED,),
            says="shoe_size",
        ),
        Kind("columns_swapped_values.csv", texted(lambda: swapped), ((0, 20), (20, 0), REFUSED)),
        Kind(
            "columns_shifted_in_half.csv",
            texted(
                lambda: (
                    good + "".join("," + one.rsplit(",", 1)[0] + "\n" for one in body.splitlines())
                )
            ),
            ((20, 20), REFUSED),
        ),
        Kind(
            "ragged_by_commas_in_values.csv",
            texted(
                lambda: (
                    HEADER
                    + "".join(
                        ",".join(row(n, address="1 High St, Flat 2")) + "\n" for n in range(20)
                    )
                )
            ),
            ((0, 20), REFUSED),
        ),
        Kind(
            "blank_lines.csv",
            texted(lambda: good.replace("\n", "\n\n")),
            ((20, 20), (20, 0), (20, 21)),
        ),
        Kind(
            "web_page.csv",
            texted(lambda: "<!DOCTYPE html><html><body>Sign in</body></html>"),
            (REFUSED,),
        ),
        Kind("error_message.csv", texted(lambda: "ERROR 504 Gateway timeout\n"), (REFUSED,)),
        Kind(
            "json_named_csv.csv",
            texted(lambda: '[{"external_id": "1", "email": "a@b.org"}]'),
            (REFUSED,),
        ),
        Kind(
            "pgp.csv",
            texted(lambda: "-----BEGIN PGP MESSAGE-----\n\nhQEMA7Zz\n-----END PGP MESSAGE-----\n"),
            (REFUSED,),
        ),
    ]


def _large() -> list[Kind]:
    good, body = _good(), _body()
    return [
        Kind(
            "row_of_a_million_columns.csv",
            texted(lambda: good + "x," * 1_000_000 + "\n" + body),
            ((40, 1),),
        ),
        Kind(
            "header_of_a_million_columns.csv",
            texted(lambda: ",".join(f"c{n}" for n in range(1_000_000)) + "\n"),
            (REFUSED,),
        ),
        Kind(
            "million_column_rows.csv",
            repeated(b"x," * 1_000_000 + b"\n", 20, head=good.encode(), tail=body.encode()),
            ((40, 20), REFUSED),
        ),
        Kind(
            "million_empty_columns.csv",
            texted(lambda: good + "," * 1_000_000 + "\n" + body),
            ((40, 1),),
        ),
        Kind(
            "field_of_10_mb.csv",
            texted(lambda: lines([row(1, address="x" * 10_000_000), *rows(5)[1:]])),
            ((4, 1),),
        ),
        Kind(
            "quoted_field_of_10_mb.csv",
            texted(lambda: lines([row(1, address="x\n" * 5_000_000), *rows(5)[1:]])),
            ((4, 1), REFUSED),
        ),
        Kind(
            "fields_of_10_mb.csv",
            repeated(
                (line(row(1, address="y" * 10_000_000)) + "\n").encode(), 30, head=good.encode()
            ),
            ((20, 30), REFUSED),
        ),
        Kind(
            "line_of_20_mb.csv", texted(lambda: good + "x" * 20_000_000 + "\n" + body), ((40, 1),)
        ),
        Kind("one_line_of_20_mb.csv", repeated(b"x" * MB, 20), (REFUSED,)),
        Kind("one_line_of_1500_mb.csv", repeated(b"x" * MB, 1500), (REFUSED,)),
        Kind(
            "good_then_line_of_1500_mb.csv",
            repeated(b"x" * MB, 1500, head=good.encode()),
            (REFUSED, (20, 1)),
        ),
        Kind(
            "quotes_20_mb.csv",
            texted(lambda: good + '"' * 20_000_001 + "\n" + body),
            ((40, 1), REFUSED),
        ),
        Kind(
            "every_row_opens_a_quote.csv",
            texted(lambda: HEADER + '"a,b,c\n' * 100_000),
            (REFUSED, (0, 100_000)),
        ),
        Kind(
            "good_rows_open_quotes.csv",
            texted(lambda: HEADER + "".join('"' + line(row(n)) + "\n" for n in range(100_000))),
            (REFUSED, (0, 100_000)),
        ),
        Kind(
            "quote_pairs.csv",
            texted(lambda: HEADER + ('x,"a\n"' + "," * 8 + "\n") * 50_000),
            (REFUSED, (50_000, 0), (0, 50_000), (0, 100_000)),
        ),
        Kind(
            "commas_100_mb.csv",
            repeated(b"," * 9 + b"\n", 10_000_000, head=good.encode()),
            ((20, 10_000_000), REFUSED, (20, 0)),
        ),
        Kind(
            "good_million.csv",
            texted(lambda: lines(rows(300_000))),
            ((300_000, 0),),
            most_seconds=600,
        ),
    ]


def _values() -> list[Kind]:
    many = 100_000
    nasty = [
        row(1, last_name="Robert'); DROP TABLE records;--", external_id="x' or '1'='1"),
        row(2, last_name="<script>alert(1)</script>", first_name="{{7*7}}${7*7}"),
        row(3, first_name="=cmd|' /C calc'!A0", address="@SUM(1+1)*cmd|' /C calc'!A0"),
        row(4, external_id="0000042", phone="0044 20 7946 0004", postcode="01234"),
        row(5, external_id="42", postcode="1234"),
        row(6, external_id="../../etc/passwd", city="${jndi:ldap://127.0.0.1/a}"),
        row(7, external_id="H:7|x\\n", first_name="%s%n%x", last_name="O''Brien"),
        row(8, external_id="null", first_name="Null", last_name="None"),
        row(9, first_name="\u202eevil", last_name="Ann\u0000".replace("\0", "")),
        row(10, first_name="🧑‍🦰", last_name="👨‍👩‍👧‍👦"),
    ]
    return [
        Kind(
            "one_email_100k.csv",
            texted(
                lambda: lines([row(n, email="all@mail.example.org") for n in range(1, many + 1)])
            ),
            ((many, 0),),
            most_seconds=600,
        ),
        Kind(
            "one_phone_100k.csv",
            texted(lambda: lines([row(n, phone="+442079460000") for n in range(1, many + 1)])),
            ((many, 0),),
            most_seconds=600,
        ),
        Kind(
            "one_name_and_address_30k.csv",
            texted(
                lambda: lines(
                    [
                        row(
                            n,
                            first_name="Ann",
                            last_name="Lee",
                            address="1 High St",
                            date_of_birth="1980-01-01",
                        )
                        for n in range(30_000)
                    ]
                )
            ),
            ((30_000, 0),),
            most_seconds=600,
        ),
        Kind(
            "all_alike_100k.csv",
            texted(lambda: HEADER + (line(row(1)) + "\n") * many),
            ((many, 0),),
            most_seconds=600,
        ),
        Kind(
            "one_key_100k.csv",
            texted(lambda: lines([row(n, external_id="K") for n in range(many)])),
            ((many, 0),),
            most_seconds=600,
        ),
        Kind("injections.csv", texted(lambda: lines(nasty)), ((10, 0), (9, 1), (8, 2))),
        Kind(
            "numbers_of_every_spelling.csv",
            texted(
                lambda: lines(
                    [
                        row(1, phone="4.47912E+11"),
                        row(2, phone="1e999999"),
                        row(3, phone="٠٢٠٧٩٤٦٠٠٠٠"),
                    ]
                )
            ),
            ((3, 0),),
        ),
        Kind(
            "nothing_but_keys.csv",
            texted(lambda: HEADER + "".join(f"K{n}" + "," * 9 + "\n" for n in range(20))),
            ((20, 0), (0, 20)),
        ),
        Kind(
            "empty_keys.csv",
            texted(lambda: lines([row(n, external_id="") for n in range(20)])),
            ((0, 20), REFUSED),
        ),
        Kind(
            "spaces_for_keys.csv",
            texted(lambda: lines([row(n, external_id=" ") for n in range(20)])),
            ((0, 20), REFUSED),
        ),
        Kind(
            "na_for_everything.csv",
            texted(lambda: HEADER + "".join(f"K{n}" + ",N/A" * 9 + "\n" for n in range(20))),
            ((20, 0), (0, 20)),
        ),
    ]


def _long_values() -> list[Kind]:
    """Values as long as may be, of the shapes that make a parser go over them again and again."""
    size = 90_000
    shapes = {
        "phone_digits": row(1, phone="1" * size),
        "phone_brackets": row(1, phone="(" * size),
        "phone_extensions": row(1, phone="+44 20 7946 0000" + " ext. 1" * (size // 7)),
        "phone_slashes": row(1, phone="020 7946/" * (size // 9)),
        "email_local": row(1, email="a" * size + "@example.org"),
        "email_at_signs": row(1, email="@" * size),
        "email_dots": row(1, email="a." * (size // 2) + "@example.org"),
        "email_quotes": row(1, email='"' + "a\\" * (size // 2) + '"@example.org'),
        "email_domain": row(1, email="a@" + "b." * (size // 2) + "org"),
        "email_comments": row(1, email="(" * size + "a@example.org"),
        "email_many": row(1, email="a@example.org;" * (size // 14)),
        "name_words": row(1, first_name="van " * (size // 4)),
        "name_commas": row(1, last_name="a," * (size // 2)),
        "name_titles": row(1, first_name="Dr. " * (size // 4)),
        "name_accents": row(1, first_name="e" + "\u0301" * size),
        "name_ligatures": row(1, last_name="\ufdfa" * (size // 3)),
        "name_brackets": row(1, last_name="((" * (size // 2)),
        "address_commas": row(1, address="1, " * (size // 3)),
        "address_digits": row(1, address="1 " * (size // 2)),
        "address_spaces": row(1, address="x" + " " * size + "y"),
        "postcode_digits": row(1, postcode="1" * size),
        "country_letters": row(1, country="G" * size),
        "city_letters": row(1, city="London " * (size // 7)),
        "date_digits": row(1, date_of_birth="1" * size),
        "key_letters": row(1, external_id="K" * size),
    }  # fmt: skip
    one = [
        Kind(
            f"long_{name}.csv",
            texted(lambda cells=cells: lines([cells, *rows(5)[1:]])),
            ((5, 0), (4, 1)),
        )
        for name, cells in shapes.items()
    ]

    def all_of_them() -> str:
        return lines([[f"{n}-{c[0]}"[:90_000], *c[1:]] for c in shapes.values() for n in range(10)])

    return [
        *one,
        Kind("long_everything.csv", texted(all_of_them), tuple((250 - n, n) for n in range(251))),
    ]
