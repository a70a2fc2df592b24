"""Give a model the comparisons that it was never trained on, and leave all else as it is.

A model from before a comparison was thought of, or was given other levels, still knows what the
others weigh. What it lacks comes with the cautious shares of `compare.py`, as it would from records
that never showed it; a level that has a name of before keeps about what it weighed.
"""

from typing import Any

from rules.matching import Matching
from transforms.compare import COMPARISONS, is_as_now
from transforms.mixture import Mixture, tied
from transforms.model_settings import empty_settings, with_shares
from transforms.shares import kept_shares, labels_of, ties_of


def missing_comparisons(settings: dict[str, Any], rules: Matching) -> tuple[str, ...]:
    """What the rules compare and the model does not, or by other levels than those of now.

    Settings are in Splink's own shape, hence Any.
    """
    known = {c["output_column_name"] for c in settings["comparisons"] if is_as_now(c)}
    return tuple(name for name in rules.comparisons if name not in known)


def with_missing(settings: dict[str, Any], rules: Matching) -> dict[str, Any]:
    """The settings with what they lack; every weight that they have stays as it is."""
    lacking = rules.model_copy(update={"comparisons": missing_comparisons(settings, rules)})
    given = kept_shares(settings, lacking)
    shares = tied(given, given, ties_of(lacking))
    added = with_shares(empty_settings(lacking), Mixture(shares, {}, []))
    every = [*settings["comparisons"], *added["comparisons"]]
    by_name = {comparison["output_column_name"]: comparison for comparison in every}
    kinship = settings["kinship"]
    shared = {kind: kinship[kind] | added["kinship"][kind] for kind in ("shares", "contact_shares")}
    in_order = [*(name for name in rules.comparisons if name in by_name)]
    others = [name for name in by_name if name not in in_order]
    return {
        **settings,
        "comparisons": [by_name[name] for name in (*in_order, *others)],
        "kinship": {**kinship, **shared},
    }


def untrained_levels(settings: dict[str, Any], names: tuple[str, ...]) -> tuple[str, ...]:
    """The levels of these comparisons that the model had not, as a manifest lists what no record
    has shown. Settings are in Splink's own shape, hence Any.
    """
    had = {
        (comparison["output_column_name"], label)
        for comparison in settings["comparisons"]
        for label in labels_of(comparison)
    }
    return tuple(
        f"{name}: {level.label}"
        for name in names
        for level in COMPARISONS[name].levels
        if (name, level.label) not in had
    )
