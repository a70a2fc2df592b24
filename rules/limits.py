"""Say how much of a delivery is read before it is refused as too much.

A delivery comes from outside, so each number here is a bound on what one file can cost us: a
small archive that expands without end, a row with a million cells, a document nested for ever.
"""

from pydantic import Field

from rules.base import Rule


class Limits(Rule):
    """What one delivery may cost; the last three refuse one row, the others refuse it whole."""

    max_bytes: int = Field(10_000_000_000, gt=0, description="size of the file as delivered")
    max_expanded_bytes: int = Field(10_000_000_000, gt=0, description="size once unpacked")
    max_expansion: int = Field(200, gt=0, description="how many times its size it may unpack to")
    free_expansion_bytes: int = Field(
        1 << 26, gt=0, description="up to this size it may unpack to any number of times its own"
    )
    max_document_bytes: int = Field(
        1 << 28, gt=0, description="JSON, XLSX, packed Parquet, which are held whole: their size"
    )
    max_rows: int = Field(200_000_000, gt=0, description="rows or lines of one delivery")
    max_rejects: int = Field(
        1_000_000, gt=0, description="rows of one delivery that cannot be read"
    )
    max_document_rows: int = Field(5_000_000, gt=0, description="records of one JSON document")
    max_columns: int = Field(500, gt=0, description="columns; JSON: also keys of one record")
    max_field_chars: int = Field(100_000, gt=0, le=131_072, description="length of one value")
    max_nesting: int = Field(20, gt=0, le=100, description="JSON: objects and lists in each other")
