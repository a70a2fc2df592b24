"""The lineage comes first; a value gives way only by a named rule or a decision."""

from datetime import UTC, datetime

import polars as pl
import pytest

from rules.survivorship import Survivorship
from transforms.survive import Survivors, survive

RULES = Survivorship.model_validate(
    {
        "fields": {
            "name": {
                "group": ["first_name", "last_name"],
                "order": ["most_trusted", "most_complete", "most_recent"],
            },
            "birth_date": {"order": ["first_to_arrive"], "protected": True},
            "person_number": {"order": ["first_to_arrive"], "protected": True, "kinds": True},
            "email": {"order": ["most_recent", "most_frequent"], "also": ["email_2"]},
            "consent_email": {"order": ["most_recent", "refusal_first"]},
        },
        "usage": {"role_mailboxes": ["info"]},
    }
)
TEXTS = (
    "first_name",
    "last_name",
    "birth_date",
    "person_number",
    "email",
    "email_2",
    "consent_email",
)
SCHEMA = {
    "group": pl.Int64,
    "record_number": pl.Int64,
    "trust": pl.Int64,
    "updated_at": pl.Datetime("us", "UTC"),
} | dict.fromkeys(TEXTS, pl.String)
CHOICES = {"group": pl.Int64, "field": pl.String, "value": pl.String, "record_number": pl.Int64}


def survivors(*rows: dict[str, object], choices: tuple[tuple, ...] = ()) -> Survivors:
    told = [
        {"group": 0, "record_number": number, "trust": 50}
        | row
        | {"updated_at": datetime(2026, 3, int(row.get("day", 1)), tzinfo=UTC)}
        for number, row in enumerate(rows, 1)
    ]
    records = pl.DataFrame([{**row, "day": None} for row in told], schema=SCHEMA)
    return survive(records, RULES, pl.DataFrame(list(choices), schema=CHOICES, orient="row"))


def test_a_newer_part_of_a_name_does_not_replace_a_whole_one() -> None:
    rule = RULES.fields["name"].model_copy(
        update={"core": ("first_name", "last_name"), "order": ("most_whole", "most_recent")}
    )
    rules = RULES.model_copy(update={"fields": {"name": rule}})
    told = [("Ann", "Lee", 1), ("Anna", "Lee", 2), (None, "Leigh", 3)]
    records = pl.DataFrame(
        [
            {
                "group": 0,
                "record_number": number,
                "trust": 50,
                "updated_at": datetime(2026, 3, day, tzinfo=UTC),
                "first_name": first,
                "last_name": last,
            }
            for number, (first, last, day) in enumerate(told, 1)
        ],
        schema={name: SCHEMA[name] for name in list(SCHEMA)[:6]},
    )

    found = survive(records, rules, pl.DataFrame(schema=CHOICES))

    assert golden(found, "last_name") == [("Lee", 2, "most_recent")]


def test_an_office_mailbox_is_primary_only_where_there_is_no_other() -> None:
    personal = RULES.model_copy(
        update={
            "fields": {
                "email": RULES.fields["email"].model_copy(
                    update={"order": ("most_personal", "most_recent")}
                )
            }
        }
    )
    told = [("ann@x.org", 1), ("info@x.org", 2), ("info@y.org", 1), ("info@z.org", 2)]
    records = pl.DataFrame(
        [
            {
                "group": number // 2,
                "record_number": number,
                "trust": 50,
                "updated_at": datetime(2026, 3, day, tzinfo=UTC),
                "email": email,
            }
            for number, (email, day) in enumerate(told)
        ],
        schema={name: SCHEMA[name] for name in [*list(SCHEMA)[:4], "email"]},
    )

    found = survive(records, personal, pl.DataFrame(schema=CHOICES))

    assert found.lineage["email"].sort("group").select("value", "decided_by").rows() == [
        ("ann@x.org", "most_personal"),
        ("info@z.org", "most_recent"),
    ]


def golden(found: Survivors, field: str) -> list[tuple]:
    return found.lineage[field].select("value", "record_number", "decided_by").rows()


