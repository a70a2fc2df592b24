"""Decide who tells which source what, and on which night.

Night 1 is the bulk. Nights 2 and 3 bring new people, new records of old people, changes, deletes,
withdrawals and consent taken back. The full dump repeats all its members every night.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from demo.people import Home, Person, Register, move, new_email
from demo.records import Event, Record, bad_rows, stories
from demo.spelling import Spelling, write_down, write_phone

NIGHTS = (datetime(2026, 3, 2), datetime(2026, 3, 3), datetime(2026, 3, 4))

SOURCES = {
    "alpha_loyalty": 26,
    "beta_insurance": 22,
    "web_signup": 24,
    "expo_leads": 15,
    "webinar": 15,
    "front_desk": 12,
}
"""How likely each source is to hear from a person; expo and webinar only from the employed."""

SILENT = {2: ("expo_leads",), 3: ("expo_leads", "webinar")}
"""Bulk lists that do not come on these nights."""

KEYS = {
    "alpha_loyalty": "{:08}",
    "beta_insurance": "B-{:06}",
    "web_signup": "ws_{:06}",
    "front_desk": "D-{:06}",
}
"""How a source with keys writes them; the leading zeros of Alpha's are part of the key."""


class Plan:
    """Every row of the three nights, and the events among them."""

    def __init__(self, people: Sequence[Person], register: Register, rng: Random) -> None:
        self.rows: list[Record] = []
        self.events: list[Event] = []
        self._rng = rng
        self._register = register
        self._people = {person.entity_id: person for person in people}
        self._next = dict.fromkeys(SOURCES, 1)
        for person in people:
            self._tell(person)
        self.rows += [*stories(), *bad_rows()]
        for night in (2, 3):
            self._change("alpha_loyalty", night, 0.03)
            self._change("beta_insurance", night, 0.04)
            self._end("alpha_loyalty", night, "withdrawn", 0.015)
            self._end("beta_insurance", night, "deleted", 0.02)
            self._take_back_consent(night, 0.02)

    def of(self, source: str, night: int) -> list[Record]:
        """List what this source delivers that night, in the order of its file."""
        if source == "alpha_loyalty":
            return self._dump(night)
        rows = [row for row in self.rows if (row.source, row.night) == (source, night)]
        return _shuffled(rows, Random(f"{source}{night}"))

    def _tell(self, person: Person) -> None:
        """Give a person about 1.7 records, most on night 1, at most one with Alpha."""
        rng = self._rng
        first_night = rng.choices([1, 2, 3], [84, 8, 8])[0]
        told: list[str] = []
        for at in range(rng.choices([1, 2, 3, 4, 5], [53, 28, 12, 5, 2])[0]):
            night = first_night
            if at and first_night == 1:
                night = rng.choices([1, 2, 3], [76, 12, 12])[0]
            source = self._source(person, night, told)
            told.append(source)
            self._add(person, source, night)

    def _source(self, person: Person, night: int, told: list[str]) -> str:
        closed = set(SILENT.get(night, ()))
        if "alpha_loyalty" in told:
            closed.add("alpha_loyalty")
        if not person.company:
            closed |= {"expo_leads", "webinar"}
        open_sources = [source for source in SOURCES if source not in closed]
        return self._rng.choices(open_sources, [SOURCES[name] for name in open_sources])[0]

    def _add(self, person: Person, source: str, night: int) -> Record:
        rng = self._rng
        values = write_down(person, source, rng)
        values["updated_at"] = self._told_at(source, night).isoformat()
        values |= _consent(source, rng)
        key = KEYS[source].format(self._next[source]) if source in KEYS else None
        self._next[source] += 1
        row = Record(source, night, key, person.entity_id, person.household_id, values)
        self.rows.append(row)
        return row

    def _told_at(self, source: str, night: int) -> datetime:
        """Partners know people for years; the other sources heard of them lately, a few late."""
        partner = source in ("alpha_loyalty", "beta_insurance")
        days = (900 if partner else 30) if night == 1 else 1
        if night > 1 and self._rng.random() < 0.05:
            days = 400
        return NIGHTS[night - 1] - timedelta(seconds=self._rng.randrange(days * 86_400))

    def _change(self, source: str, night: int, share: float) -> None:
        for row in self._sample(source, night, share):
            values, what = self._changed(row)
            values["updated_at"] = self._told_at("front_desk", night).isoformat()
            self.rows.append(replace(row, night=night, values=values))
            self._note(night, f"{what} changed", row)

    def _changed(self, row: Record) -> tuple[Spelling, str]:
        person = self._people[row.entity_id or ""]
        what = ("email", "address", "phone", "consent")[len(self.events) % 4]
        values = dict(row.values)
        if what == "email":
            values["email"] = new_email(person, self._register, self._rng)
        if what == "address":
            values |= _home(move(person.country, self._register, self._rng), person.country)
        number = self._register.phone(person.country, "mobile") if what == "phone" else None
        if number:
            values["phone"] = write_phone(number, person.country, True, self._rng)
        if what == "consent":
            values["consent_email"] = "false"
        return values, what

    def _end(self, source: str, night: int, event: str, share: float) -> None:
        for row in self._sample(source, night, share):
            self.rows.append(replace(row, night=night, values={}, operation="delete"))
            self._note(night, event, row)

    def _take_back_consent(self, night: int, share: float) -> None:
        given = [row for row in self._sample("web_signup", night, share) if "email" in row.values]
        for row in given:
            again = self._add(self._people[row.entity_id or ""], "web_signup", night)
            again.values.update(email=row.values["email"], consent_email="false")
            again.values.update(form="unsubscribe")
            self._note(night, "consent withdrawn", again)

    def _sample(self, source: str, night: int, share: float) -> list[Record]:
        """Draw some generated records known before this night and not touched on it."""
        known = {row.key: row for row in self.rows if row.source == source and row.night < night}
        touched = {row.key for row in self.rows if row.source == source and row.night == night}
        rows = [
            row
            for key, row in known.items()
            if key not in touched and row.operation == "upsert" and row.entity_id in self._people
        ]
        return self._rng.sample(rows, max(1, round(len(rows) * share))) if rows else []

    def _dump(self, night: int) -> list[Record]:
        """All members as of that night, by number; refused rows only on their own night."""
        members: dict[str | None, Record] = {}
        for row in sorted(self.rows, key=lambda row: row.night):
            if row.source == "alpha_loyalty" and row.night <= night and not row.why:
                members[row.key] = row
        rows = [row for row in members.values() if row.operation == "upsert"]
        refused = [row for row in self.rows if row.why and row.source == "alpha_loyalty"]
        rows += [row for row in refused if row.night == night]
        return sorted(rows, key=lambda row: row.key or "~")

    def _note(self, night: int, event: str, row: Record) -> None:
        self.events.append(Event(night, event, row.source, row.key or "", row.entity_id))


