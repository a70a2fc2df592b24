"""Search everything below a folder for texts: every byte, and what is packed in the files."""

import gzip
import io
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl


def places_of(folder: Path, texts: list[str]) -> dict[str, list[str]]:
    """For each text the files below `folder` that hold it, in any way in which they can be read."""
    found: dict[str, list[str]] = {text: [] for text in texts}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        content = path.read_bytes()
        views = [view.lower() for view in _views(path, content)]
        name = path.relative_to(folder).as_posix()
        for text in texts:
            wanted = _spellings(text.lower())
            if any(one in view for one in wanted for view in views) or text.lower() in name.lower():
                found[text].append(name)
    return found


def _spellings(text: str) -> list[bytes]:
    return [text.encode("utf-8"), text.encode("utf-16-le"), text.encode("latin-1", "replace")]


def _views(path: Path, content: bytes) -> Iterator[bytes]:
    yield content
    if content.startswith(b"\x1f\x8b"):
        yield from _views(path, gzip.decompress(content))
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield from _views(path, archive.read(member))
    if content.startswith(b"PAR1"):
        table = pl.read_parquet(io.BytesIO(content))
        yield repr(table.schema).encode()
        yield repr(table.to_dicts()).encode()
    if content.startswith(b"SQLite format 3"):
        yield from _of_sqlite(path)
    if content[8:12] == b"DUCK":
        yield from _of_duckdb(path)


def _of_sqlite(path: Path) -> Iterator[bytes]:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as con:
        for line in con.iterdump():
            yield line.encode()
    con.close()


def _of_duckdb(path: Path) -> Iterator[bytes]:
    with duckdb.connect(str(path), read_only=True) as con:
        tables = con.sql("select schema_name, table_name from duckdb_tables()").fetchall()
        for schema, table in tables:
            rows = con.sql(f'from "{schema}"."{table}"').fetchall()
            yield repr(rows).encode()
