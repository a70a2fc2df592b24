"""Write the folder of a new feed, whole or not at all."""

import json
import os
import tomllib
from pathlib import Path

from store.errors import TouchstoneError
from store.files import remove_tree, sync_file, sync_folder

SAMPLE_BYTES = 200_000
"""A sample is kept with the rules and read at each check, so it must not be larger."""

SAMPLE_LINES = 25
"""So many lines of a text are kept."""


def cut_sample(path: Path, *, has_lines: bool, records: str | None = None) -> bytes:
    """The delivery, or its first rows where these are lines of plain text or in one JSON array.

    records: of a JSON document, the dotted path to its array; unset: it is an array itself.
    """
    with path.open("rb") as content:
        lines = [content.readline(SAMPLE_BYTES) for _ in range(SAMPLE_LINES)]
    cut = b"".join(lines)
    if has_lines and b"\0" not in cut and len(cut) <= SAMPLE_BYTES:
        return cut
    if path.stat().st_size > SAMPLE_BYTES:
        cut = b"" if has_lines else _cut_document(path, records)
        if cut and len(cut) <= SAMPLE_BYTES:
            return cut
        raise TouchstoneError(
            f"{path.name} is larger than {SAMPLE_BYTES:,} bytes and cannot be cut line by line; "
            "give a delivery of a few rows."
        )
    return path.read_bytes()


def _cut_document(path: Path, records: str | None) -> bytes:
    """A JSON document with the first of its records; nothing where it is none."""
    try:
        document = json.loads(path.read_bytes())
        found = document
        for key in records.split(".") if records else ():
            found = found[key]
        del found[SAMPLE_LINES:]
    except (ValueError, RecursionError, LookupError, TypeError):
        return b""
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def read_synonyms(rules: Path) -> dict[str, list[str]]:
    """What columns are called by those who send: our field = their words."""
    path = rules / "lookups" / "column_names.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TouchstoneError(
            f"{path} cannot be read ({error}); put it back, or mend it."
        ) from error


def write_feed(folder: Path, files: dict[str, bytes]) -> None:
    """Write `files` to the new `folder`; a folder that is there already is left alone."""
    if folder.exists():
        raise TouchstoneError(
            f"There is a feed {folder.name} already; choose another name, or change its files "
            f"in {folder}."
        )
    draft = folder.with_name(f".{folder.name}.draft")
    remove_tree(draft)
    draft.mkdir(parents=True)
    for name, content in files.items():
        (draft / name).write_bytes(content)
        sync_file(draft / name)
    os.replace(draft, folder)
    sync_folder(folder.parent)