@pytest.mark.parametrize(
    ("field", "rows", "expect"),
    [
        ("email", [{"email": "a"}], ("a", 1, "only_value")),
        ("email", [{"email": "a", "day": 1}, {"email": "b", "day": 2}], ("b", 2, "most_recent")),
        ("email", [{"email": "a"}, {"email": "b"}, {"email": "b"}], ("b", 2, "most_frequent")),
        ("email", [{"email": "a"}, {"email": "a", "day": 2}], ("a", 2, "only_value")),
        ("email", [{"email_2": "a"}], ("a", 1, "only_value")),
        ("birth_date", [{"birth_date": "a"}, {"birth_date": "b"}], ("a", 1, "first_to_arrive")),
        (
            "consent_email",
            [{"consent_email": "true"}, {"consent_email": "false"}],
            ("false", 2, "refusal_first"),
        ),
        (
            "consent_email",
            [{"consent_email": "false"}, {"consent_email": "true", "day": 2}],
            ("true", 2, "most_recent"),
        ),
    ],
)
def test_a_value_survives_by_a_named_rule(field: str, rows: list[dict], expect: tuple) -> None:
    assert golden(survivors(*rows), field) == [expect]


def test_a_number_of_another_kind_contests_nothing() -> None:
    kinds = survivors({"person_number": "tax:1"}, {"person_number": "card:2"})
    same = survivors({"person_number": "tax:1"}, {"person_number": "tax:2"})

    assert kinds.conflicts.is_empty()
    assert golden(kinds, "person_number") == [("tax:1", 1, "only_value")]
    assert same.conflicts.select("value", "rival_value", "why").rows() == [
        ("tax:1", "tax:2", "protected")
    ]


def test_a_missing_value_beats_none() -> None:
    found = survivors({"email": "a", "day": 1}, {"day": 2})

    assert golden(found, "email") == [("a", 1, "only_value")]


def test_a_group_is_taken_whole_from_one_record() -> None:
    found = survivors(
        {"first_name": "Margaret", "last_name": "Miller"},
        {"last_name": "Stone", "trust": 90},
    )

    assert golden(found, "first_name") == []
    assert golden(found, "last_name") == [("Stone", 2, "most_trusted")]


def test_a_protected_field_opens_a_conflict_and_stays() -> None:
    found = survivors({"birth_date": "1980-02-01"}, {"birth_date": "1980-01-02", "trust": 90})

    assert golden(found, "birth_date")[0][0] == "1980-02-01"
    assert found.conflicts.select("field", "value", "rival_value", "why").rows() == [
        ("birth_date", "1980-02-01", "1980-01-02", "protected")
    ]


def test_a_tie_keeps_the_earliest_and_opens_a_conflict() -> None:
    found = survivors({"email": "b"}, {"email": "a"})

    assert golden(found, "email") == [("b", 1, "first_to_arrive")]
    assert found.conflicts.select("value", "rival_value", "why").rows() == [("b", "a", "tie")]


def test_a_steward_s_value_comes_before_every_rule_and_ends_the_conflict() -> None:
    rows = ({"birth_date": "1980-02-01"}, {"birth_date": "1980-01-02"})

    found = survivors(*rows, choices=((0, "birth_date", "1980-01-02", 2),))

    assert golden(found, "birth_date") == [("1980-01-02", 2, "steward")]
    assert found.conflicts.is_empty()


def test_a_group_that_a_steward_chose_is_taken_whole_from_who_says_so() -> None:
    rows = (
        {"first_name": "Margaret", "last_name": "Miller", "trust": 90},
        {"first_name": "Maggie", "last_name": "Stone"},
    )

    found = survivors(*rows, choices=((0, "name", "Maggie Stone", 2),))

    assert golden(found, "first_name") == [("Maggie", 2, "steward")]
    assert golden(found, "last_name") == [("Stone", 2, "steward")]


def test_a_chosen_group_that_nobody_says_any_more_is_decided_by_the_rules() -> None:
    rows = (
        {"first_name": "Margaret", "last_name": "Miller", "trust": 90},
        {"first_name": "Maggie", "last_name": "Stone"},
    )

    found = survivors(*rows, choices=((0, "name", "Meg Stone", 2),))

    assert golden(found, "first_name") == [("Margaret", 1, "most_trusted")]


def test_the_order_of_rows_does_not_matter() -> None:
    rows = [
        {"record_number": 1, "email": "a", "birth_date": "x"},
        {"record_number": 2, "email": "b", "birth_date": "y", "first_name": "Z"},
        {"record_number": 3, "email": "b", "first_name": "Y"},
    ]

    one, other = survivors(*rows), survivors(*rows[::-1])

    assert all(golden(one, field) == golden(other, field) for field in one.lineage)
    assert one.conflicts.sort("field").rows() == other.conflicts.sort("field").rows()
