"""Say how two records are compared: what each name in matching.toml stands for."""

from typing import Any

from transforms.comparisons import companies, contacts, names, persons, places
from transforms.comparisons.shape import Comparison

COMPARISONS: dict[str, Comparison] = {
    "first_name": names.FIRST_NAME,
    "last_name": names.LAST_NAME,
    "both_names": names.BOTH_NAMES,
    "middle_name": names.MIDDLE_NAME,
    "birth_date": persons.BIRTH_DATE,
    "email": contacts.EMAIL,
    "phone": contacts.PHONE,
    "address": places.ADDRESS,
    "country": places.COUNTRY,
    "company": companies.COMPANY,
    "account": companies.ACCOUNT,
    "person_number": persons.PERSON_NUMBER,
}
"""What each name in `comparisons` of matching.toml compares."""

PREPARED_COLUMNS = {
    **persons.PREPARED,
    **names.PREPARED,
    **contacts.PREPARED,
    **companies.PREPARED,
}
"""Columns that comparisons read beside those of a node."""

NODE_COLUMNS = (
    "first_key",
    "first_root",
    "first_phonetic",
    "first_others",
    "middle_key",
    "last_key",
    "last_phonetic",
    "email",
    "email_local",
    "email_domain",
    "email_2",
    "phone",
    "phone_2",
    "address_key",
    "street_key",
    "house_number",
    "postcode_key",
    "city_key",
    "country",
    "company_key",
    "person_number",
)
"""Columns of a node that comparisons read as they are."""


def is_as_now(comparison: dict[str, Any]) -> bool:
    """Whether a comparison of a model, in Splink's own shape, hence Any, has the levels of now."""
    ours = COMPARISONS.get(comparison["output_column_name"])
    conditions = [level["sql_condition"] for level in comparison["comparison_levels"]]
    return ours is not None and conditions == [ours.missing, *(v.sql for v in ours.levels)]
