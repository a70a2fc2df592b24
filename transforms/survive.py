"""Choose which values survive: the lineage first, and the customer is its pivot.

Records are grouped by customer and epoch. An epoch begins when something about a customer's
records arrived; what held in each epoch is worked out from the versions that had arrived by
then, so the history is the same whichever nights the records came in.
"""

from typing import NamedTuple, get_args

import polars as pl

from rules.survivorship import FieldRule, Survivorship, TieBreaker, Usage

ORDER: dict[str, pl.Expr] = {
    "most_trusted": -pl.col("trust"),
    "most_recent": -pl.col("updated_at").dt.epoch("us"),
    "most_frequent": -pl.len().over("group", "value").cast(pl.Int64),
    "most_complete": -pl.col("value").str.len_chars().cast(pl.Int64),
    "most_whole": -pl.col("parts").cast(pl.Int64),
    "refusal_first": (pl.col("value") != "false").cast(pl.Int64),
    "first_to_arrive": pl.col("record_number"),
}
"""What a tie-breaker in survivorship.toml sorts by, smallest first; `most_personal` is beside."""

ONLY_VALUE = "only_value"
STEWARD = "steward"
WORDS = pl.Enum([ONLY_VALUE, STEWARD, *get_args(TieBreaker)])
"""What may have decided for a value."""


class Survivors(NamedTuple):
    """The values that survive, and the ties that no rule could break."""

    lineage: dict[str, pl.DataFrame]
    """By golden field, one row per group that has a value: group, value (text), record_number,
    decided_by (`only_value`, `steward` or the tie-breaker that decided)."""
    conflicts: pl.DataFrame
    """One row per group and field where the value stays for want of a rule: group, field,
    value, record_number, rival_value, rival_record, why."""


class _Chosen(NamedTuple):
    lineage: dict[str, pl.DataFrame]
    conflicts: pl.DataFrame


def survive(records: pl.DataFrame, rules: Survivorship, choices: pl.DataFrame) -> Survivors:
    """Choose one value per golden field and group.

    records: group, record_number, trust, updated_at and the standardised fields as
    text; choices: group, field, value, record_number of stewards' decisions, which come first.
    """
    order = {**ORDER, "most_personal": _is_role(rules.usage).cast(pl.Int64)}
    chosen = [_choose(name, rule, records, choices, order) for name, rule in rules.fields.items()]
    lineage = {field: found for part in chosen for field, found in part.lineage.items()}
    return Survivors(lineage, pl.concat([part.conflicts for part in chosen]))


def _is_role(usage: Usage) -> pl.Expr:
    """Whether a value is an address that no person owns, such as info@."""
    local = pl.col("value").str.extract(r"^([^@]+)@")
    return local.is_in(usage.role_mailboxes).fill_null(value=False)


def _choose(
    name: str,
    rule: FieldRule,
    records: pl.DataFrame,
    choices: pl.DataFrame,
    order: dict[str, pl.Expr],
) -> _Chosen:
    fields = rule.group or (name,)
    candidates = _candidates(name, rule, records)
    decided = choices.filter(pl.col("field").is_in(fields))
    keys = [order[breaker].alias(f"key_{breaker}") for breaker in rule.order]
    shared = candidates.filter(pl.col("group").is_duplicated())
    alone = candidates.filter(~pl.col("group").is_duplicated())
    ranked = shared.with_columns(*keys).sort(
        "group", *(f"key_{breaker}" for breaker in rule.order), "position", "record_number"
    )
    top = ranked.unique("group", keep="first", maintain_order=True)
    contested = _contested(ranked, top, rule)
    top = top.join(contested.select("group", "decided_by"), on="group", how="left")
    best = pl.concat(
        [
            alone.select("group", "value", "record_number", decided_by=_word(ONLY_VALUE)),
            top.select(
                "group",
                "value",
                "record_number",
                decided_by=pl.coalesce("decided_by", _word(ONLY_VALUE)),
            ),
        ]
    )
    whole = _said_whole(candidates, choices.filter(pl.col("field") == name))
    if rule.group:
        best = pl.concat([best.join(whole, on="group", how="anti"), whole])
    lineage = _spell_out(fields, best, records) if rule.group else {name: best}
    settled = pl.concat([decided["group"], whole["group"]])
    return _Chosen(
        {field: _with_choices(field, found, decided) for field, found in lineage.items()},
        _conflicts(name, rule, contested).filter(~pl.col("group").is_in(settled.implode())),
    )


