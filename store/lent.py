"""Lend frames to a database, for as long as a query reads them."""

import polars as pl
import pyarrow as pa


class Lent:
    """A frame that a query may read until it is given back.

    What a transaction has registered stays alive until its end, under no name: a stage that goes
    through a large delivery would keep all of it in memory.
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        # In the newest layout nothing is copied: polars and DuckDB keep texts alike.
        self.table: pa.Table | None = frame.to_arrow(compat_level=pl.CompatLevel.newest())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The frame in the form in which libraries hand tables to each other."""
        if self.table is None:
            raise RuntimeError("the frame was given back")
        return self.table.__arrow_c_stream__(requested_schema)
