"""Work out block keys: which records are worth comparing.

A key is a 63-bit hash of the rule's name and its parts, null when a part is missing. A key that
too many live records share finds nothing (a placeholder, a call centre); whether it does is a
function of the count alone, so it never depends on the night. The hash is the database's own and
a test pins it: when an upgrade changes it, all nodes are prepared again.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rules.matching import BlockingRule, Matching
from transforms.budget import Budget

NODE_SCHEMA: dict[str, pl.DataType] = {
    "record_number": pl.Int64(),
    "first_key": pl.String(),
    "first_root": pl.String(),
    "first_phonetic": pl.String(),
    "first_others": pl.List(pl.String()),
    "middle_key": pl.String(),
    "suffix": pl.String(),
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
    "person_number": pl.String(),
    "source": pl.String(),
}
"""What a node says of a record, missing values null and never empty."""

READ_FROM = {
    "email": "email_key",
    "email_2": "email_2_key",
    "phone": "phone_key",
    "phone_2": "phone_2_key",
}
"""What a node calls by another name: contact points in the form they are compared in."""

DERIVED_PARTS = {
    "birth_year": "year(birth_date)",
    "first_initial": "left(first_key, 1)",
    "last_initial": "left(last_key, 1)",
    "street_start": "left(street_key, 6)",
    "both_initials": "case when left(first_key, 1) < left(last_key, 1)"
    " then left(first_key, 1) || left(last_key, 1)"
    " else left(last_key, 1) || left(first_key, 1) end",
    "both_names": "case when first_root < last_key then first_root || ' ' || last_key"
    " else last_key || ' ' || first_root end",
    "both_sounds": "case when first_phonetic < last_phonetic"
    " then first_phonetic || ' ' || last_phonetic else last_phonetic || ' ' || first_phonetic end",
}
"""Parts of a key that are not columns; swapped names make the same `both_names`."""

_NONE = -1
_PLACES = 29
_BITS = 5
"""A pair and its rule in one number: two places of 29 bits, and one of at most 30 rules."""


def block_keys(rules: Matching) -> list[str]:
    """The names of the key columns of prepared nodes: k0, k1, … in the order of the rules."""
    return [column for column, _, _ in _keys(rules)]


def key_columns(rules: Matching) -> dict[str, list[str]]:
    """Each blocking rule's key columns, by its name."""
    named: dict[str, list[str]] = {rule.name: [] for rule in rules.blocking}
    for column, rule, _ in _keys(rules):
        named[rule.name].append(column)
    return named


def keys_by_rule(nodes: pl.DataFrame, rules: Matching) -> dict[str, pl.Series]:
    """Each rule's keys in these nodes, each once."""
    parts = tall_keys(nodes, rules).partition_by("rule", as_dict=True)
    none = pl.Series("key", dtype=pl.Int64)
    return {
        rule: parts[(rule,)]["key"] if (rule,) in parts else none for rule in key_columns(rules)
    }


def tall_keys(nodes: pl.DataFrame, rules: Matching, *index: str) -> pl.DataFrame:
    """The keys of these nodes one below the other, each once: `rule`, `key` and the `index`."""
    of_column = {column: rule.name for column, rule, _ in _keys(rules)}
    rule = pl.col("rule").replace_strict(of_column, return_dtype=pl.String)
    tall = nodes.unpivot(list(of_column), index=index, variable_name="rule", value_name="key")
    return tall.drop_nulls("key").with_columns(rule).unique()


def key_sql(rules: Matching) -> list[str]:
    """One expression per key column, over a table of nodes."""
    return [_key_sql(rule, parts) + f" as {column}" for column, rule, parts in _keys(rules)]


def capped_keys(nodes: pl.DataFrame, rules: Matching) -> pl.DataFrame:
    """The keys that too many of these records share: `rule`, `key`, `count`."""
    limits = {rule.name: rules.max_block_of(rule) for rule in rules.blocking}
    capped = []
    for rule, columns in key_columns(rules).items():
        keys, _ = _held(nodes, columns)
        often = keys[_recurring(keys, limits[rule])]
        starts = np.flatnonzero(np.diff(often, prepend=_NONE))
        counts = np.diff(starts, append=often.size)
        found = pl.DataFrame({"key": often[starts], "count": counts})
        capped.append(found.select(pl.lit(rule).alias("rule"), "key", "count"))
    limit = pl.col("rule").replace_strict(limits, return_dtype=pl.Int64)
    return pl.concat(capped).filter(pl.col("count") > limit).sort("rule", "key")


def cap_keys(nodes: pl.DataFrame, capped: pl.DataFrame, rules: Matching) -> pl.DataFrame:
    """The nodes with capped keys made null, as `score_pairs` wants them, and worn numbers too."""
    keys = capped["key"].implode()
    return without_worn(nodes, capped["key"], rules).with_columns(
        pl.when(~pl.col(column).is_in(keys)).then(pl.col(column)) for column in block_keys(rules)
    )


def without_worn(nodes: pl.DataFrame, capped: pl.Series, rules: Matching) -> pl.DataFrame:
    """The nodes with person numbers made null that so many records share that they are nobody's.

    Whatever other rule finds two such records, the number would be the most that they share.
    """
    worn = [pl.col(key).is_in(capped.implode()) for key in number_keys(rules)]
    if not worn or capped.is_empty():
        return nodes
    is_worn = pl.any_horizontal(worn).fill_null(value=False)
    return nodes.with_columns(pl.when(~is_worn).then("person_number").alias("person_number"))


