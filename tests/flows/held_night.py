"""A company whose second night is held back, since the cities of all its members are gone."""

from pathlib import Path

from tests.flows.builders import Cells, Company, found, person

LIMITS = {"least_customers": "500", "least_rows": "1000"}
NAMES = ("Archer", "Brewer", "Carter", "Dyer", "Eaton", "Fuller", "Glover", "Harper")


def member(number: int) -> Cells:
    """One of the members."""
    name = NAMES[number % len(NAMES)]
    mail = f"{name.lower()}{number}@a.org"
    born = f"19{50 + number}-0{1 + number % 9}-1{number % 9}"
    return {"no": str(number), **person("Ann", name, email=mail, born=born, city="Leeds")}


def published_once(folder: Path) -> Company:
    """Twenty members, published; gates that judge so few."""
    company = found(folder)
    file = company.settings.rules / "gates.toml"
    text = file.read_text("utf-8")
    for limit in LIMITS.values():
        assert f"= {limit}" in text
        text = text.replace(f"= {limit}", "= 10")
    file.write_text(text, "utf-8")
    company.drop("members", [member(number) for number in range(20)], name="first")
    company.night(1)
    return company


def without_cities(company: Company, name: str = "second") -> None:
    """Drop what the gates hold back."""
    rows = [{**member(number), "city": ""} for number in range(20)]
    company.drop("members", rows, name=name)
