"""Take the answers to several conflicts of one customer: each a decision of its own item.

What cannot be stored is told and keeps nothing else back.
"""

from typing import NamedTuple

from starlette.responses import Response

from steward.desk.asking import put_question
from steward.desk.items import item_page
from steward.desk.pages import Page
from steward.desk.queue import go_on
from steward.desk.refused import Refused, unreadable
from steward.desk.superseded import superseded
from steward.desk.together import MOST
from steward.desk.verdicts import store_answer
from steward.desk.visit import Visit
from store.state.queue import StaleError
from transforms.answer import AnswerError

VERSION = "version_"
ASK = "ask"
"""The answer that lets an item wait for its customer."""
OF_AN_ITEM = ("version", "verdict_id", "answer", "typed", "text", "until")


class Told(NamedTuple):
    """What became of the answers."""

    stored: int
    wrong: dict[str, str]
    """By item, what does not fit."""
    stale: list[StaleError | Refused]
    """What happened meanwhile to items that are not as they were seen, by people or a run."""

    def happened(self) -> list[str]:
        """The same in sentences."""
        return [one.says if isinstance(one, Refused) else str(one) for one in self.stale]


def give_verdicts(visit: Visit) -> Response:
    """Store what was chosen for each conflict, and go on."""
    told = _store_all(visit)
    wrong = next(iter(told.wrong), None)
    if wrong is None and not told.stale and not told.stored:
        wrong = visit.request.path_params["item_id"]
    waiting = None if wrong is None else visit.state.work.find(visit.reader, wrong)
    if wrong is not None and waiting is not None:
        kept = "What fits is saved. " if told.stored else ""
        says = told.wrong.get(wrong, "Choose a value for one of them at least.")
        return item_page(visit, waiting, 422, wrong=f"{kept}{' '.join([says, *told.happened()])}")
    if told.stale:
        raise _somebody_was_quicker(told)
    return go_on(visit, "conflict")


def _store_all(visit: Visit) -> Told:
    named = [name.removeprefix(VERSION) for name in visit.form if name.startswith(VERSION)]
    if not named or len(named) > MOST + 1:
        raise unreadable()
    stored, wrong = 0, {}
    stale: list[StaleError | Refused] = []
    for item_id in named:
        one = visit._replace(form=_form_of(visit, item_id))
        if not one.form["answer"]:
            continue
        try:
            _store(one, item_id)
            stored += 1
        except AnswerError as error:
            wrong[item_id] = str(error)
        except StaleError as error:
            stale.append(superseded(one, item_id, one.form, error))
    return Told(stored, wrong, stale)


def _store(visit: Visit, item_id: str) -> None:
    if visit.form["answer"] == ASK:
        put_question(visit, item_id)
    else:
        store_answer(visit, item_id)


def _form_of(visit: Visit, item_id: str) -> dict[str, str]:
    """The fields of one item, named as on a page of its own."""
    form = {name: visit.form.get(f"{name}_{item_id}", "") for name in OF_AN_ITEM}
    return form | {name: visit.form.get(name, "") for name in ("because", "run")}


def _somebody_was_quicker(told: Told) -> Refused:
    saved = {0: "Nothing was saved.", 1: "The other one is saved."}
    kept = saved.get(told.stored, f"The other {told.stored} are saved.")
    says = f"{' '.join(dict.fromkeys(told.happened()))} {kept}"
    by_runs = [one for one in told.stale if isinstance(one, Refused)]
    if by_runs:
        first = by_runs[0]
        return Refused(409, first.title, says, first.way, change=first.change)
    return Refused(409, "Somebody was quicker", says, ("Take the next one", "/conflicts"))


PAGES = (Page("/items/{item_id}/verdicts", give_verdicts, "comment", "POST"),)
