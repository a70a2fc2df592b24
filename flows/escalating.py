"""Take what is past due a step up, and tell those who asked to be told."""

from collections import Counter
from datetime import datetime

from flows.alerts import tell_of_escalation
from rules.queues import Queues
from store.publications import ask_about_held
from store.rulebook import read_rule
from store.settings import Settings
from store.state.escalation import escalate_due
from store.state.open import open_state


def escalate(settings: Settings, now: datetime) -> tuple[Counter[str], list[str]]:
    """How many items went to whom, and what went wrong in telling of it."""
    queues = read_rule(settings.rules / "queues.toml", Queues)
    with open_state(settings) as state:
        ask_about_held(settings, state.engine, queues)
        went = escalate_due(state.engine, queues, now)
    return went, tell_of_escalation(settings, went) if went else []


def say(went: Counter[str]) -> str:
    """What came of it, in one line."""
    told = [f"{count} to {to.replace('_', ' ')}s" for to, count in sorted(went.items())]
    return f"Past due, gone up: {', '.join(told)}." if told else "Nothing went up."
