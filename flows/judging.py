"""Draw pairs for people to judge, and read what they said.

The list is blind: it shows two records side by side, in an order that tells nothing, without weight
or band. Who drew it, from which snapshot and by which thresholds, is in its column `drawn`, so that
it can be measured later without anything being remembered.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import duckdb
import polars as pl

from flows.evidence import read_log
from flows.known import SHOWN
from store.errors import TouchstoneError
from store.files import write_private
from store.lock import one_writer
from store.rulebook import Rulebook
from store.schema import WAREHOUSE
from store.settings import Settings
from store.snapshot import current_run, open_snapshot
from store.warehouse import Warehouse
from transforms.coverage import Lost, estimate_lost
from transforms.judge import BANDS, STRATA, Estimate, draw, estimate, stratum
from transforms.match import match_weight
from transforms.resolve import Resolved, state_of
from transforms.strata import Drawing, drawn_sql, said_sql, stratum_sql, weight_sql

_SAYS = {
    **dict.fromkeys(("yes", "y", "same", "1", "true", "x"), True),
    **dict.fromkeys(("no", "n", "different", "0", "false"), False),
}
"""What may stand in the column `same`; blank or a question mark: not judged."""


class Links(NamedTuple):
    """What verdicts say of the links of a snapshot, and what blocking lost of them."""

    found: Estimate
    lost: Lost


class Sampled(NamedTuple):
    """The pairs of a snapshot by stratum."""

    run_id: str
    pairs: pl.DataFrame
    """record_id_a, record_id_b, stratum"""


def read_pairs(settings: Settings, rulebook: Rulebook) -> Sampled:
    """The pairs that the current snapshot holds, each with its stratum."""
    with open_snapshot(settings) as con:
        pairs = _named(con)
    weighed = pairs.with_columns(match_weight=match_weight(rulebook.model.manifest.prior))
    of_weight = stratum(pl.col("match_weight"), rulebook.matching.thresholds)
    by_stratum = weighed.select("record_id_a", "record_id_b", stratum=of_weight)
    return Sampled(str(current_run(settings)), by_stratum)


def judge_links(
    con: duckdb.DuckDBPyConnection, rulebook: Rulebook, verdicts: pl.DataFrame
) -> Links:
    """Measure the links of a snapshot by what people said of pairs that were drawn at random.

    verdicts: record_id_a, record_id_b, is_same. A pair that no rule found cannot be judged.
    """
    con.register("verdicts", _both_ways(verdicts).to_arrow())
    judged: pl.DataFrame = con.sql(
        f"""
        select stratum, is_same, count(*) as count
        from verdicts v join crosswalk a on a.record_id = v.record_id_a
        join crosswalk b on b.record_id = v.record_id_b
        join ({_of_pairs(rulebook)}) p
            on p.record_a = a.record_number and p.record_b = b.record_number
        group by all"""
    ).pl()
    con.unregister("verdicts")
    counted, lost = _counted(con, rulebook)
    return Links(estimate(_with_the_rest(counted, judged), lost), lost)


def judge_samples(
    con: duckdb.DuckDBPyConnection, rulebook: Rulebook, log: pl.DataFrame, said: Resolved
) -> Links:
    """Measure the links among golden tables, or those of a snapshot, by the decisions of stewards.

    Only what they said of pairs that chance had them judge speaks for other pairs. Pairs that they
    decided otherwise, because the queue asked or something struck them, speak for themselves alone.
    """
    with _told(con, log, said):
        judged: pl.DataFrame = con.sql(
            f"""
            select d.stratum, s.is_same, count(*) as count
            from ({drawn_sql("pair_weights", drawing(rulebook))}) d
            join said s using (record_a, record_b) where s.is_sample group by all"""
        ).pl()
        known: pl.DataFrame = con.sql(
            f"""
            select stratum, is_same, count(*)::bigint as count from ({_of_pairs(rulebook)}) p
            join otherwise o using (record_a, record_b) group by all"""
        ).pl()
    counted, lost = _counted(con, rulebook)
    found = estimate(_with_the_rest(counted, judged, known), lost, known)
    return Links(found, lost)


@contextmanager
def _told(con: duckdb.DuckDBPyConnection, log: pl.DataFrame, said: Resolved) -> Iterator[None]:
    """Lay out what people said of pairs: `said`, and `otherwise` without what chance had asked."""
    con.register("decided", decided_pairs(said).to_arrow())
    con.register("answered", answered_items(log).to_arrow())
    con.sql(f"create or replace temp table said as {said_sql()}")
    con.sql("create or replace temp table otherwise as from said where not is_sample")
    try:
        yield
    finally:
        con.sql("drop table said")
        con.sql("drop table otherwise")
        con.unregister("decided")
        con.unregister("answered")


def _of_pairs(rulebook: Rulebook) -> str:
    """The pairs of a snapshot with their strata."""
    return f"""
        select *, {stratum_sql(rulebook.matching.thresholds)} as stratum
        from (select *, {weight_sql(rulebook.model.manifest.prior)} as weight from pair_weights) p
        semi join crosswalk a on a.record_number = p.record_a
        semi join crosswalk b on b.record_number = p.record_b"""


def _counted(con: duckdb.DuckDBPyConnection, rulebook: Rulebook) -> tuple[pl.DataFrame, Lost]:
    """How many pairs of each stratum which rules found, and what no rule did."""
    counted: pl.DataFrame = con.sql(
        f"select stratum, found_by, count(*) as count from ({_of_pairs(rulebook)}) group by all"
    ).pl()
    links = counted.filter(pl.col("stratum").is_in(BANDS["linked"]))
    return counted, estimate_lost(links, rulebook.matching)


def _with_the_rest(counted: pl.DataFrame, *told: pl.DataFrame) -> pl.DataFrame:
    """Judged pairs by stratum and verdict, and those of which nobody told anything."""
    judged, whole = told[0], counted.group_by("stratum").agg(pl.col("count").sum())
    known = pl.concat([part.select("stratum", pl.col("count").cast(pl.Int64)) for part in told])
    known = known.group_by("stratum").agg(judged=pl.col("count").sum())
    rest = whole.join(known, on="stratum", how="left").select(
        "stratum",
        is_same=pl.lit(None, pl.Boolean),
        count=pl.col("count").cast(pl.Int64) - pl.col("judged").fill_null(0).cast(pl.Int64),
    )
    return pl.concat([judged.with_columns(pl.col("count").cast(pl.Int64)), rest])


def draw_list(
    path: Path, settings: Settings, rulebook: Rulebook, size: int, seed: int
) -> dict[str, int]:
    """Write a list of pairs to judge; how many there are of each stratum."""
    sampled = read_pairs(settings, rulebook)
    if sampled.pairs.is_empty():
        raise TouchstoneError("There are no pairs to judge; take in deliveries first.")
    with duckdb.connect() as con:
        con.register("pairs", sampled.pairs.to_arrow())
        drawn = con.sql(
            f"select *, md5(record_id_a || chr(31) || record_id_b || chr(31) || {seed}) as lot "
            "from pairs"
        ).pl()
    drawn = draw(drawn, size)
    page = _side_by_side(drawn, _values(settings, drawn)).select(
        pl.lit(None, pl.String).alias("same"),
        pl.all(),
        drawn=pl.lit(_drawn(sampled.run_id, rulebook)),
    )
    text = io.BytesIO()
    page.write_csv(text)
    write_private(path, text.getvalue().decode())
    counted = dict(drawn["stratum"].value_counts().iter_rows())
    return {name: counted.get(name, 0) for name in STRATA}


def read_judged(path: Path, rulebook: Rulebook) -> tuple[str, pl.DataFrame]:
    """The snapshot that a list was drawn from, and its verdicts, by the ids of both records."""
    judged = _read(path)
    drawn = judged["drawn"].drop_nulls().unique().to_list()
    run_id = str(drawn[0]).partition(" ")[0] if len(drawn) == 1 else ""
    if not run_id or drawn[0] != _drawn(run_id, rulebook):
        raise TouchstoneError(
            f"{path.name} was drawn under other thresholds or another prior, or is put together "
            "from several lists; draw a new one with `touchstone evaluate --draw`."
        )
    said = pl.col("same").str.strip_chars().str.to_lowercase()
    wrong = judged.with_row_index("row", 2).filter(~said.fill_null("").is_in(["", "?", *_SAYS]))
    if wrong.height:
        raise TouchstoneError(
            f"{path.name}, row {wrong['row'][0]}: the column same wants yes, no or nothing."
        )
    answer = said.replace_strict(_SAYS, default=None, return_dtype=pl.Boolean)
    return run_id, judged.select("record_id_a", "record_id_b", is_same=answer).drop_nulls()


def judge_decided(con: duckdb.DuckDBPyConnection, rulebook: Rulebook, settings: Settings) -> Links:
    """Measure the links of a snapshot by all that stewards decided up to now."""
    log = read_log(settings)
    return judge_samples(con, rulebook, log, state_of(log))


def answered_items(log: pl.DataFrame) -> pl.DataFrame:
    """The items that decisions of the log answer."""
    return log.select("item_id").drop_nulls().unique()


def drawing(rulebook: Rulebook) -> Drawing:
    """By what chance draws the pairs that stewards judge blind."""
    model = rulebook.model
    return Drawing(
        rulebook.queues.samples, rulebook.matching.thresholds, model.manifest.prior, model.name
    )


def decided_pairs(said: Resolved) -> pl.DataFrame:
    """What decisions say of pairs: record_id_a, record_id_b, is_same."""
    return pl.concat(
        links.select(record_id_a="record_a", record_id_b="record_b", is_same=pl.lit(is_same))
        for links, is_same in ((said.must_links, True), (said.cannot_links, False))
    )


def _both_ways(verdicts: pl.DataFrame) -> pl.DataFrame:
    """Verdicts by either order of their records, the newest of each pair."""
    turned = verdicts.select(
        record_id_a="record_id_b", record_id_b="record_id_a", is_same="is_same"
    )
    return pl.concat([verdicts.select(turned.columns), turned]).unique(
        ["record_id_a", "record_id_b"], keep="last", maintain_order=True
    )


def _named(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    found: pl.DataFrame = con.sql(
        """
        select a.record_id as record_id_a, b.record_id as record_id_b, p.evidence, p.kinship,
            p.found_by
        from pair_weights p join crosswalk a on a.record_number = p.record_a
        join crosswalk b on b.record_number = p.record_b order by p.record_a, p.record_b"""
    ).pl()
    return found


def _drawn(run_id: str, rulebook: Rulebook) -> str:
    thresholds, prior = rulebook.matching.thresholds, rulebook.model.manifest.prior
    return f"{run_id} prior {prior:g} link {thresholds.link:g} review {thresholds.review:g}"


def _values(settings: Settings, drawn: pl.DataFrame) -> pl.DataFrame:
    """What the drawn records say."""
    wanted = pl.concat(
        [drawn.select(record_id="record_id_a"), drawn.select(record_id="record_id_b")]
    ).unique()
    with (
        one_writer(settings.lock),
        Warehouse(settings.warehouse, settings, WAREHOUSE, compress=False) as warehouse,
    ):
        return warehouse.read(
            f"""
            select w.record_id, {", ".join(f"s.{name}::varchar as {name}" for name in SHOWN)}
            from wanted w join ingest.records r on r.source || ':' || r.source_key = w.record_id
            join valid.records v on v.record_number = r.record_number
            join std.records s on s.arrival = v.arrival""",
            wanted=wanted,
        )


def _side_by_side(drawn: pl.DataFrame, values: pl.DataFrame) -> pl.DataFrame:
    """One row per pair, each field of one record beside that of the other.

    A value that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    harmless = values.with_columns(
        pl.when(pl.col(name).str.contains(r"^[=+\-@\t]"))
        .then("'" + pl.col(name))
        .otherwise(pl.col(name))
        .alias(name)
        for name in SHOWN
    )
    both = drawn.select("record_id_a", "record_id_b")
    for side in ("a", "b"):
        named = harmless.rename({name: f"{name}_{side}" for name in SHOWN})
        both = both.join(
            named,
            left_on=f"record_id_{side}",
            right_on="record_id",
            maintain_order="left",
            how="left",
        )
    fields = [f"{name}_{side}" for name in SHOWN for side in ("a", "b")]
    return both.select(*fields, "record_id_a", "record_id_b")


def _read(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise TouchstoneError(f"There is no list {path}; draw one with --draw.")
    try:
        judged = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise TouchstoneError(f"{path.name} cannot be read as CSV; save it as .csv.") from error
    lacks = {"same", "record_id_a", "record_id_b", "drawn"} - set(judged.columns)
    if lacks:
        raise TouchstoneError(
            f"{path.name} has no column {', '.join(sorted(lacks))}; judge a list that "
            "`touchstone evaluate --draw` wrote."
        )
    return judged