def number_keys(rules: Matching) -> list[str]:
    """The key columns of a person's number by itself."""
    return [column for column, _, parts in _keys(rules) if parts == ("person_number",)]


def find_pairs(
    nodes: pl.DataFrame,
    rules: Matching,
    is_new: NDArray[np.bool_],
    capped: pl.Series | None = None,
) -> pl.DataFrame:
    """Each pair of nodes that shares a key, one of them new at least, and by which rules.

    A `capped` key finds nothing. `a` and `b` are places in the order of the record numbers, `a`
    the earlier; the pairs are in order. `found_by` has one bit per rule. Records with one key lie
    side by side once the keys are sorted, so each is paired with the next one, the one after that,
    and so on.
    """
    place = nodes["record_number"].rank("ordinal").to_numpy().astype(np.int64) - 1
    was_new = np.empty(is_new.size, dtype=np.bool_)
    was_new[place] = is_new
    budget = Budget(int(is_new.sum()), rules)
    found, dead = [], np.empty(0, np.int64) if capped is None else np.sort(capped.to_numpy())
    for number, (name, columns) in enumerate(key_columns(rules).items()):
        keys, rows = _in_blocks(nodes, columns, dead)
        places = place[rows]
        budget.spend(name, keys, was_new[places])
        found.append(_sharing(keys, places) << _BITS | number)
    packed = np.sort(np.concatenate(found))
    pairs = packed >> _BITS
    first = np.flatnonzero(np.diff(pairs, prepend=-1))
    bits = np.left_shift(1, packed & (1 << _BITS) - 1, dtype=np.int64)
    found_by = np.bitwise_or.reduceat(bits, first) if first.size else bits
    a, b = pairs[first] >> _PLACES, pairs[first] & (1 << _PLACES) - 1
    wanted = was_new[a] | was_new[b]
    return pl.DataFrame({"a": a[wanted], "b": b[wanted], "found_by": found_by[wanted]}).cast(
        {"a": pl.UInt32, "b": pl.UInt32, "found_by": pl.Int32}
    )


def found_by(nodes: pl.DataFrame, pairs: pl.DataFrame, rules: Matching) -> pl.DataFrame:
    """The given pairs (`record_a`, `record_b`) as `find_pairs` gives those that it finds."""
    numbers = nodes["record_number"].to_numpy()
    order = np.argsort(numbers)
    ends = np.sort(pairs.select("record_a", "record_b").to_numpy(), axis=1)
    ends = np.searchsorted(numbers[order], ends[np.isin(ends, numbers).all(axis=1)])
    a, b = ends[np.lexsort(ends.T[::-1])].T
    named = block_keys(rules)
    keys = nodes.select(pl.col(named).fill_null(-1)).to_numpy()[order]
    one, other = keys[a], keys[b]
    bits = np.zeros(a.size, dtype=np.int32)
    for number, columns in enumerate(key_columns(rules).values()):
        places = [named.index(column) for column in columns]
        for x, y in product(places, places):
            shares = (one[:, x] == other[:, y]) & (one[:, x] >= 0)
            bits |= shares.astype(np.int32) << number
    return pl.DataFrame({"a": a.astype(np.uint32), "b": b.astype(np.uint32), "found_by": bits})


def _in_blocks(
    nodes: pl.DataFrame, columns: list[str], dead: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The keys of these columns that are shared, sorted, and the row of each; none that is dead."""
    keys, rows = _held(nodes, columns)
    shared = _recurring(keys, 1)
    keys, rows = keys[shared], rows[shared]
    if not dead.size:
        return keys, rows
    lives = dead[np.searchsorted(dead, keys) % dead.size] != keys
    return keys[lives], rows[lives]


def _held(nodes: pl.DataFrame, columns: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The keys that stand in these columns and the row of each; one held twice stands once."""
    held = [nodes[column].fill_null(_NONE).to_numpy() for column in columns]
    rows = []
    for number, keys in enumerate(held):
        counts = keys != _NONE
        for earlier in held[:number]:
            counts &= keys != earlier
        rows.append(np.flatnonzero(counts))
    taken = [keys[row] for keys, row in zip(held, rows, strict=True)]
    return np.concatenate(taken), np.concatenate(rows)


def _recurring(keys: NDArray[np.int64], often: int) -> NDArray[np.int64]:
    """Where keys stand that stand there more than so often, in the order of the keys.

    A key begins with 40 bits of its hash or more, and the rest makes room for where it stands: so
    what is sorted are numbers, in a tenth of the time in which an order of them is found. Keys
    that begin alike by chance are told apart afterwards.
    """
    room = (1 << keys.size.bit_length()) - 1
    packed = np.sort(keys & ~room | np.arange(keys.size))
    run = np.flatnonzero((packed[often:] ^ packed[: max(keys.size - often, 0)]) <= room)
    begun = np.zeros(keys.size + 1, dtype=np.int32)
    begun[run] += 1
    begun[run + often + 1] -= 1
    found = packed[np.cumsum(begun[:-1]) > 0] & room
    ordered = keys[found]
    return found if np.all(ordered[1:] >= ordered[:-1]) else found[np.argsort(ordered)]


def _sharing(keys: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs of places that share a key, packed into one number each; the keys are sorted."""
    at = np.flatnonzero(keys[1:] == keys[:-1])
    packed = [np.empty(0, dtype=np.int64)]
    step = 1
    while at.size:
        one, other = places[at], places[at + step]
        packed.append(np.minimum(one, other) << _PLACES | np.maximum(one, other))
        step += 1
        at = at[at + step < keys.size]
        at = at[keys[at] == keys[at + step]]
    return np.concatenate(packed)


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
