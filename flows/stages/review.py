"""Review: fill the queues with what a person must decide."""

import polars as pl

from flows.run import Counts, Run
from flows.stages.samples import open_samples
from rules.queues import SAMPLE
from store.golden import Golden, open_beside
from store.warehouse import Warehouse
from transforms import review
from transforms.match import match_weight
from transforms.resolve import Resolved

NAMED = """
    select p.*, a.record_id as record_id_a, b.record_id as record_id_b,
        a.customer_id as customer_id_a, b.customer_id as customer_id_b
    from pairs p join crosswalk a on a.record_number = p.record_a
    join crosswalk b on b.record_number = p.record_b
    where a.founder <> b.founder"""


def review_records(run: Run, warehouse: Warehouse) -> Counts:
    """Work out every open item anew: an item whose evidence is settled closes by itself."""
    with open_beside(warehouse, run.golden, run.rulebook.survivorship) as golden:
        items = pl.concat(_all_items(run, warehouse, golden))
        found = review.prioritise(_used(golden, _named(warehouse, items)), run.rulebook.queues)
        with golden.transaction():
            golden.execute("delete from review_items")
            golden.insert("review_items", found)
    return {f"items_{kind}": count for kind, count in items["kind"].value_counts().iter_rows()}


def _all_items(run: Run, warehouse: Warehouse, golden: Golden) -> list[pl.DataFrame]:
    resolved = run.said
    apart = warehouse.read("from cluster.constraints where kind = 'cannot_link'")
    unsure = golden.read(NAMED, pairs=_unsure(run, warehouse, apart))
    drawn = open_samples(run, golden, unsure.height)
    refused = review.asked_once(golden.read(NAMED, pairs=_refused(warehouse, apart)))
    return [
        review.match_items(_opened(warehouse, _but(unsure, drawn))),
        review.sample_items(drawn),
        review.cluster_items(_opened(warehouse, _but(refused, drawn))),
        review.conflict_items(_conflicts(warehouse, golden)),
        review.quarantine_items(_quarantined(warehouse, resolved)),
        review.delivery_items(
            warehouse.read(
                "select delivery_id, reason, received_at as opened_at from ingest.deliveries "
                "where state = 'held'"
            )
        ),
    ]


def _but(pairs: pl.DataFrame, drawn: pl.DataFrame) -> pl.DataFrame:
    """Pairs without those that are asked about because chance drew them."""
    return pairs.join(drawn, on=["record_a", "record_b"], how="anti")


def _unsure(run: Run, warehouse: Warehouse, apart: pl.DataFrame) -> pl.DataFrame:
    """Pairs in the review band that nobody has decided."""
    thresholds = run.rulebook.matching.thresholds
    prior = run.rulebook.model.manifest.prior
    weight = match_weight(prior)
    # What kinship takes from the evidence is between nothing and a little more than itself.
    pairs = warehouse.read(
        f"""
        select record_a, record_b, evidence, kinship from match.pairs
        where evidence + {prior} > {thresholds.review} - 0.1
            and evidence + {prior} - greatest(kinship + {prior}, 0) < {thresholds.link} + 1.1"""
    )
    return (
        pairs.select("record_a", "record_b", match_weight=weight)
        .filter(
            (pl.col("match_weight") >= thresholds.review)
            & (pl.col("match_weight") < thresholds.link)
        )
        .join(apart, on=["record_a", "record_b"], how="anti")
    )


def _refused(warehouse: Warehouse, apart: pl.DataFrame) -> pl.DataFrame:
    """Refused links, but for those that a steward keeps apart; a must-link that a cannot-link
    stands against is a contradiction of decisions and is always asked.
    """
    refused = warehouse.read("select record_a, record_b, match_weight, why from cluster.refusals")
    decided = refused.join(apart, on=["record_a", "record_b"], how="semi").filter(
        pl.col("match_weight") < 1_000
    )
    return refused.join(decided, on=["record_a", "record_b"], how="anti")


def _opened(warehouse: Warehouse, pairs: pl.DataFrame) -> pl.DataFrame:
    """When the newest version behind each pair arrived."""
    return warehouse.read(
        """
        select p.*, greatest(da.received_at, db.received_at) as opened_at
        from pairs p
        join valid.records a on a.record_number = p.record_a
        join valid.records b on b.record_number = p.record_b
        join ingest.deliveries da on da.delivery_number = a.arrival // 1000000000
        join ingest.deliveries db on db.delivery_number = b.arrival // 1000000000""",
        pairs=pairs,
    )


def _conflicts(warehouse: Warehouse, golden: Golden) -> pl.DataFrame:
    conflicts = golden.read(
        """
        select k.*, a.customer_id, a.record_id, b.record_id as rival_id,
            k.record_number as record_a, k.rival_record as record_b
        from conflicts k join crosswalk a using (record_number)
        join crosswalk b on b.record_number = k.rival_record"""
    )
    return _opened(warehouse, conflicts)


def _quarantined(warehouse: Warehouse, resolved: Resolved) -> pl.DataFrame:
    rows = warehouse.read(
        """
        select d.delivery_id, q.row_number, q.reasons, d.received_at as opened_at
        from quarantine.records q join ingest.deliveries d using (delivery_number)
        where not list_has_any(q.reasons,
            ['blank_row', 'separator_row', 'repeated_header', 'trailer_row', 'erased',
            'row_deletes_a_known_record'])"""
    )
    return rows.join(
        resolved.rejected,
        left_on=["delivery_id", "row_number"],
        right_on=["sha256", "row_number"],
        how="anti",
    )


def _used(golden: Golden, items: pl.DataFrame) -> pl.DataFrame:
    """Add how many campaigns have records of the customers of an item."""
    campaigns = golden.read(
        """
        select item_id, count(distinct campaign)::bigint as campaigns
        from (select item_id, unnest(customer_ids) as customer_id from asked)
        join crosswalk using (customer_id) group by item_id""",
        asked=items.select("item_id", "customer_ids"),
    )
    return items.join(campaigns, on="item_id", how="left").with_columns(
        pl.col("campaigns").fill_null(0)
    )


def _named(warehouse: Warehouse, items: pl.DataFrame) -> pl.DataFrame:
    """Name each item by a digest of what it asks about; a sample as `sample_name_sql` says."""
    return warehouse.read(
        f"""
        select 'I-' || upper(substr(md5(concat_ws(chr(31),
            case when why = '{SAMPLE}' then why else kind end, field, delivery_id,
            row_number, array_to_string(list_sort(record_ids), chr(31)))), 1, 10)) as item_id, *
        from items order by item_id""",
        items=items,
    )
