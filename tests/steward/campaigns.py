"""A small company whose records belong to two campaigns, for what people may and may not see."""

from pathlib import Path

from tests.flows.builders import FEEDS, Company, found, person


def two_campaigns(folder: Path) -> Company:
    """Spring's and autumn's forms, with people that are alike in both."""
    company = found(folder)
    for source in ("members", "partner"):
        rule = company.settings.rules / "feeds" / source / "feed.toml"
        campaign = {"members": "spring", "partner": "autumn"}[source]
        text = FEEDS[source].replace("[read]", f'campaign = "{campaign}"\n[read]', 1)
        rule.write_text(text, "utf-8")
    company.drop(
        "members",
        [
            person("Springmark", "Oakfield", no="1", email="s.oak@post.org", city="Springtown"),
            person("Springmark", "Oakfeild", no="2", phone="07400 123455", postcode="SW1A 1AA"),
            person("Springmarc", "Oakfield", no="3", born="1980-01-01", postcode="SW1A 1AA"),
            person("Mixed", "Marker", no="4", email="mixed@post.org", born="1970-02-03"),
        ],
    )
    company.drop(
        "partner",
        [
            person("Autumnmark", "Elmwood", op="I", id="1", email="a.elm@post.org"),
            person("Autumnmark", "Elmwod", op="I", id="2", phone="07400 123466", postcode="N1 1AA"),
            person("Autumnmarc", "Elmwood", op="I", id="3", born="1981-01-01", postcode="N1 1AA"),
            person(
                "Mixed",
                "Marker",
                op="I",
                id="4",
                email="mixed@post.org",
                born="1970-03-02",
                city="Autumncity",
            ),
        ],
    )
    company.night(1)
    return company
