"""Measure what a night has made of each source and of matching: rows of the published `metrics`.

A night in which nothing changed measures nothing again. Where the records are many, a part of them
says as much as the whole.
"""

import polars as pl

from flows.judging import Links, decided_pairs, judge_links
from flows.ledger import said_before
from flows.run import Run
from store.golden import Golden
from store.marts import AGREEING, UNIQUENESS, VALIDITY, quality_of_records
from store.warehouse import Warehouse
from transforms.evaluate import Share
from transforms.judge import by_band

MANY, EVERY = 200_000, 16
"""Of more records than this every sixteenth is looked at."""
FIGURES = {
    "source": pl.String,
    "field": pl.String,
    "measure": pl.String,
    "value": pl.Float64,
}
"""A row of `metrics`, but for its run."""


def measure_quality(run: Run, warehouse: Warehouse, golden: Golden) -> pl.DataFrame:
    """How good each source is and how good the links are; nothing where nothing changed."""
    touched = "select count(*) from (from change.customers union all from change.pairs)"
    is_changed = run.is_rebuild or bool(run.changed) or warehouse.one(touched) > 0
    found = [pl.DataFrame(schema=FIGURES)]
    if is_changed:
        found += [_of_sources(run, golden), _of_contacts(golden)]
    if is_changed or said_before(warehouse, run) is not run.said:
        found.append(_of_links(judge_links(golden.con, run.rulebook, decided_pairs(run.said))))
    rows = pl.concat(found).drop_nulls("value")
    return rows.with_columns(run_id=pl.lit(run.run_id))


def _of_sources(run: Run, golden: Golden) -> pl.DataFrame:
    """The five measures of each source, and how far each field agrees."""
    moment = f"timestamptz '{run.now.isoformat()}'"
    asked = quality_of_records(golden.fields, moment, _drawn(golden))
    of_records = golden.read(f"select * exclude (records) from ({asked})")
    of_keys, of_rows = golden.read(UNIQUENESS), golden.read(VALIDITY)
    return pl.concat(_tall(part) for part in (of_records, of_keys, of_rows))


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


def _of_contacts(golden: Golden) -> pl.DataFrame:
    """Per source the share of its addresses and numbers that are not known to be unusable."""
    parts = [
        f"""
        select r.source, '{kind}' as field, 'validity' as measure,
            avg((p.verification <> 'invalid')::integer) as value
        from records r join contact_values p
            on p.founder = r.founder and p.kind = '{kind}' and p.value = r.{kind}
        where {_drawn(golden)} group by r.source"""
        for kind in ("email", "phone")
    ]
    return golden.read(" union all ".join(parts)).cast(FIGURES)  # type: ignore[arg-type]


def _drawn(golden: Golden) -> str:
    """Which records are looked at."""
    is_many = golden.one("select count(*) from crosswalk") > MANY
    return f"hash(r.record_number) % {EVERY} = 0" if is_many else "true"


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
