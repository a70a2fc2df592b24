"""A model may be stricter with names than the rules are, and never less strict."""

import pytest
from pydantic import ValidationError

from rules.matching import Matching
from store.rulebook import latest_model, read_model, read_rule
from store.settings import Settings


@pytest.mark.parametrize(("asked", "holds"), [(None, 1.0), (0.4, 1.0), (3.2, 3.2)])
def test_the_stricter_of_the_rules_and_the_model_holds(asked: float | None, holds: float) -> None:
    folder = Settings().rules
    manifest = read_model(latest_model(folder)).manifest.model_copy(update={"name_alone": asked})
    rules = read_rule(folder / "matching.toml", Matching)

    fitted = rules.fitted(manifest)

    assert fitted.clustering.name_alone == holds
    assert rules.clustering.name_alone == 1.0


def test_rules_that_compare_companies_of_people_alone_are_refused() -> None:
    said = read_rule(Settings().rules / "matching.toml", Matching).model_dump()
    without = [name for name in said["comparisons"] if name != "account"]

    with pytest.raises(ValidationError, match="add account behind it"):
        Matching.model_validate({**said, "comparisons": without})
