"""Speak to PostgreSQL in as few round trips as its protocol allows.

pg8000 asks three times for each statement, and reads it letter by letter to find where its values
go. Here a connection has the server read and plan a statement once, and then names it.
"""

from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Self

from pg8000 import dbapi
from pg8000.converters import make_params
from pg8000.core import SYNC_MSG, Context
from pg8000.exceptions import DatabaseError, InterfaceError

MOST_KNOWN = 100
"""Statements that the server keeps for a connection; the one not used for longest goes first."""
AT_ONCE = 100
"""Rows that are sent before the answers to them are read: neither buffer may run full."""
FORGOTTEN = frozenset({"0A000", "26000"})
"""What PostgreSQL says of a statement whose tables changed, or that it does not know any more."""

Values = Sequence[object]


class Known(NamedTuple):
    """A statement that the server has, and what its answers look like."""

    name: bytes
    columns: list[dict[str, Any]] | None
    readers: list[Any]


class Connection(dbapi.Connection):  # type: ignore[misc]  # pg8000 has no types
    """A connection that knows its statements; a transaction is begun in so many words or not."""

    def __init__(self, *args: Any, **named: Any) -> None:
        """As pg8000 makes one."""
        super().__init__(*args, **named)
        self._known: OrderedDict[str, Known] = OrderedDict()

    def cursor(self) -> "Cursor":
        """From where statements are sent."""
        return Cursor(self)

    def commit(self) -> None:
        """Keep what was done, if a transaction was begun."""
        if self._in_transaction:
            self.execute_simple("commit")

    def rollback(self) -> None:
        """Take it back, if one was begun."""
        if self._in_transaction:
            self.execute_simple("rollback")

    def ask(self, text: str, rows: Sequence[Values]) -> Context:
        """Send a statement with each of these rows of values; what came of all of them."""
        statement = numbered(text)
        try:
            name, columns, readers = self._prepared(statement)
            context = Context(statement, None, columns, readers)
            for start in range(0, len(rows), AT_ONCE):
                for values in rows[start : start + AT_ONCE]:
                    self.send_BIND(name, make_params(self.py_types, values))
                    self.send_EXECUTE()
                self._sync(context)
        except DatabaseError as error:
            if error.args[0].get("C") in FORGOTTEN:
                self._known.clear()  # so that it is made anew the next time
            raise
        return context

    def _prepared(self, statement: str) -> Known:
        known = self._known.get(statement)
        if known is None:
            if len(self._known) >= MOST_KNOWN:
                _, oldest = self._known.popitem(last=False)
                self.close_prepared_statement(oldest.name)
            known = self._known[statement] = Known(*self.prepare_statement(statement, ()))
        self._known.move_to_end(statement)
        return known

    def _sync(self, context: Context) -> None:
        try:
            self._sock.write(SYNC_MSG)
            self._sock.flush()
        except OSError as error:
            raise InterfaceError("network error") from error
        self.handle_messages(context)


class Cursor(dbapi.Cursor):  # type: ignore[misc]  # pg8000 has no types
    """Sends statements with their values."""

    def execute(self, operation: str, args: Values = (), stream: object = None) -> Self:
        """Send a statement."""
        if stream is not None or not args:
            super().execute(operation, args, stream)
            return self
        return self._ask(operation, [args])

    def executemany(self, operation: str, param_sets: Sequence[Values]) -> Self:
        """Send it with the values of many rows, without a wait between them."""
        return self._ask(operation, param_sets)

    def _ask(self, operation: str, rows: Sequence[Values]) -> Self:
        self._context = self._c.ask(operation, rows)
        found = self._context.rows
        self._row_iter = None if found is None else iter(found)
        return self


@lru_cache(maxsize=500)
def numbered(text: str) -> str:
    """A statement with its places for values numbered, as PostgreSQL reads it."""
    statement: str = dbapi.convert_paramstyle("format", text, ())[0]
    return statement
