"""Speak to PostgreSQL in as few round trips as its protocol allows.

pg8000 asks three times for each statement, and reads it letter by letter to find where its values
go. Here a connection has the server read and plan a statement once, and then names it. What is
changed `at_the_end` goes out with the commit, so that others do not wait for their turn while we,
who have it, wait for an answer to each statement.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple, Self

from pg8000 import dbapi
from pg8000.converters import make_params
from pg8000.core import SYNC_MSG, Context
from pg8000.exceptions import DatabaseError, Error, InterfaceError

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
        self.is_waiting = False
        """Whether what is changed may be sent later: see `at_the_end`."""
        self._waiting: list[tuple[bytes, Values]] = []
        """What is to be sent with whatever is asked next, or with the commit."""
        self._beginning = ""
        """The words that begin a transaction, where nothing was sent of it yet."""
        self._after = ""
        """What is asked when it is committed."""

    def cursor(self) -> "Cursor":
        """From where statements are sent."""
        return Cursor(self)

    def commit(self) -> None:
        """Keep what was done, if a transaction was begun."""
        if self._in_transaction or self._waiting:
            asked = self._send_waiting()
            for words in filter(None, ("commit", self._after)):
                self.send_QUERY(words)
                asked.append(Context(words))
            self._answered(asked)
        self._beginning = self._after = ""

    def begin(self, words: str, after: str = "") -> None:
        """Begin in these words, together with what is asked first.

        `after` is asked as soon as it is committed, and before the commit returns.
        """
        self._beginning, self._after = words, after

    def rollback(self) -> None:
        """Take it back, if one was begun."""
        self._waiting.clear()
        self._beginning = self._after = ""
        if self._in_transaction:
            self.execute_simple("rollback")

    @contextmanager
    def at_the_end(self) -> Iterator[None]:
        """What is changed here need not be done before something is asked, or all is committed."""
        self.is_waiting = True
        try:
            yield
        finally:
            self.is_waiting = False

    def ask(self, text: str, rows: Sequence[Values]) -> Context:
        """Send a statement with each of these rows of values; what came of all of them."""
        statement = numbered(text)
        name, columns, readers = self._prepared(statement)
        context = Context(statement, None, columns, readers)
        asked = [(name, values) for values in rows]
        if self.is_waiting and columns is None and (self._beginning or self._in_transaction):
            self._waiting += asked
            return context
        before = self._send_waiting()
        for start in range(0, len(asked), AT_ONCE):
            self._send(asked[start : start + AT_ONCE])
            self._answered([*before, context])
            before = []
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

    def send_now(self) -> None:
        """Have all done that waits."""
        if self._waiting or self._beginning:
            self._answered(self._send_waiting())

    def _send_waiting(self) -> list[Context]:
        """Send what waits; what of the answers is to be read then."""
        waiting, self._waiting = self._waiting, []
        words, self._beginning = self._beginning, ""
        asked = []
        if words:
            self.send_QUERY(words)
            asked.append(Context(words))
        for start in range(0, len(waiting), AT_ONCE):
            if start:
                self._answered(asked)
                asked = []
            self._send(waiting[start : start + AT_ONCE])
            asked.append(Context("what waited"))
        return asked

    def _send(self, named: Sequence[tuple[bytes, Values]]) -> None:
        try:
            for name, values in named:
                self.send_BIND(name, make_params(self.py_types, values))
                self.send_EXECUTE()
            self._sock.write(SYNC_MSG)
        except OSError as error:
            raise InterfaceError("network error") from error

    def _answered(self, asked: Sequence[Context]) -> None:
        """Read all answers, or the next would be taken for another's; then say what went wrong."""
        wrong: list[Error] = []
        try:
            self._sock.flush()
        except OSError as error:
            raise InterfaceError("network error") from error
        for context in asked:
            try:
                self.handle_messages(context)
            except Error as error:
                wrong.append(error)
        if wrong:
            first = wrong[0]
            if isinstance(first, DatabaseError) and first.args[0].get("C") in FORGOTTEN:
                self._known.clear()  # so that it is made anew the next time
            raise first


class Cursor(dbapi.Cursor):  # type: ignore[misc]  # pg8000 has no types
    """Sends statements with their values."""

    def execute(self, operation: str, args: Values = (), stream: object = None) -> Self:
        """Send a statement."""
        if stream is not None or not (args or self._c.is_waiting):
            self._c.send_now()
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
