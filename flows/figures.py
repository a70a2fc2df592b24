"""Measure what a night has made of each source and of matching: rows of the published `metrics`.

A night in which nothing changed measures nothing again. Where the records are many, those of some
customers say as much as those of all.
"""

import polars as pl

from flows.judging import Links, judge_samples
from flows.ledger import said_before
from flows.run import Run
from store.golden import Golden
from store.marts import AGREEING, COUNTED, VALIDITY, quality_of_records
from store.warehouse import Warehouse
from transforms.evaluate import Share
from transforms.judge import by_band

MANY, EVERY = 200_000, 16
"""Of more records than this those of every sixteenth customer are looked at."""
CONTACTS = ("email", "phone")
FIGURES = {
    "source": pl.String,
    "field": pl.String,
    "measure": pl.String,
    "value": pl.Float64,
}
"""A row of `metrics`, but for its run."""


def is_changed(run: Run, warehouse: Warehouse) -> bool:
    """Whether the run has changed any customer or pair; if not, the golden tables are as before."""
    touched = "select count(*) from (from change.customers union all from change.pairs)"
    return run.is_rebuild or bool(run.changed) or warehouse.one(touched) > 0


def measure_quality(run: Run, warehouse: Warehouse, golden: Golden) -> pl.DataFrame:
    """How good each source is and how good the links are; nothing where nothing changed."""
    found = [pl.DataFrame(schema=FIGURES)]
    is_new = is_changed(run, warehouse)
    if is_new:
        found.append(_of_sources(run, golden))
    if is_new or said_before(warehouse, run) is not run.said:
        found.append(_of_links(judge_samples(golden.con, run.rulebook, run.decisions, run.said)))
    rows = pl.concat(found).drop_nulls("value")
    return rows.with_columns(run_id=pl.lit(run.run_id))


def _of_sources(run: Run, golden: Golden) -> pl.DataFrame:
    """The five measures of each source, how far each field agrees, and which contacts are valid."""
    is_many = golden.one("select count(*) from crosswalk") > MANY
    drawn = f"hash(founder) % {EVERY} = 0" if is_many else "true"
    customers = f"(from golden_values where {drawn})"
    moment = f"timestamptz '{run.now.isoformat()}'"
    said = ", ".join(("source", "founder", "updated_at", *COUNTED))
    golden.execute(
        f"create or replace temp table drawn as select {said} from records where {drawn}"
    )
    of_records = golden.read(quality_of_records(golden.fields, moment, "drawn", customers))
    of_contacts = golden.read(" union all ".join(_of_contacts(kind, drawn) for kind in CONTACTS))
    golden.execute("drop table drawn")
    tall = [_tall(of_records.drop("records")), _tall(golden.read(VALIDITY))]
    return pl.concat([*tall, of_contacts.select(pl.col(n).cast(t) for n, t in FIGURES.items())])


def _of_contacts(kind: str, drawn: str) -> str:
    """Per source the share of its addresses or numbers that are not known to be unusable."""
    return f"""
        select r.source, '{kind}' as field, 'validity' as measure,
            avg((p.verification <> 'invalid')::integer) as value
        from drawn r join (from contact_values where kind = '{kind}' and {drawn}) p
            on p.founder = r.founder and p.value = r.{kind}
        group by r.source"""


def _tall(wide: pl.DataFrame) -> pl.DataFrame:
    """A row for each figure; `consistency_email` is the consistency of the field email."""
    by_field = {f"consistency_{name}": name for name in AGREEING}
    tall = wide.unpivot(index="source", variable_name="measure")
    return tall.select(
        "source",
        field=pl.col("measure").replace_strict(by_field, default=None, return_dtype=pl.String),
        measure=pl.col("measure").replace(dict.fromkeys(by_field, "consistency")),
        value=pl.col("value").cast(pl.Float64),
    )


def _of_links(links: Links) -> pl.DataFrame:
    """What people's verdicts say of the links, and of each band."""
    found, lost = links
    linked, *_ = bands = by_band(found)
    rows: list[tuple[str, str, float | None]] = [
        ("links", "match_links", linked.pairs),
        ("links", "match_judged", sum(band.judged for band in bands)),
        *_share("links", "match_precision", found.precision),
        *_share("links", "match_recall", found.recall),
        *_share("links", "match_lost", Share(lost.share, lost.low, lost.high, lost.links)),
    ]
    for band in bands:
        counts = {"pairs": band.pairs, "judged": band.judged, "same": band.same}
        rows += [(band.band, f"band_{name}", count) for name, count in counts.items()]
        rows += _share(band.band, "band_share", band.share)
    told = pl.DataFrame(
        rows, {"field": pl.String, "measure": pl.String, "value": pl.Float64}, orient="row"
    )
    return told.select(pl.lit(None, pl.String).alias("source"), "field", "measure", "value")


def _share(field: str, measure: str, share: Share) -> list[tuple[str, str, float | None]]:
    """A share and the ends of its interval."""
    ends = {"": share.value, "_low": share.low, "_high": share.high}
    return [(field, f"{measure}{end}", value) for end, value in ends.items()]
