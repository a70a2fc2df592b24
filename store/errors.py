"""The errors that end a command: one sentence for a person, with what to do."""


class TouchstoneError(Exception):
    """A fault that a person can mend; its text says what is wrong and what to do."""


class NoRoomError(TouchstoneError):
    """A database found no disk space or memory to go on."""


class UnreadableError(TouchstoneError):
    """A file of tables cannot be read at all; a rebuild makes it anew."""


class OlderError(UnreadableError):
    """A file of tables was written by an earlier version; the next run makes it anew."""


class DecisionLogError(TouchstoneError):
    """The log cannot be used as asked; the message says what to do."""
