"""Answer matches of the live snapshot in processes of their own, or in this one.

A match is hundreds of small steps that each hold the interpreter; beside the app they keep nobody
waiting. What they read is mapped from the files that are laid out beside the snapshot, so a second
process has little of its own.
"""

from collections.abc import Callable, Sequence
from functools import partial
from queue import SimpleQueue

from steward.api.laying import Laying, blocks_of
from steward.api.matching import Answer, Matcher, Question, model_of
from steward.aside import Aside, DiedError, FaultError
from store.cabinet import Follower, lay_out
from store.errors import TouchstoneError
from store.rulebook import Rulebook
from store.settings import Settings
from transforms.arithmetic import Often
from transforms.match import check_model, scorer_of

ANSWER_SECONDS = 30.0

Asked = tuple[str, Sequence[Question]]
"""A run, and what is asked of its snapshot."""
Answering = Callable[[Sequence[Question]], list[Answer]]


class Answerer:
    """What answers, in one process, matches of one snapshot after the other."""

    def __init__(self, settings: Settings, rulebook: Rulebook) -> None:
        self._settings, self._rulebook = settings, rulebook
        self._open: Matcher | None = None

    def __call__(self, asked: Asked) -> list[Answer]:
        """The answers, in order; with no question, the snapshot is opened and no more."""
        run_id, questions = asked
        if self._open is None or self._open.cabinet.run_id != run_id:
            self.close()
            self._open = open_matcher(self._settings, self._rulebook, run_id)
        return self._open.answer(questions) if questions else []

    def close(self) -> None:
        """Let go of the snapshot."""
        if self._open is not None:
            self._open.database.close()
            self._open = None


class Matchers:
    """Who answers matches, in as many processes as the settings say; with 0, in this one."""

    def __init__(
        self,
        settings: Settings,
        rulebook: Rulebook,
        laying: Laying,
        is_kept: Callable[[str], bool],
    ) -> None:
        self._settings, self._rulebook, self._laying = settings, rulebook, laying
        make = partial(Answerer, settings, rulebook)
        self._asides = [
            Aside[Asked, list[Answer]](make, ANSWER_SECONDS)
            for _ in range(settings.match_processes)
        ]
        self._free: SimpleQueue[Aside[Asked, list[Answer]]] = SimpleQueue()
        for aside in self._asides:
            self._free.put(aside)
        self._ready = Follower[Answering](self._made, is_kept)

    @property
    def process_ids(self) -> list[int]:
        """Of the processes that run."""
        return [aside.process_id for aside in self._asides if aside.process_id is not None]

    def is_ready(self, run_id: str) -> bool:
        """Whether questions are answered; if not of this run's snapshot, that one is begun."""
        return self._ready.at_hand(run_id) is not None

    def wait(self) -> Answering:
        """What answers, once it is ready."""
        return self._ready.wait()

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """The answer to each question, in order."""
        return self.wait()(questions)

    def close(self) -> None:
        """End the processes; nobody asks any more."""
        self._ready.let_go()
        for aside in self._asides:
            aside.close()

    def _made(self, run_id: str) -> Answering:
        self._laying.blocks(run_id)
        if not self._asides:
            return open_matcher(self._settings, self._rulebook, run_id).answer
        try:
            for aside in self._asides:
                aside.ask((run_id, ()))
        except (DiedError, FaultError) as error:
            raise TouchstoneError("The process that answers matches does not start.") from error
        return partial(self._elsewhere, run_id)

    def _elsewhere(self, run_id: str, questions: Sequence[Question]) -> list[Answer]:
        aside = self._free.get()
        try:
            return aside.ask((run_id, questions))
        finally:
            self._free.put(aside)


def open_matcher(settings: Settings, rulebook: Rulebook, run_id: str) -> Matcher:
    """What finds the customers of a snapshot that a record could be."""
    model = model_of(rulebook)
    problems = check_model(model, rulebook.matching)
    if problems:
        raise TouchstoneError(f"The match model cannot be used: {problems[0]}")
    cabinet = lay_out(settings, run_id)
    blocks = blocks_of(settings, rulebook, cabinet)
    matcher = Matcher(cabinet, blocks, rulebook, scorer_of(model), Often())
    matcher.warm()
    return matcher
