import polars as pl
import pytest

from rules.matching import Matching
from store.rulebook import read_rule
from store.settings import Settings
from transforms.coverage import estimate_lost, kinds_of_rules, rule_yields

RULES = read_rule(Settings().rules / "matching.toml", Matching)
NAMES = [rule.name for rule in RULES.blocking]


def found_by(*names: str) -> int:
    return sum(1 << NAMES.index(name) for name in names)


def links_of(*rows: tuple[tuple[str, ...], int]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "found_by": [found_by(*names) for names, _ in rows],
            "is_link": [True] * len(rows),
            "count": [count for _, count in rows],
        }
    )


def test_a_rule_counts_for_what_it_looks_at_beside_names() -> None:
    kinds = dict(zip(NAMES, kinds_of_rules(RULES), strict=True))

    assert kinds["email"] == "e-mail"
    assert kinds["last_name_and_birth_date"] == "birth date"
    assert kinds["names_and_city"] == "place"
    assert kinds["both_names"] == "names"


def test_links_that_one_kind_alone_found_tell_of_those_that_none_did() -> None:
    links = links_of((("email",), 40), (("email", "mailbox_name", "phone"), 99))

    lost = estimate_lost(links, RULES)

    assert lost.by_kinds[:2] == (40, 99)  # the two rules on e-mails are one kind
    assert lost.share == pytest.approx(7.8 / (139 + 7.8))
    assert lost.low is not None
    assert lost.high is not None
    assert lost.low < lost.share < lost.high


def test_too_few_links_say_nothing_of_those_that_are_lost() -> None:
    lost = estimate_lost(links_of((("email", "phone"), 9), (("email",), 50)), RULES)

    assert (lost.share, lost.low, lost.high) == (None, None, None)


def test_where_every_link_was_found_twice_few_can_be_lost() -> None:
    lost = estimate_lost(links_of((("email", "phone"), 297)), RULES)

    assert (lost.share, lost.high) == (0.0, 0.01)


def test_a_rule_brings_what_no_other_rule_found() -> None:
    pairs = pl.concat(
        [
            links_of((("email",), 5), (("email", "phone"), 7)),
            links_of((("phone",), 3)).with_columns(is_link=False),
        ]
    )

    yields = {found.rule: found[1:] for found in rule_yields(pairs, RULES)}

    assert yields["email"] == (12, 12, 5)
    assert yields["phone"] == (10, 7, 0)
    assert yields["both_names"] == (0, 0, 0)
