"""Read a truth file: who the records really are."""

from pathlib import Path

import polars as pl

from store.errors import TouchstoneError

SCHEMA = {
    "record_id": pl.String,
    "source": pl.String,
    "source_key": pl.String,
    "file": pl.String,
    "row_number": pl.Int64,
    "entity": pl.String,
}
"""What a truth file may say of a record; what it does not have is null."""

_NAMES = ({"record_id"}, {"source", "source_key"}, {"file", "row_number"})
"""What names a record."""

_OTHER_NAMES = {"row": "row_number", "entity_id": "entity", "cluster_id": "entity"}


def read_truth(path: Path) -> pl.DataFrame:
    """Read CSV or Parquet: entity_id or cluster_id, and what names the record.

    A record is named by record_id, by source and source_key, or, where its source has no keys,
    by the file it came in and its row number there.
    """
    truth = _read(path)
    named = {_OTHER_NAMES.get(name, name): name for name in reversed(truth.columns)}
    _refuse_columns(path, set(named))
    try:
        return truth.select(
            (pl.col(named[name]) if name in named else pl.lit(None)).cast(kind).alias(name)
            for name, kind in SCHEMA.items()
        ).drop_nulls("entity")
    except pl.exceptions.PolarsError as error:
        raise TouchstoneError(
            f"{path.name}: the row numbers are not whole numbers; mend the file."
        ) from error


def _refuse_columns(path: Path, named: set[str]) -> None:
    if "entity" not in named:
        raise TouchstoneError(
            f"{path.name} has no column entity_id or cluster_id; it must say who each record is."
        )
    if not any(names <= named for names in _NAMES):
        raise TouchstoneError(
            f"{path.name} does not name the records; it needs a column record_id, or source and "
            "source_key, or file and row_number."
        )


def _read(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise TouchstoneError(f"There is no truth file {path}; give another with --truth.")
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        return pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise TouchstoneError(
            f"{path.name} cannot be read as {'Parquet' if path.suffix == '.parquet' else 'CSV'}; "
            "give the truth as a .csv or .parquet file."
        ) from error
