"""Hostile deliveries at full size, each made when it is asked for."""

from bench.adverse.files import file_kinds
from bench.adverse.kind import Kind
from bench.adverse.tables import table_kinds
from bench.adverse.texts import text_kinds


def adverse_kinds() -> list[Kind]:
    """Every kind there is."""
    return [*file_kinds(), *table_kinds(), *text_kinds()]
