"""Tell in one sentence how the columns of a delivery differ from what its feed says."""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from rules.feed import Feed
from transforms.conform import Drift
from transforms.draft import folded_name

_SHOWN, _LONGEST = 8, 60
_ALIKE = 0.75


def tell_drift(drift: Drift, feed: Feed, synonyms: Mapping[str, Sequence[str]]) -> str:
    """What is new and what is missing, with what each may be; nothing if nothing differs."""
    told = []
    if drift.unknown:
        named = [_suggest(name, drift, feed, synonyms) for name in drift.unknown]
        told.append(f"unknown column {_listed(named)}")
    if drift.missing:
        told.append(f"missing column {_listed([repr(name) for name in drift.missing])}")
    if not told:
        return ""
    return "; ".join(told) + ": map it or ignore it in the feed, then release the delivery"


def _suggest(name: str, drift: Drift, feed: Feed, synonyms: Mapping[str, Sequence[str]]) -> str:
    """The column, with the missing one that it looks like, or else our field."""
    shown = repr(name if len(name) <= _LONGEST else name[:_LONGEST] + "…")
    folded = folded_name(name)
    for gone in drift.missing:
        ours = feed.columns.get(gone)
        words = {folded_name(word) for word in synonyms.get(ours or "", ())} | {folded_name(gone)}
        if folded in words or max(_likeness(folded, word) for word in words) >= _ALIKE:
            return f"{shown} (looks like {gone!r}{f', our {ours}' if ours else ''})"
    field = next(
        (ours for ours, words in synonyms.items() if folded in map(folded_name, words)), ""
    )
    return f"{shown} (looks like {field})" if field else shown


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
