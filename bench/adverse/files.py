# ruff: noqa: E501, PLW0108 - a table: one kind a line, its content made when it is asked for
"""Hostile archives, names of files, and what is no file at all."""

import bz2
import gzip
import io
import lzma
import os
import socket
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from bench.adverse.kind import (
    IGNORED,
    REFUSED,
    Kind,
    gzipped,
    texted,
    written,
    zipped,
)
from tests.hostile import lines, rows

MB = 1 << 20


def file_kinds() -> list[Kind]:
    """Every kind of hostile archive, name and thing, at full size."""
    return [*_gzips(), *_zips(), *_names(), *_things()]


def _good() -> bytes:
    return lines(rows(20)).encode()


def _gzips() -> list[Kind]:
    good = _good()
    return [
        Kind("bomb_1gb_of_x.csv.gz", gzipped(b"x" * MB, 1024), (REFUSED,)),
        Kind(
            "bomb_1gb_of_lines.csv.gz", gzipped(b"a,b\n" * (MB // 4), 1024, head=good), (REFUSED,)
        ),
        Kind("bomb_1gb_of_commas.csv.gz", gzipped(b"," * MB, 1024, head=good), (REFUSED,)),
        Kind("bomb_10gb_of_newlines.csv.gz", gzipped(b"\n" * MB, 10_240), (REFUSED,)),
        Kind(
            "bomb_1gb.jsonl.gz",
            gzipped(b"{}\n" * (MB // 3), 1024),
            (REFUSED,),
            feed="hostile_ndjson",
        ),
        Kind(
            "bomb_1gb_of_brackets.jsonl.gz",
            gzipped(b"[" * MB, 1024),
            (REFUSED,),
            feed="hostile_ndjson",
        ),
        Kind(
            "partner_beta_bomb_1gb.json.gz",
            gzipped(b" " * MB, 1024, head=b'{"records": ['),
            (REFUSED,),
        ),
        Kind("bomb_in_a_bomb.csv.gz", written(lambda: gzip.compress(_packed_bomb())), (REFUSED,)),
        Kind(
            "gzip_three_times.csv.gz",
            written(lambda: gzip.compress(gzip.compress(gzip.compress(good)))),
            (REFUSED,),
        ),
        Kind(
            "two_gzips.csv.gz",
            written(
                lambda: (
                    gzip.compress(good)
                    + gzip.compress(
                        lines([[f"X{n}", *one[1:]] for n, one in enumerate(rows(20))])
                        .split("\n", 1)[1]
                        .encode()
                    )
                )
            ),
            ((40, 0),),
        ),
        Kind(
            "rubbish_after.csv.gz",
            written(lambda: gzip.compress(good) + b"rubbish"),
            (REFUSED, (20, 0)),
        ),
        Kind(
            "zeros_after.csv.gz",
            written(lambda: gzip.compress(good) + bytes(4096)),
            (REFUSED, (20, 0)),
        ),
        Kind(
            "wrong_checksum.csv.gz",
            written(lambda: gzip.compress(good)[:-8] + bytes(8)),
            (REFUSED,),
        ),
        Kind(
            "cut_off.csv.gz",
            written(lambda: gzip.compress(lines(rows(5000)).encode())[:20_000]),
            (REFUSED,),
        ),
        Kind("only_a_header.csv.gz", written(lambda: gzip.compress(good)[:10]), (REFUSED,)),
        Kind("nothing_in_it.csv.gz", written(lambda: gzip.compress(b"")), (REFUSED, (0, 0))),
        Kind("plain_named.csv.gz", written(lambda: good), ((20, 0), REFUSED)),
        Kind(
            "members_100k.csv.gz",
            written(lambda: gzip.compress(good) + gzip.compress(b"") * 100_000),
            ((20, 0), REFUSED),
        ),
        Kind(
            "zip_in_gzip.csv.gz",
            written(lambda: gzip.compress(zipped({"a.csv": good}))),
            ((20, 0), REFUSED),
        ),
        Kind("bzip2.csv.bz2", written(lambda: bz2.compress(good)), (REFUSED,), says="bzip2"),
        Kind("xz.csv.xz", written(lambda: lzma.compress(good)), (REFUSED,), says="xz"),
        Kind(
            "zstd.csv.zst",
            written(lambda: b"\x28\xb5\x2f\xfd" + good),
            (REFUSED,),
            says="zstandard",
        ),
    ]


def _zips() -> list[Kind]:
    good = _good()
    link = zipfile.ZipInfo("a.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    nested = good
    for depth in range(10):
        nested = zipped({f"{depth}.zip" if depth else "a.csv": nested})
    found = [
        Kind(f"{name}.zip", written(content), allowed, says=says)
        for name, content, allowed, says in (
            (
                "bzip2_member",
                lambda: zipped({"a.csv": good}, zipfile.ZIP_BZIP2),
                ((20, 0), REFUSED),
                "",
            ),
            (
                "lzma_member",
                lambda: zipped({"a.csv": good}, zipfile.ZIP_LZMA),
                ((20, 0), REFUSED),
                "",
            ),
            ("stored_member", lambda: zipped({"a.csv": good}, zipfile.ZIP_STORED), ((20, 0),), ""),
            ("deflate64_member", lambda: _with_method(zipped({"a.csv": good}), 9), (REFUSED,), ""),
            ("unknown_method", lambda: _with_method(zipped({"a.csv": good}), 97), (REFUSED,), ""),
            (
                "broken_lzma",
                lambda: _broken(zipped({"a.csv": good}, zipfile.ZIP_LZMA)),
                (REFUSED,),
                "",
            ),
            (
                "broken_bzip2",
                lambda: _broken(zipped({"a.csv": good}, zipfile.ZIP_BZIP2)),
                (REFUSED,),
                "",
            ),
            ("broken_deflate", lambda: _broken(zipped({"a.csv": good})), (REFUSED,), ""),
            ("encrypted", lambda: _locked(zipped({"a.csv": good})), (REFUSED,), "password"),
            ("two_members", lambda: zipped({"a.csv": good, "b.csv": good}), (REFUSED,), "2 files"),
            ("one_name_twice", lambda: _twice(good), (REFUSED,), ""),
            (
                "readme_beside",
                lambda: zipped({"a.csv": good, "README.pdf": b"%PDF"}),
                ((20, 0), REFUSED),
                "",
            ),
            (
                "litter_beside",
                lambda: zipped({"a.csv": good, "__MACOSX/._a.csv": b"x", ".DS_Store": b"x"}),
                ((20, 0),),
                "",
            ),
            (
                "path_out_of_it",
                lambda: zipped({"../../../tmp/PWNED.csv": good}),
                ((20, 0), REFUSED),
                "",
            ),
            ("absolute_path", lambda: zipped({"/tmp/PWNED.csv": good}), ((20, 0), REFUSED), ""),
            ("drive_path", lambda: zipped({"C:\\PWNED.csv": good}), ((20, 0), REFUSED), ""),
            ("member_is_a_link", lambda: _linked(link), (REFUSED, (0, 0)), ""),
            ("nested", lambda: nested, (REFUSED,), ""),
            (
                "zip_in_zip",
                lambda: zipped({"a.zip": zipped({"a.csv": good})}),
                (REFUSED, (20, 0)),
                "",
            ),
            ("nothing_in_it", lambda: zipped({}), (REFUSED,), ""),
            ("an_empty_member", lambda: zipped({"a.csv": b""}), (REFUSED, (0, 0)), ""),
            ("only_a_folder", lambda: zipped({"a/": b""}), (REFUSED,), ""),
            ("cut_off", lambda: zipped({"a.csv": good})[:-40], (REFUSED,), ""),
            (
                "rubbish_before",
                lambda: b"PK\x03\x04rubbish" + zipped({"a.csv": good}),
                (REFUSED, (20, 0)),
                "",
            ),
            (
                "members_100k",
                lambda: zipped({f"{n}.csv": b"" for n in range(100_000)}),
                (REFUSED,),
                "",
            ),
            ("bomb_1gb", lambda: _bomb(zipfile.ZIP_DEFLATED), (REFUSED,), ""),
            (
                "bomb_that_lies",
                lambda: _lying(_bomb(zipfile.ZIP_DEFLATED), 1 << 30),
                (REFUSED,),
                "",
            ),
            ("bomb_bzip2_1gb", lambda: _bomb(zipfile.ZIP_BZIP2), (REFUSED,), ""),
            ("bomb_lzma_1gb", lambda: _bomb(zipfile.ZIP_LZMA), (REFUSED,), ""),
            ("wrong_checksum", lambda: _wrong_checksum(good), (REFUSED,), ""),
            ("tar", lambda: b"a.csv".ljust(257, b"\0") + b"ustar" + good, (REFUSED,), "tar"),
            ("rar", lambda: b"Rar!\x1a\x07\x00" + good, (REFUSED,), "RAR"),
            ("seven_zip", lambda: b"7z\xbc\xaf\x27\x1c" + good, (REFUSED,), "7z"),
        )
    ]
    return [
        *found,
        Kind(
            "parquet_in_zip.parquet",
            written(lambda: zipped({"a.parquet": b"PAR1" + good})),
            (REFUSED,),
        ),
    ]


def _names() -> list[Kind]:
    names = [
        "glob_*.csv", "glob_[a-z]?.csv", "quote_'.csv", 'quote_".csv', "back`tick`.csv", "new\nline.csv", "tab\there.csv",
        "percent_%2e%2e%2fetc%2fpasswd.csv", "percent_%00.csv", "percent_%s%n.csv", "semi;touch PWNED.csv", "pipe|touch PWNED.csv",
        "dollar_${HOME}.csv", "back\\slash.csv", "--version.csv", " leading space.csv", "trailing space .csv", "s3:__bucket.csv", "http:__x.csv",
        "umlaut_\u00fc.csv", "umlaut_u\u0308.csv", "\u202egnp.csv", "🧨.csv", "not_utf8_\udcff\udcfe.csv", "a" * 251 + ".csv", "..csv.csv", "...csv",
        "drop'); drop table x;--.csv", "escape_\x1b[31m.csv", "NUL.csv", "con", "UPPER.CSV", "no_ending", "hash#frag?q=1.csv", "{a,b}{1..9}.csv", "~user.csv", "a&b<c>.csv",
    ]  # fmt: skip
    body = rows(3)
    return [
        Kind(
            name,
            texted(lambda n=n: lines([[f"{n}-{one[0]}", *one[1:]] for one in body])),
            ((3, 0), REFUSED, IGNORED) if name.startswith(".") else ((3, 0),),
        )
        for n, name in enumerate(names)
    ]


def _things() -> list[Kind]:
    good = _good()

    def in_folder(folder: str) -> Kind:
        return Kind(f"{folder}/in_it.csv", _below(good), ((20, 0), IGNORED))

    return [
        Kind("link_out.csv", lambda path: path.symlink_to("/etc/passwd"), (IGNORED, REFUSED)),
        Kind("link_to_good.csv", _linked_file(good), (IGNORED, REFUSED, (20, 0))),
        Kind("link_loop.csv", lambda path: path.symlink_to(path.name), (IGNORED, REFUSED)),
        Kind("link_dangling.csv", lambda path: path.symlink_to("nowhere.csv"), (IGNORED, REFUSED)),
        Kind("link_to_zero.csv", lambda path: path.symlink_to("/dev/zero"), (IGNORED, REFUSED)),
        Kind("link_to_folder", lambda path: path.symlink_to("/etc"), (IGNORED, REFUSED), feed="hostile_csv"),
        Kind("link_to_above", lambda path: path.symlink_to(".."), (IGNORED, REFUSED), feed="hostile_csv"),
        Kind("pipe.csv", lambda path: os.mkfifo(path), (IGNORED, REFUSED)),
        Kind("socket.csv", _socket, (IGNORED, REFUSED)),
        Kind("device_zero.csv", lambda path: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5)), (IGNORED, REFUSED)),
        Kind("device_block.csv", lambda path: os.mknod(path, stat.S_IFBLK | 0o666, os.makedev(7, 0)), (IGNORED, REFUSED)),
        Kind("folder.csv", lambda path: path.mkdir(), (IGNORED,)),
        Kind("hard_link.csv", _hard_linked(good), ((20, 0), REFUSED, IGNORED)),
        Kind("unfinished.csv.part", written(lambda: good), (IGNORED,)),
        Kind("unfinished.csv.tmp", written(lambda: good), (IGNORED,)),
        Kind("unfinished.csv.filepart", written(lambda: good), (IGNORED,)),
        Kind("unfinished.csv.crdownload", written(lambda: good), (IGNORED,)),
        Kind("unfinished.csv.PART", written(lambda: good), (IGNORED,)),
        Kind("unfinished.csv.swp", written(lambda: good), (IGNORED,)),
        Kind("unfinished.csv.lock", written(lambda: b"1234"), (IGNORED,)),
        Kind("unfinished.csv~", written(lambda: good), (IGNORED,)),
        Kind(".~lock.leads.csv#", written(lambda: b",ann,desk,01.01.2025 10:00;"), (IGNORED,)),
        Kind("~$leads.csv", written(lambda: b"\x03ann"), (IGNORED,)),
        Kind(".hidden.csv", written(lambda: good), (IGNORED,)),
        Kind(".DS_Store", written(lambda: b"\0\0\0\1Bud1"), (IGNORED,), feed="hostile_csv"),
        Kind("Thumbs.db", written(lambda: b"\xd0\xcf\x11\xe0"), (IGNORED,), feed="hostile_csv"),
        Kind("desktop.ini", written(lambda: b"[.ShellClassInfo]"), (IGNORED,), feed="hostile_csv"),
        in_folder("deep/" + "/".join("d" * 3 for _ in range(60))),
        in_folder("../hostile_csv/up"),
        in_folder("folder with ' and \" and \n in it"),
        in_folder(".hidden"),
        Kind("same_content_again.csv", _doubled(good), ((20, 0),)),
        Kind("no_rights.csv", lambda path: (path.write_bytes(good), path.chmod(0)), ((20, 0), IGNORED)),
        Kind("read_only.csv", lambda path: (path.write_bytes(good), path.chmod(0o444)), ((20, 0),)),
        Kind("of_the_future.csv", lambda path: (path.write_bytes(good), os.utime(path, (1e11, 1e11))), ((20, 0),)),
        Kind("thousand_files_999.csv", _thousand, ((1, 0),), most_seconds=120),
    ]  # fmt: skip


def _bomb(method: int) -> bytes:
    """A gigabyte of one letter."""
    target, block = io.BytesIO(), b"x" * MB
    with zipfile.ZipFile(target, "w", method) as archive, archive.open("a.csv", "w") as member:
        for _ in range(1 << 10):
            member.write(block)
    return target.getvalue()


def _packed_bomb() -> bytes:
    packer, target = zlib.compressobj(9, zlib.DEFLATED, 31), io.BytesIO()
    for _ in range(1024):
        target.write(packer.compress(bytes(MB)))
    target.write(packer.flush())
    return target.getvalue()


def _with_method(archive: bytes, method: int) -> bytes:
    data, code = bytearray(archive), struct.pack("<H", method)
    data[8:10] = code
    at = data.rindex(b"PK\x01\x02")
    data[at + 10 : at + 12] = code
    return bytes(data)


def _locked(archive: bytes) -> bytes:
    data = bytearray(archive)
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def _lying(archive: bytes, size: int) -> bytes:
    return archive.replace(struct.pack("<I", size), struct.pack("<I", 1000))


def _broken(archive: bytes) -> bytes:
    data = bytearray(archive)
    for at in range(80, len(data) - 150, 13):
        data[at] ^= 0x5A
    return bytes(data)


def _wrong_checksum(content: bytes) -> bytes:
    code = struct.pack("<I", zlib.crc32(content))
    return zipped({"a.csv": content}).replace(code, b"\1\2\3\4")


def _twice(content: bytes) -> bytes:
    archive = zipped({"a.csv": content, "b.csv": content[:300]})
    return archive.replace(b"b.csv", b"a.csv")


def _linked(info: zipfile.ZipInfo) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    return target.getvalue()


def _below(content: bytes) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    return make


def _linked_file(content: bytes) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        real = path.parents[3] / "outside.csv"
        real.write_bytes(content)
        path.symlink_to(real)

    return make


def _hard_linked(content: bytes) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        real = path.parents[3] / "outside.csv"
        real.write_bytes(content)
        path.hardlink_to(real)

    return make


def _socket(path: Path) -> None:
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as found:
            found.bind(path.name)
    finally:
        os.chdir(before)


def _doubled(content: bytes) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        path.write_bytes(content)
        path.with_name("zz_the_same.csv").write_bytes(content)

    return make


def _thousand(path: Path) -> None:
    for number in range(1000):
        cells = rows(1)[0]
        text = lines([[f"T{number}", *cells[1:]]])
        path.with_name(f"thousand_files_{number:03d}.csv").write_text(text)
