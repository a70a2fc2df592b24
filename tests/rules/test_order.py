"""Rules whose digests decide what is worked out again hold nothing without an order."""

from rules.feed import Feed
from rules.matching import Matching
from rules.survivorship import Survivorship


def test_no_rule_holds_a_set_whose_order_would_be_another_in_the_next_process() -> None:
    for rule in (Survivorship, Matching, Feed):
        schema = str(rule.model_json_schema())

        assert "uniqueItems" not in schema, rule.__name__
