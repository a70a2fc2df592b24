"""Cluster: decide again which records are one customer, where something changed."""

import polars as pl

from flows.erasing.names import all_heirs
from flows.run import Counts, Run
from flows.stages.match import model_of, read_scored_nodes
from store.warehouse import Warehouse
from transforms.cluster import Clusters, cluster, pairs_to_weigh
from transforms.contradict import scored_columns, what_is_said
from transforms.generations import generations
from transforms.groups import Apart
from transforms.identify import with_heirs
from transforms.match import score_given
from transforms.resolve import Resolved

_PAIRS = """
    select {columns} from match.pairs
    where record_a in (from affected) and record_b in (from affected)"""


def cluster_records(run: Run, warehouse: Warehouse) -> Counts:
    """Cluster anew the components that changed records, links or decisions touch."""
    constraints = _constraints(warehouse, run.said)
    _find_affected(run, warehouse, constraints)
    found = _cluster(run, warehouse, constraints)
    found = found._replace(members=with_heirs(found.members, all_heirs(run.erasures)))
    _write(warehouse, found)
    warehouse.execute("delete from cluster.constraints")
    warehouse.insert("cluster.constraints", constraints)
    return {
        "records_clustered": found.members.height,
        "links_refused": found.refusals.height,
        "customers_touched": warehouse.one("select count(*) from change.customers"),
    }


def _constraints(warehouse: Warehouse, resolved: Resolved) -> pl.DataFrame:
    """What stewards decided, on record numbers: record_a, record_b, kind."""
    said = pl.concat(
        [
            resolved.must_links.select("record_a", "record_b", kind=pl.lit("must_link")),
            resolved.cannot_links.select("record_a", "record_b", kind=pl.lit("cannot_link")),
        ]
    )
    if said.is_empty():
        return pl.DataFrame(schema={"record_a": pl.Int64, "record_b": pl.Int64, "kind": pl.String})
    return warehouse.read(
        """
        with named as (
            select record_number, source || ':' || source_key as record_id from ingest.records)
        select least(a.record_number, b.record_number) as record_a,
            greatest(a.record_number, b.record_number) as record_b, kind
        from said join named a on a.record_id = said.record_a
        join named b on b.record_id = said.record_b""",
        said=said,
    )


def _find_affected(run: Run, warehouse: Warehouse, constraints: pl.DataFrame) -> None:
    """Fill temp table `affected`: the records of every component that may come out otherwise."""
    warehouse.execute("drop table if exists affected")
    is_all = "select count(*) from match.keys anti join change.pairs using (record_number)"
    if run.is_rebuild or "cluster" in run.changed or not warehouse.one(is_all):
        warehouse.execute("create temp table affected as select record_number from match.keys")
        return
    warehouse.execute(
        """
        create temp table seeds as
        select record_number from change.pairs
        union
        select record_b from match.pairs where record_a in (select record_number from change.pairs)
        union
        select record_a from match.pairs where record_b in (select record_number from change.pairs)
        union
        select unnest([record_a, record_b]) from (
            (from constraints except from cluster.constraints)
            union all (from cluster.constraints except from constraints))""",
        constraints=constraints,
    )
    warehouse.execute(
        """
        create temp table affected as
        select record_number from match.keys where record_number in (from seeds)
        union
        select record_number from cluster.crosswalk where component in (
            select component from cluster.crosswalk where record_number in (from seeds))"""
    )
    warehouse.execute("drop table seeds")


def _cluster(run: Run, warehouse: Warehouse, constraints: pl.DataFrame) -> Clusters:
    rules, model = run.rulebook.matching, model_of(run)
    columns = scored_columns(model)
    pairs = warehouse.read(_PAIRS.format(columns=", ".join(columns)))
    stored = what_is_said(pairs, model, rules)
    records = warehouse.read("select record_number from affected").to_series()
    must = constraints.filter(pl.col("kind") == "must_link")
    cannot = constraints.filter(pl.col("kind") == "cannot_link")
    wanted = pairs_to_weigh(records, stored.links(), must, pairs, rules.clustering)
    rest = _score_rest(run, warehouse, wanted, pairs.schema)
    said = what_is_said(pl.concat([pairs, rest]), model, rules)
    apart = Apart(cannot, _keys(run, warehouse), said, _generations(warehouse))
    return cluster(records, stored.links(), must, apart, rules.clustering)


def _score_rest(
    run: Run, warehouse: Warehouse, wanted: pl.DataFrame, schema: pl.Schema
) -> pl.DataFrame:
    """What pairs say that no blocking rule found, or that had too little evidence to keep."""
    if wanted.is_empty():
        return pl.DataFrame(schema=schema)
    records = pl.concat([wanted["record_a"], wanted["record_b"]]).unique().sort()
    named = records.alias("record_number").to_frame()
    nodes = read_scored_nodes(run.rulebook, warehouse, "named", named=named)
    scored = score_given(nodes, wanted, model_of(run), run.rulebook.matching)
    return scored.select(schema.names()).cast(schema)


def _keys(run: Run, warehouse: Warehouse) -> pl.DataFrame:
    sources = [feed.source for feed in run.rulebook.feeds.values() if feed.duplicate_free]
    return warehouse.read(
        "select record_number, source from ingest.records join affected using (record_number) "
        f"where source in (select unnest({_array(sources)}::varchar[]))"
    )


def _generations(warehouse: Warehouse) -> pl.DataFrame:
    return generations(
        warehouse.read(
            "select s.record_number, s.suffix from ingest.records r "
            "join affected using (record_number) join std.records s on s.arrival = r.arrival "
            "where s.suffix is not null"
        )
    )


def _write(warehouse: Warehouse, found: Clusters) -> None:
    """Put the new crosswalk in place, and note which customers it touches."""
    warehouse.execute("delete from change.moves")
    warehouse.execute(
        """
        insert into change.moves
        select record_number, old.founder as old_founder, new.founder
        from members new left join cluster.crosswalk old using (record_number)
        where old.founder is distinct from new.founder""",
        members=found.members,
    )
    warehouse.execute("delete from cluster.crosswalk where record_number in (from affected)")
    warehouse.insert("cluster.crosswalk", found.members)
    warehouse.execute(
        "delete from cluster.refusals where record_a in (from affected) "
        "or record_b in (from affected)"
    )
    warehouse.insert("cluster.refusals", found.refusals)
    warehouse.execute("delete from change.customers")
    warehouse.execute(
        """
        insert into change.customers
        select founder from change.moves
        union select old_founder from change.moves where old_founder is not null
        union select founder from cluster.crosswalk
            where record_number in (from change.records)"""
    )
    warehouse.execute("drop table affected")


def _array(words: list[str]) -> str:
    return "[" + ", ".join(f"'{word}'" for word in words) + "]"
