"""Measure the quality of matching on sets with truth, without labels, beside a plain Splink model.

Each set goes through the product's own transforms: standardise, block, score, cluster. The model
is trained on the very file (`--model own`), label-free, or is the one that ships (`--model
shipped`) with the prior and the rarity of households estimated from the file, as `touchstone train
--prior-only` does, and with `--model refreshed` also how common names are and what families share,
as `--refresh` does. `--model untouched` is what a first night has: the model as it ships, prior and
all. Truth is read only to score the answer.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # also where nothing is installed

from plain_splink import plain_clusters

from rules.feed import Feed
from rules.matching import Matching
from store.rulebook import Rulebook, read_rule, read_rulebook
from transforms.block import cap_keys, capped_keys
from transforms.cluster import cluster, pairs_to_weigh
from transforms.contradict import what_is_said
from transforms.edges import names_alone
from transforms.evaluate import score
from transforms.families import refreshed_families, shows_families
from transforms.frequencies import refreshed_frequencies
from transforms.generations import generations
from transforms.groups import Apart
from transforms.match import MatchModel, prepare_nodes, score_given, score_pairs
from transforms.namesakes import bits_asked
from transforms.priors import priors_of_pairs, with_rarer_households
from transforms.standardise.contact_keys import phone_keys
from transforms.standardise.emails import verify_emails
from transforms.standardise.keys import record_keys
from transforms.standardise.phones import verify_phones
from transforms.standardise.records import move_up, standardise_texts
from transforms.train import train

ROOT = Path(__file__).resolve().parents[1]
PAIR = {"record_a": pl.Int64, "record_b": pl.Int64}
MODELS = ("own", "untouched", "shipped", "refreshed")
CALLING = {"US": "1", "GB": "44", "DE": "49", "FR": "33", "IN": "91", "BR": "55"}


@dataclass(frozen=True)
class Truth:
    """A set as delivered: text columns of ours, and beside them who it is."""

    rows: pl.DataFrame
    birth_date: str
    region: str | None = None


def main() -> int:
    """Print one line per set and system."""
    arguments = _arguments()
    rulebook = read_rulebook(ROOT / "rules")
    for name in arguments.sets:
        kind, _, where = name.partition("=")
        delivered = READERS[kind](Path(where))
        records = _standardise(delivered, rulebook)
        truth = delivered.rows.select(
            record=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
            entity=pl.col("truth"),
            household=pl.col("household") if "household" in delivered.rows.columns else None,
        )
        ours = _match(records, rulebook, arguments.model)
        _tell(name, f"touchstone, {arguments.model} model", ours, truth)
        if arguments.splink:
            _tell(name, "plain Splink", plain_clusters(records), truth)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the quality of matching.")
    parser.add_argument("sets", nargs="+", metavar="KIND=PATH", help=f"one of {', '.join(READERS)}")
    parser.add_argument("--model", choices=MODELS, default="own")
    parser.add_argument("--splink", action="store_true", help="beside it, a plain Splink model")
    return parser.parse_args()


def _febrl(path: Path) -> Truth:
    rows = pl.read_csv(path, infer_schema=False).rename(str.strip)
    rows = rows.with_columns(pl.all().str.strip_chars().replace("", None))
    street = pl.concat_str("street_number", "address_1", separator=" ", ignore_nulls=True)
    selected = rows.select(
        truth=pl.col("rec_id").str.extract(r"rec-(\d+)-", 1),
        first_name="given_name",
        last_name="surname",
        address_line1=street,
        address_line2="address_2",
        city="suburb",
        region="state",
        postcode="postcode",
        birth_date="date_of_birth",
        person_number="soc_sec_id",
    )
    return Truth(selected.with_columns(country=pl.lit("AU")), "%Y%m%d")


def _fake(path: Path) -> Truth:
    names = {"surname": "last_name", "dob": "birth_date", "cluster": "truth"}
    return Truth(pl.read_csv(path, infer_schema=False).rename(names).drop("unique_id"), "%Y-%m-%d")


def _customers(path: Path) -> Truth:
    names = {"street": "address", "state": "region", "dob": "birth_date"}
    names |= {"truth_id": "truth", "household_id": "household"}
    rows = pl.read_csv(path, infer_schema=False).rename(names)
    rows = rows.drop("kinds", "received_at", "record_id", "source")
    return Truth(rows.with_columns(country=pl.lit("US")), "%Y-%m-%d|%m/%d/%Y", "US")


def _rldata(path: Path) -> Truth:
    """RLdata500 and RLdata10000 of the R package RecordLinkage, as CSV with a column `truth`."""
    rows = pl.read_csv(path, infer_schema=False, null_values=["", "NA"])
    selected = rows.select(
        "truth",
        first_name="fname_c1",
        middle_name="fname_c2",
        last_name=pl.concat_str("lname_c1", "lname_c2", separator=" ", ignore_nulls=True),
        birth_date=pl.concat_str(
            "by", pl.col("bm", "bd").str.zfill(2), separator="-", ignore_nulls=False
        ),
    )
    return Truth(selected.with_columns(country=pl.lit("DE")), "%Y-%m-%d")


def _figures(path: Path) -> Truth:
    """Splink's historical_figures_with_errors_50k, each born in the twentieth century instead.

    Nobody is a customer who was born before 1900; slips of the pen stay where they are.
    """
    rows = pl.read_parquet(path)
    year = pl.col("dob").str.slice(0, 4).str.to_integer(strict=False)
    selected = rows.select(
        "first_name",
        truth="cluster",
        last_name="surname",
        birth_date=pl.concat_str((1910 + year % 100).cast(pl.String), pl.col("dob").str.slice(4)),
        city="birth_place",
        postcode="postcode_fake",
    )
    return Truth(selected.with_columns(country=pl.lit("GB")), "%Y-%m-%d", "GB")


def _restaurants(path: Path) -> Truth:
    """Those of Fodor's and Zagat's, restaurant-nophone-training.csv of dedupe's benchmarks."""
    rows = pl.read_csv(path, infer_schema=False)
    selected = rows.select(truth="unique_id", company="name", address="address", city="city")
    return Truth(selected.with_columns(country=pl.lit("US")), "%Y-%m-%d", "US")