def held_leads(people: Sequence[Person], rng: Random) -> list[Record]:
    """Leads for the list of night 3 that has a column nobody knows."""
    employed = [person for person in people if person.company]
    return [
        Record(
            "expo_leads", 3, None, person.entity_id, person.household_id,
            write_down(person, "expo_leads", rng), why="delivery_has_an_unknown_column",
        )
        for person in rng.sample(employed, min(20, len(employed)))
    ]  # fmt: skip


def _consent(source: str, rng: Random) -> Spelling:
    if source in ("expo_leads", "front_desk") and rng.random() < 0.5:
        return {}
    return {
        "consent_email": rng.choices(["true", "false"], [3, 1])[0],
        "consent_phone": rng.choices(["true", "false"], [1, 3])[0],
    }


def _home(home: Home, country: str) -> Spelling:
    return {
        "address": home.line1,
        "city": home.city,
        "region": home.region,
        "postcode": home.postcode,
        "country": country,
    }


def _shuffled(rows: list[Record], rng: Random) -> list[Record]:
    """In no order, with one row in a hundred (at least one) delivered twice."""
    rng.shuffle(rows)
    good = [row for row in rows if not row.why]
    for row in rng.sample(good, min(len(good), 1 + len(good) // 100)):
        rows.insert(rng.randrange(len(rows) + 1), row)
    return rows
