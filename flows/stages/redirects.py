"""Say where names lead that customers had before they became part of others.

Each is worked out anew from the records, their links and the log of decisions, and never from what
a night remembers, so a rebuild leads as the nights did.
"""

import polars as pl

from flows.erasing.names import all_heirs, all_old_names
from flows.ledger import said_before
from flows.run import Run
from flows.stages.renamed import obeyed_in, parted, renumbered
from store.golden import Golden
from store.warehouse import Warehouse
from transforms.identify import customer_id, find_redirects, named_as
from transforms.match import match_weight


def write_redirects(run: Run, warehouse: Warehouse, golden: Golden) -> None:
    """Bring `redirects` up to date for the customers whose names may lead elsewhere now."""
    touched = _relinked(run, warehouse)
    if touched.is_empty():
        return
    members = warehouse.read(_MEMBERS, touched=touched)
    decided = _decided_links(run, warehouse, members)
    several = _of_several_runs(members, decided)
    links = pl.concat([_links(run, warehouse, several), decided])
    named, links = _as_named(run, warehouse, several, links)
    found = find_redirects(named, links)
    found = pl.concat([found, parted(run, warehouse, members, found)])
    found = pl.concat([found, _possible(named, found)])
    found = pl.concat([found, _remembered(run, warehouse, touched, found)])
    golden.execute(
        "delete from redirects where founder in (select founder from touched)", touched=touched
    )
    golden.insert(
        "redirects",
        found.select(
            "founder",
            old_customer_id=customer_id(pl.col("old")),
            customer_id=customer_id(pl.col("founder")),
            run_id=pl.format("R{}", pl.col("run_number").cast(pl.String).str.zfill(4)),
            why="why",
        ),
    )


_MEMBERS = """
select x.record_number, x.founder, cast(substr(d.run_id, 2) as bigint) as run_number,
    cast(substr(l.run_id, 2) as bigint) as last_run
from cluster.crosswalk x semi join touched using (founder)
join valid.records v using (record_number)
join ingest.deliveries d on d.delivery_number = x.record_number // 1000000000
join ingest.deliveries l on l.delivery_number = v.arrival // 1000000000"""
"""The records of these customers, the run that each came in, and the run of its version now."""


def _of_several_runs(members: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """The members of customers that can have had another name before."""
    if members["last_run"].max() == members["run_number"].min() and decided.is_empty():
        return members.clear()  # all came in one run
    has_decided = pl.col("record_number").is_in(decided["record_a"].implode())
    return members.filter(
        (pl.col("last_run").max() > pl.col("run_number").min()).over("founder")
        | has_decided.any().over("founder")
    )


def _as_named(
    run: Run, warehouse: Warehouse, members: pl.DataFrame, links: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Members and links by the records that customers are named by, erased founders among them."""
    heirs = all_heirs(run.erasures)
    if heirs.is_empty():
        return members, links
    runs = warehouse.read(
        "select h.record_number, cast(substr(d.run_id, 2) as bigint) as named_in from heirs h "
        "join ingest.deliveries d on d.delivery_number = h.founder // 1000000000",
        heirs=heirs,
    )
    named = members.join(runs, on="record_number", how="left", maintain_order="left").select(
        pl.exclude("named_in", "run_number"), run_number=pl.coalesce("named_in", "run_number")
    )
    ends = ("record_number", "record_a", "record_b")
    named, links = (
        frame.with_columns(
            named_as(pl.col(end), heirs).alias(end) for end in ends if end in frame.columns
        )
        for frame in (named, links)
    )
    return named, links


def _possible(members: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Other names that records may have had before the last run that changed their customer.

    A link that was there from the first may have been refused, because of another customer that
    fitted as well, or of what others said that say it no more. Nothing tells any longer, so these
    names lead on too: one that never was leads nobody astray.
    """
    last = members.group_by("founder").agg(last=pl.col("last_run").max())
    return (
        members.filter(pl.col("record_number") != pl.col("founder"))
        .join(last, on="founder")
        .filter(pl.col("run_number") < pl.col("last"))
        .select("founder", old="record_number", run_number="last", why=pl.lit("perhaps"))
        .join(found, on="old", how="anti")
        .select(found.columns)
    )


def _remembered(
    run: Run, warehouse: Warehouse, touched: pl.DataFrame, found: pl.DataFrame
) -> pl.DataFrame:
    """Old names of records that were erased or numbered anew: old, founder, run_number, why."""
    erased = all_old_names(run.erasures)
    names = renumbered(run, warehouse).join(erased, on="old", how="anti")
    return warehouse.read(
        """
        select n.old, x.founder, n.run_number, n.why
        from names n join cluster.crosswalk x using (record_number)
        semi join touched using (founder)
        where n.old not in (select founder from cluster.crosswalk)
            and n.old not in (select old from found)""",
        names=pl.concat([erased, names]),
        touched=touched,
        found=found,
    )


def _relinked(run: Run, warehouse: Warehouse) -> pl.DataFrame:
    """Customers whose redirects may come out otherwise: changed ones, and those with new links.

    A link between records that are one customer already changes nothing else.
    """
    if "cluster" in run.changed:
        return warehouse.read("select distinct founder from cluster.crosswalk")
    said = pl.concat([run.said.must_links, said_before(warehouse, run).must_links])
    return warehouse.read(
        """
        select founder from change.customers
        union select founder from cluster.crosswalk semi join change.pairs using (record_number)
        union select founder from cluster.crosswalk join ingest.records using (record_number)
            where source || ':' || source_key in (
                select unnest([record_a, record_b]) from said)""",
        said=said.filter(~said.is_duplicated()),
    )


def _links(run: Run, warehouse: Warehouse, several: pl.DataFrame) -> pl.DataFrame:
    """Links inside these customers, and the run that brought the younger of their versions."""
    pairs = warehouse.read(
        """
        select p.record_a, p.record_b, p.evidence, p.kinship,
            cast(substr(greatest(da.run_id, db.run_id), 2) as bigint) as run_number
        from match.pairs p join several a on a.record_number = p.record_a
        join several b on b.record_number = p.record_b and a.founder = b.founder
        join valid.records va on va.record_number = p.record_a
        join valid.records vb on vb.record_number = p.record_b
        join ingest.deliveries da on da.delivery_number = va.arrival // 1000000000
        join ingest.deliveries db on db.delivery_number = vb.arrival // 1000000000""",
        several=several,
    )
    weight = match_weight(run.rulebook.model.manifest.prior)
    return pairs.filter(weight >= run.rulebook.matching.thresholds.link).select(
        "record_a", "record_b", "run_number", why=pl.lit("linked")
    )


def _decided_links(run: Run, warehouse: Warehouse, members: pl.DataFrame) -> pl.DataFrame:
    """Must-links inside these customers, and the first run that could obey them.

    That is the one after the snapshot on which it was decided, or later where a record came
    later: the same in a rebuild as it was in the night.
    """
    obeyed = obeyed_in(run.decisions).rename({"decision": "decision_id", "run_number": "obeyed"})
    said = run.said.must_links.join(obeyed, on="decision_id")
    return warehouse.read(
        """
        with named as (
            select record_number, founder, run_number, source || ':' || source_key as record_id
            from members join ingest.records using (record_number))
        select a.record_number as record_a, b.record_number as record_b,
            greatest(a.run_number, b.run_number, obeyed) as run_number,
            'decided' as why
        from said join named a on a.record_id = said.record_a
        join named b on b.record_id = said.record_b and a.founder = b.founder""",
        said=said,
        members=members,
    )