def _sites(path: Path) -> Truth:
    """Childcare sites of Chicago, csv_example_input_with_true_ids.csv of dedupe's examples."""
    rows = pl.read_csv(path, infer_schema=False)
    selected = rows.select(
        truth="True Id", company="Site name", address="Address", postcode="Zip", phone="Phone"
    )
    places = {"city": pl.lit("Chicago"), "country": pl.lit("US")}
    return Truth(selected.with_columns(**places), "%Y-%m-%d", "US")


def _fields(path: Path) -> Truth:
    """The clean values of a folder of deliveries: it measures matching, not reading."""
    live = pl.read_parquet(path / "truth.parquet").filter(pl.col("status") == "live")
    live = live.select("record_key", "night", truth="entity_id", household="household_id")
    rows = pl.read_parquet(path / "truth_fields.parquet").join(live, on=["record_key", "night"])
    rows = rows.unique("record_key", keep="last", maintain_order=True)
    names = {"first": "first_name", "middle": "middle_name", "last": "last_name"}
    rows = rows.with_columns(
        phone="+" + pl.col("country").replace(CALLING) + pl.col("phone_nsn")
    ).rename({**names, "dob": "birth_date"})
    rows = rows.drop("night", "op", "phone_nsn", "record_key", "source")
    return Truth(rows.with_columns(pl.all().cast(pl.String)), "%Y-%m-%d")


