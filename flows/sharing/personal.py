"""Make personal data less so, in SQL: masked for the eye, or replaced by pseudonyms.

A pseudonym is a digest under a key that is made for one share and kept nowhere: within the share
the same value has the same pseudonym, and nobody can tell which, or join two shares by it.
"""

from typing import Literal

Treatment = Literal["clear", "masked", "pseudonymised"]

NAMES = ("first_name", "middle_name", "last_name", "company", "job_title")
CONTACTS = ("email", "phone", "person_number")
LEFT_OUT = ("address",)
IDS = ("customer_id", "record_id", "source_key")
DIGITS = 20


def treated(column: str, treatment: Treatment, field: str = "") -> str:
    """SQL of a column as it is shared; `field` says what it holds, if not its own name."""
    field = field or column
    if treatment == "clear":
        return column
    if field in LEFT_OUT:
        return "null::varchar"
    if field in {"birth_date", "postcode"}:
        return _coarse(column, field)
    if treatment == "masked":
        return MASKS[field].format(c=column) if field in MASKS else column
    if field in {*NAMES, *CONTACTS, *IDS}:
        return _pseudonym(column, "id" if field in {"record_id", "source_key"} else field)
    return column


def treated_by_field(told_by: str, treatment: Treatment, fields: list[str]) -> str:
    """SQL of the column `value` that holds values of many fields; `told_by` names the field."""
    cases = [
        f"when '{name}' then {sql}::varchar"
        for name in fields
        if (sql := treated("value", treatment, name)) != "value"
    ]
    return f"case {told_by} {' '.join(cases)} else value end" if cases else "value"


def _pseudonym(column: str, kind: str) -> str:
    """`getvariable('pseudonym_key')` is the key of the share."""
    return (
        f"case when {column} is not null then left(sha256(getvariable('pseudonym_key') || "
        f"'{kind}:' || {column}), {DIGITS}) end"
    )


def _coarse(column: str, field: str) -> str:
    """A year for a date of birth, the first part of a postcode."""
    return f"left({column}::varchar, {4 if field == 'birth_date' else 2})"


MASKS = {
    **dict.fromkeys(NAMES, "left({c}, 1) || '***'"),
    "email": "left({c}, 1) || '***@' || split_part({c}, '@', 2)",
    "person_number": "regexp_extract({c}, '^[^:]*:') || '***' || right({c}, 3)",
    "phone": "left({c}, 3) || '***' || right({c}, 2)",
}
"""What is left of a value that is masked."""
