"""Work out block keys: which records are worth comparing.

A key is a 63-bit hash of the rule's name and its parts, null when a part is missing. A key that
too many live records share finds nothing (a placeholder, a call centre); whether it does is a
function of the count alone, so it never depends on the night. The hash is the database's own and
a test pins it: when an upgrade changes it, all nodes are prepared again.
"""

from collections.abc import Iterator

import polars as pl

from rules.matching import BlockingRule, Matching

NODE_SCHEMA: dict[str, pl.DataType] = {
    "record_number": pl.Int64(),
    "first_key": pl.String(),
    "first_root": pl.String(),
    "first_phonetic": pl.String(),
    "middle_key": pl.String(),
    "last_key": pl.String(),
    "last_phonetic": pl.String(),
    "birth_date": pl.Date(),
    "email": pl.String(),
    "email_local": pl.String(),
    "email_domain": pl.String(),
    "email_2": pl.String(),
    "phone": pl.String(),
    "phone_2": pl.String(),
    "address_key": pl.String(),
    "street_key": pl.String(),
    "house_number": pl.String(),
    "postcode_key": pl.String(),
    "city_key": pl.String(),
    "country": pl.String(),
    "company_key": pl.String(),
    "source": pl.String(),
}
"""What a node says of a record, missing values null and never empty."""

DERIVED_PARTS = {
    "birth_year": "year(birth_date)",
    "both_names": "case when first_root < last_key then first_root || ' ' || last_key"
    " else last_key || ' ' || first_root end",
    "both_sounds": "case when first_phonetic < last_phonetic"
    " then first_phonetic || ' ' || last_phonetic else last_phonetic || ' ' || first_phonetic end",
}
"""Parts of a key that are not columns; swapped names make the same `both_names`."""


def block_keys(rules: Matching) -> list[str]:
    """The names of the key columns of prepared nodes: k0, k1, … in the order of the rules."""
    return [column for column, _, _ in _keys(rules)]


def key_columns(rules: Matching) -> dict[str, list[str]]:
    """Each blocking rule's key columns, by its name."""
    named: dict[str, list[str]] = {rule.name: [] for rule in rules.blocking}
    for column, rule, _ in _keys(rules):
        named[rule.name].append(column)
    return named


def key_sql(rules: Matching) -> list[str]:
    """One expression per key column, over a table of nodes."""
    return [_key_sql(rule, parts) + f" as {column}" for column, rule, parts in _keys(rules)]


def count_keys(nodes: pl.DataFrame, rules: Matching) -> pl.DataFrame:
    """How many records share each key: `rule`, `key`, `count`; unshared keys are left out."""
    counted = [
        pl.concat(
            nodes.select("record_number", pl.col(column).alias("key")).drop_nulls("key")
            for column in columns
        )
        .unique()
        .group_by("key")
        .agg(pl.len().cast(pl.Int64).alias("count"))
        .filter(pl.col("count") > 1)
        .select(pl.lit(name).alias("rule"), "key", "count")
        for name, columns in key_columns(rules).items()
    ]
    return pl.concat(counted).sort("rule", "key")


def capped_keys(nodes: pl.DataFrame, rules: Matching) -> pl.DataFrame:
    """The keys that too many of these records share: `rule`, `key`, `count`."""
    limits = {rule.name: rules.max_block_of(rule) for rule in rules.blocking}
    limit = pl.col("rule").replace_strict(limits, return_dtype=pl.Int64)
    return count_keys(nodes, rules).filter(pl.col("count") > limit)


def cap_keys(nodes: pl.DataFrame, capped: pl.DataFrame, rules: Matching) -> pl.DataFrame:
    """The nodes with capped keys made null, as `score_pairs` wants them."""
    keys = capped["key"].implode()
    return nodes.with_columns(
        pl.when(~pl.col(column).is_in(keys)).then(pl.col(column)) for column in block_keys(rules)
    )


def _keys(rules: Matching) -> Iterator[tuple[str, BlockingRule, tuple[str, ...]]]:
    numbered = ((rule, parts) for rule in rules.blocking for parts in rule.keys)
    for number, (rule, parts) in enumerate(numbered):
        yield f"k{number}", rule, parts


def _key_sql(rule: BlockingRule, parts: tuple[str, ...]) -> str:
    values = [_part_sql(part) for part in parts]
    missing = " or ".join(f"({value}) is null" for value in values)
    hashed = f"hash('{rule.name}', {', '.join(values)})"
    return f"case when {missing} then null else ({hashed} >> 1)::bigint end"


def _part_sql(part: str) -> str:
    if part in DERIVED_PARTS:
        return DERIVED_PARTS[part]
    if part not in NODE_SCHEMA:
        known = ", ".join([*NODE_SCHEMA, *DERIVED_PARTS])
        raise ValueError(f"blocking: no part is named {part}; choose from {known}")
    return part