def _crm(path: Path) -> Truth:
    """The contacts of a customer system: its accounts and leads have truths of their own."""
    truth = pl.read_csv(path / "truth.csv").select("record_id", truth="cluster_id")
    rows = pl.read_parquet(path / "records.parquet").filter(pl.col("entity_type") == "contact")
    selected = rows.join(truth, on="record_id", maintain_order="left").select(
        *("truth", "first_name", "last_name", "email", "phone", "city"),
        region="state_code",
        country="country_code",
        company="company_name",
    )
    return Truth(selected, "%Y-%m-%d")


def _accounts(path: Path) -> Truth:
    """The accounts of the same system: companies, and nobody named."""
    truth = pl.read_csv(path / "truth.csv").select("record_id", truth="cluster_id")
    rows = pl.read_parquet(path / "records.parquet").filter(pl.col("entity_type") == "account")
    selected = rows.join(truth, on="record_id", maintain_order="left").select(
        *("truth", "phone", "city"),
        company="account_name",
        address="address_line1",
        postcode="postal_code",
        region="state_code",
        country="country_code",
    )
    return Truth(selected.with_columns(pl.all().cast(pl.String)), "%Y-%m-%d")


READERS: dict[str, Callable[[Path], Truth]] = {
    "febrl": _febrl,
    "fake": _fake,
    "customers": _customers,
    "fields": _fields,
    "crm": _crm,
    "accounts": _accounts,
    "rldata": _rldata,
    "figures": _figures,
    "restaurants": _restaurants,
    "sites": _sites,
}
"""How each kind of set is read."""


def _standardise(delivered: Truth, rulebook: Rulebook) -> pl.DataFrame:
    feed = Feed.model_validate(
        {
            "source": "measured",
            "title": "measured",
            "channel": "bulk_list",
            "owner": "measured",
            "trust": 50,
            "read": {"format": "csv", "path": "*"},
            "columns": {},
            "parse": {"birth_date": delivered.birth_date, "region": delivered.region},
        }
    )
    number = pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    rows = delivered.rows.select(pl.exclude("truth", "household")).with_columns(
        pl.col(pl.String).replace("", None)
    )
    rows = rows.with_columns(
        record_number=number,
        arrival=number,
        received_at=pl.lit(datetime(2026, 6, 1, tzinfo=UTC)),
        source=pl.lit("measured"),
    )
    records = standardise_texts(rows, feed, rulebook.lookups)
    for name in ("phone", "phone_2"):
        asked = records.select(raw=name, region="region_hint")
        known = verify_phones(asked.drop_nulls("raw").unique()).with_columns(key=phone_keys())
        found = asked.join(
            known, on=["raw", "region"], how="left", nulls_equal=True, maintain_order="left"
        )
        records = records.with_columns(
            found["value"].alias(name), found["key"].alias(f"{name}_key")
        )
    for name in ("email", "email_2"):
        asked = records.select(raw=name)
        known = verify_emails(asked.drop_nulls("raw").unique())
        found = asked.join(known, on="raw", how="left", maintain_order="left")
        records = records.with_columns(found["value"].alias(name))
    return record_keys(move_up(records), rulebook.lookups)


def _match(records: pl.DataFrame, rulebook: Rulebook, which: str) -> pl.DataFrame:
    """Which customer each record is in: record, cluster."""
    rules = read_rule(ROOT / "rules" / "matching.toml", Matching)  # as no model made it stricter
    nodes = prepare_nodes(records, rules)
    nodes = cap_keys(nodes, capped_keys(nodes, rules), rules)
    shipped = rulebook.model
    model = MatchModel(shipped.settings, shipped.frequencies, shipped.manifest.prior)
    if which == "own":
        model = train(nodes, rules, 1, earlier=model).model
        return _cluster(nodes, *_with_priors(nodes, model, rules, shifts=False), rules)
    if which == "untouched":
        pairs = score_pairs(None, nodes, model, rules)
        return _put_together(nodes, pairs, model, rules.fitted(shipped.manifest))[0]
    pairs, fresh = _with_priors(nodes, model, rules, shifts=True)
    found = _cluster(nodes, pairs, fresh, rules)
    if which == "refreshed":
        members = found.rename({"record": "record_number", "cluster": "founder"})
        frequencies = refreshed_frequencies(nodes, members, model, rules)
        if shows_families(pairs, nodes.height, fresh):
            shared = refreshed_families(nodes, model, rules, 1)
            model = model._replace(settings=shared)
        model = model._replace(tf=frequencies)
        found = _cluster(nodes, *_with_priors(nodes, model, rules, shifts=True), rules)
    return found


