"""Say how much of a delivery is read before it is refused as too much.

A delivery comes from outside, so each number here is a bound on what one file can cost us: a
small archive that expands without end, a row with a million cells, a document nested for ever.
"""

from pydantic import Field

from rules.base import Rule


class Limits(Rule):
    """What one delivery may cost; the first three refuse it whole, the others refuse one row."""

    max_bytes: int = Field(1 << 30, gt=0, description="size of the file as delivered")
    max_expanded_bytes: int = Field(2 << 30, gt=0, description="size once unpacked")
    max_rows: int = Field(20_000_000, gt=0, description="rows or lines of one delivery")
    max_columns: int = Field(500, gt=0, description="columns; JSON: also keys of one record")
    max_field_chars: int = Field(100_000, gt=0, le=131_072, description="length of one value")
    max_nesting: int = Field(20, gt=0, le=100, description="JSON: objects and lists in each other")
