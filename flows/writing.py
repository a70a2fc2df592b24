"""Write an answer to a file for its owner's eyes alone: complete, or not at all."""

from collections.abc import Callable
from pathlib import Path

import polars as pl

from store.errors import TouchstoneError

MOST_SHEET_ROWS = 1_048_575
"""Rows of a worksheet below its header."""
_FORMULA = r"^[=+\-@\t\r]"
"""How a text begins that a spreadsheet takes for a formula."""


def write_answer(answer: pl.DataFrame, path: Path) -> None:
    """Write a frame as the ending of the file's name says."""
    if path.suffix == ".xlsx" and answer.height > MOST_SHEET_ROWS:
        raise TouchstoneError(
            f"{answer.height:,} rows do not fit into a worksheet; write Parquet or CSV instead."
        )
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.unlink(missing_ok=True)  # one that a killed question left may be open to others
        draft.touch(mode=0o600, exist_ok=False)
        WRITERS[path.suffix](answer, draft)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise TouchstoneError(
            f"{path} cannot be written ({error.strerror}); choose another place for --out."
        ) from error


def _write_csv(answer: pl.DataFrame, path: Path) -> None:
    """Lists as JSON; no text is left that a spreadsheet would take for a formula."""
    text = pl.col(pl.String)
    _flat(answer).with_columns(
        pl.when(text.str.contains(_FORMULA)).then("'" + text).otherwise(text).name.keep()
    ).write_csv(path)


def _write_xlsx(answer: pl.DataFrame, path: Path) -> None:
    """One sheet, in which every text is a text: no formula, link or number is made of it."""
    from xlsxwriter import Workbook  # a fifth of a second that other formats need not wait

    plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    moments = [name for name, kind in answer.schema.items() if isinstance(kind, pl.Datetime)]
    local = pl.col(moments).dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    with Workbook(str(path), plain) as book:
        _flat(answer).with_columns(local).write_excel(book, worksheet="answer", autofilter=False)


def _flat(answer: pl.DataFrame) -> pl.DataFrame:
    """The frame with lists written as JSON."""
    lists = [name for name, kind in answer.schema.items() if kind.is_nested()]
    return answer.with_columns(
        pl.struct(pl.col(name).alias("_"))
        .struct.json_encode()
        .str.slice(5)
        .str.head(-1)
        .alias(name)
        for name in lists
    )


WRITERS: dict[str, Callable[[pl.DataFrame, Path], None]] = {
    ".csv": _write_csv,
    ".json": lambda answer, path: answer.write_json(path),
    ".parquet": lambda answer, path: answer.write_parquet(path),
    ".xlsx": _write_xlsx,
}
"""How an answer is written, by the ending of the file's name."""
