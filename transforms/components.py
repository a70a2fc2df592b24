"""Find which records hang together by any chain of links."""

import numpy as np
import polars as pl

GROUPS = ("x", "y")
"""Two groups of records, the one with the earlier first record first."""


def components(records: pl.Series, edges: pl.DataFrame) -> pl.DataFrame:
    """Label each record with the smallest record that it is connected to."""
    ordered = records.unique().sort()
    if edges.is_empty():
        return pl.DataFrame({"record_number": ordered, "component": ordered})
    from scipy.sparse import coo_array  # half a second that a night without links need not wait
    from scipy.sparse.csgraph import connected_components

    ends = [np.searchsorted(ordered.to_numpy(), edges[end].to_numpy()) for end in edges.columns[:2]]
    size = ordered.len()
    graph = coo_array(
        (np.ones(edges.height, dtype=np.int8), (ends[0], ends[1])), shape=(size, size)
    )
    count, labels = connected_components(graph, directed=False)
    first = np.empty(count, dtype=np.int64)
    first[labels[::-1]] = ordered.to_numpy()[::-1]  # of equal labels the last one written stays
    return pl.DataFrame({"record_number": ordered, "component": first[labels]})


def grouped(records: pl.Series, edges: pl.DataFrame) -> pl.DataFrame:
    """The groups that edges make: record_number, group."""
    return components(records, edges).rename({"component": "group"})


def between(pairs: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """The pairs of records of two groups, which are x and y."""
    here = pairs.join(
        groups.rename({"record_number": "record_a", "group": "one"}), on="record_a"
    ).join(groups.rename({"record_number": "record_b", "group": "other"}), on="record_b")
    return here.filter(pl.col("one") != pl.col("other")).with_columns(
        x=pl.min_horizontal("one", "other"), y=pl.max_horizontal("one", "other")
    )