def _candidates(name: str, rule: FieldRule, records: pl.DataFrame) -> pl.DataFrame:
    """Values that compete: group, value, record_number, trust, updated_at, position, parts."""
    columns = ("group", "record_number", "trust", "updated_at")
    if rule.group:
        value = pl.concat_str(
            [pl.col(field) for field in rule.group], separator=" ", ignore_nulls=True
        )
        there = (pl.col(field).is_not_null().cast(pl.Int64) for field in rule.core)
        parts = pl.sum_horizontal(pl.lit(0, pl.Int64), *there)
        found = [records.select(*columns, value=value, position=pl.lit(0), parts=parts)]
        return found[0].filter(pl.col("value") != "")
    found = [
        records.select(
            *columns, value=pl.col(field), position=pl.lit(position), parts=pl.lit(0, pl.Int64)
        )
        for position, field in enumerate((name, *rule.also))
        if field in records.columns
    ]
    return pl.concat(found).filter(pl.col("value").is_not_null())


def _said_whole(candidates: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """Where a steward chose a group of fields: the record that says so, as long as one does."""
    said = candidates.join(
        decided.select("group", "value", chosen="record_number"), on=["group", "value"]
    ).sort("group", pl.col("record_number") != pl.col("chosen"), "record_number")
    return said.unique("group", keep="first", maintain_order=True).select(
        "group", "value", "record_number", decided_by=_word(STEWARD)
    )


def _contested(ranked: pl.DataFrame, top: pl.DataFrame, rule: FieldRule) -> pl.DataFrame:
    """For each group with differing values: the best rival, and the tie-breaker that beat it."""
    keys = [f"key_{breaker}" for breaker in rule.order]
    several = ranked.filter(pl.col("value").n_unique().over("group") > 1)
    rivals = (
        several.join(
            top.select("group", *keys, top_value="value", top_record="record_number"),
            on="group",
            suffix="_top",
            maintain_order="left",
        )
        .filter(pl.col("value") != pl.col("top_value"), _is_rival(rule))
        .unique("group", keep="first", maintain_order=True)
    )
    decided: pl.Expr = pl.lit(None, pl.String)
    for breaker in reversed(rule.order):
        differs = pl.col(f"key_{breaker}").ne_missing(pl.col(f"key_{breaker}_top"))
        decided = pl.when(differs).then(pl.lit(breaker)).otherwise(decided)
    return rivals.with_columns(
        decided_by=pl.coalesce(decided, pl.lit("first_to_arrive")).cast(WORDS),
        is_tie=decided.is_null(),
    )


def _is_rival(rule: FieldRule) -> pl.Expr:
    """Whether a value can contest the one that stands: it is of its kind, where values have one."""
    if not rule.kinds:
        return pl.lit(value=True)
    kinds = (pl.col(name).str.extract("^([^:]*):", 1) for name in ("value", "top_value"))
    return next(kinds).eq_missing(next(kinds))


def _conflicts(name: str, rule: FieldRule, contested: pl.DataFrame) -> pl.DataFrame:
    opened = contested if rule.protected else contested.filter("is_tie")
    return opened.select(
        "group",
        pl.lit(name).alias("field"),
        pl.col("top_value").alias("value"),
        pl.col("top_record").alias("record_number"),
        pl.col("value").alias("rival_value"),
        pl.col("record_number").alias("rival_record"),
        pl.lit("protected" if rule.protected else "tie").alias("why"),
    )


def _spell_out(
    fields: tuple[str, ...], best: pl.DataFrame, records: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """The fields of a group, all from the one record that was chosen."""
    whole = best.select("group", "record_number", "decided_by").join(
        records.select("group", "record_number", *fields), on=["group", "record_number"]
    )
    return {
        field: whole.filter(pl.col(field).is_not_null()).select(
            "group", pl.col(field).alias("value"), "record_number", "decided_by"
        )
        for field in fields
    }


def _with_choices(field: str, lineage: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """Put stewards' values in the place of the rules' values."""
    chosen = decided.filter(pl.col("field") == field)
    if chosen.is_empty():
        return lineage
    kept = lineage.join(chosen, on="group", how="anti")
    return pl.concat(
        [kept, chosen.select("group", "value", "record_number", decided_by=_word(STEWARD))]
    )


def _word(text: str) -> pl.Expr:
    return pl.lit(text, WORDS)
