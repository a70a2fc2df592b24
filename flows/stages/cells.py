"""Compare the cells of a delivery with those of the feed's own deliveries before it.

What is compared with are deliveries that were taken in, in order of arrival: so a rebuild comes to
the same sentences as the nights did.
"""

import polars as pl

from flows.reading import Spool
from rules.feed import Feed
from store.archive import Delivery
from store.readers import DeliveryRefused
from store.warehouse import Warehouse
from transforms.cells import sum_cells, tell_changes


def compare_cells(warehouse: Warehouse, delivery: Delivery, feed: Feed, spool: Spool) -> None:
    """Note with the delivery what has drifted; hold it where the feed asks for that."""
    past = warehouse.read(
        f"""
        with past as (
            select delivery_number from ingest.cells
            where source = '{feed.source}' and delivery_number < {delivery.delivery_number}
            group by all order by 1 desc limit {feed.expect.drift_deliveries})
        select * from ingest.cells semi join past using (delivery_number)"""
    )
    count = past["delivery_number"].n_unique()
    told = tell_changes(spool.cells(), sum_cells(past), count, feed) if count else []
    if told and feed.expect.hold_on_drift and not delivery.is_released:
        raise DeliveryRefused(f"{'; '.join(told)}; if it is right, release it")
    spool.notes += told


def keep_cells(warehouse: Warehouse, delivery: Delivery, spool: Spool) -> None:
    """Keep what the cells of a delivery are, for those that come after it."""
    cells = spool.cells().with_columns(
        delivery_number=pl.lit(delivery.delivery_number, pl.Int64), source=pl.lit(delivery.source)
    )
    warehouse.insert("ingest.cells", cells)
