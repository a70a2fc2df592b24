"""Find which records hang together by any chain of links."""

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def components(records: pl.Series, edges: pl.DataFrame) -> pl.DataFrame:
    """Label each record with the smallest record that it is connected to."""
    ordered = records.unique().sort()
    ends = [np.searchsorted(ordered.to_numpy(), edges[end].to_numpy()) for end in edges.columns[:2]]
    size = ordered.len()
    graph = coo_array(
        (np.ones(edges.height, dtype=np.int8), (ends[0], ends[1])), shape=(size, size)
    )
    count, labels = connected_components(graph, directed=False)
    first = np.empty(count, dtype=np.int64)
    first[labels[::-1]] = ordered.to_numpy()[::-1]  # of equal labels the last one written stays
    return pl.DataFrame({"record_number": ordered, "component": first[labels]})