def _with_priors(
    nodes: pl.DataFrame, model: MatchModel, rules: Matching, *, shifts: bool
) -> tuple[pl.DataFrame, MatchModel]:
    """The pairs of a model, and the model with the priors that explain them."""
    pairs = score_pairs(None, nodes, model, rules)
    ratio = float(model.settings["kinship"]["ratio"])
    found = priors_of_pairs(pairs, nodes.height, ratio)
    shift = found.shift(ratio) if shifts else 0.0
    settings = with_rarer_households(model.settings, shift)
    fresh = model._replace(prior=found.match, settings=settings)
    return pairs.with_columns(pl.col("kinship") + shift), fresh


def _cluster(
    nodes: pl.DataFrame, pairs: pl.DataFrame, model: MatchModel, rules: Matching
) -> pl.DataFrame:
    """Which customer each record is in, with as many bits asked of names as the file asks for."""
    found, names = _put_together(nodes, pairs, model, rules)
    bits = bits_asked(names, found["cluster"].n_unique(), rules.training.namesakes)
    least = rules.clustering
    fitted = least.model_copy(update={"name_alone": max(bits, least.name_alone)})
    return _put_together(nodes, pairs, model, rules.model_copy(update={"clustering": fitted}))[0]


def _put_together(
    nodes: pl.DataFrame, pairs: pl.DataFrame, model: MatchModel, rules: Matching
) -> tuple[pl.DataFrame, pl.Series]:
    """Which customer each record is in (record, cluster), and what names alone say."""
    links = what_is_said(pairs, model, rules).links()
    nothing = pl.DataFrame(schema=PAIR)
    records = nodes["record_number"]
    wanted = pairs_to_weigh(records, links, nothing, pairs, rules.clustering)
    rest = score_given(nodes, wanted, model, rules)
    said = what_is_said(pl.concat([pairs, rest]), model, rules)
    keys = pl.DataFrame(schema={"record_number": pl.Int64, "source": pl.String})
    asked = (records, links, nothing, Apart(nothing, keys, said, generations(nodes)))
    found = cluster(*asked, rules.clustering).members
    members = found.select(record="record_number", cluster="founder")
    return members, names_alone(*asked, rules.clustering)


def _tell(name: str, system: str, found: pl.DataFrame, truth: pl.DataFrame) -> None:
    members = found.join(truth, on="record")
    scored = score(members.select("record", "cluster", "entity"))
    mixed = members.group_by("cluster").agg(pl.col("entity").n_unique())["entity"] > 1
    inside = _pairs(members, "cluster", "household") - _pairs(
        members, "cluster", "household", "entity"
    )
    print(
        f"{name} | {system} | P {scored.pairwise.precision.value:.4f}"
        f" R {scored.pairwise.recall.value:.4f} F1 {scored.pairwise.f1:.4f}"
        f" | B-cubed F1 {scored.b_cubed.f1:.4f} | over-merged {mixed.mean():.2%}"
        f" | false pairs inside a household {inside}",
        flush=True,
    )


def _pairs(members: pl.DataFrame, *by: str) -> int:
    known = members.drop_nulls("household")
    size = known.group_by(by).len()["len"].cast(pl.Int64)
    return int((size * (size - 1) // 2).sum())


if __name__ == "__main__":
    sys.exit(main())
