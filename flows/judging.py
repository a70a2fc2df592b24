"""Draw pairs for people to judge, and read what they said.

The list is blind: it shows two records side by side, in an order that tells nothing, without weight
or band. Who drew it, from which snapshot and by which thresholds, is in its column `drawn`, so that
it can be measured later without anything being remembered.
"""

import io
from pathlib import Path
from typing import NamedTuple

import duckdb
import polars as pl

from flows.drift import weight_sql
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
from transforms.judge import BANDS, STRATA, Estimate, draw, estimate, floors, stratum
from transforms.match import match_weight
from transforms.resolve import Resolved, state_of

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
    """Measure the links among golden tables, or those of a snapshot, by verdicts of people.

    verdicts: record_id_a, record_id_b, is_same. A pair that no rule found cannot be judged.
    """
    con.register("verdicts", _both_ways(verdicts).to_arrow())
    of_pairs = f"""
        select *, {_stratum(rulebook)}
        from (select *, {weight_sql(rulebook.model.manifest.prior)} as weight from pair_weights) p
        semi join crosswalk a on a.record_number = p.record_a
        semi join crosswalk b on b.record_number = p.record_b"""
    counted: pl.DataFrame = con.sql(
        f"select stratum, found_by, count(*) as count from ({of_pairs}) group by all"
    ).pl()
    judged: pl.DataFrame = con.sql(
        f"""
        select stratum, is_same, count(*) as count
        from verdicts v join crosswalk a on a.record_id = v.record_id_a
        join crosswalk b on b.record_id = v.record_id_b
        join ({of_pairs}) p on p.record_a = a.record_number and p.record_b = b.record_number
        group by all"""
    ).pl()
    con.unregister("verdicts")
    links = counted.filter(pl.col("stratum").is_in(BANDS["linked"]))
    lost = estimate_lost(links, rulebook.matching)
    return Links(estimate(_with_the_rest(counted, judged), lost), lost)


def _stratum(rulebook: Rulebook) -> str:
    """SQL: the stratum of a pair by its weight, as `transforms.judge.stratum` says it."""
    least = floors(rulebook.matching.thresholds)
    cases = " ".join(f"when weight >= {low} then '{name}'" for name, low in least.items())
    return f"case {cases} else '{STRATA[-1]}' end as stratum"


def _with_the_rest(counted: pl.DataFrame, judged: pl.DataFrame) -> pl.DataFrame:
    """Judged pairs by stratum and verdict, and those that nobody judged."""
    whole = counted.group_by("stratum").agg(pl.col("count").sum())
    known = judged.group_by("stratum").agg(judged=pl.col("count").sum())
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


def read_decided(settings: Settings) -> pl.DataFrame:
    """What stewards decided of pairs: record_id_a, record_id_b, is_same."""
    return decided_pairs(state_of(read_log(settings)))


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
