"""A company at whose desk customers can be entered."""

import shutil
from pathlib import Path

from tests.flows.builders import OWN, Company
from tests.shared import Shared
from tests.steward.test_customers import a_company


def with_entries(shared: Shared, folder: Path) -> Company:
    """The company of `a_company`, with the feed that takes what is typed at the desk."""
    company = shared.company(a_company, folder)
    shutil.copytree(OWN / "feeds" / "desk_entry", company.settings.rules / "feeds" / "desk_entry")
    return company


def with_codes(shared: Shared, folder: Path) -> Company:
    """The same, where codes go to the outbox."""
    company = with_entries(shared, folder)
    settings = company.settings.model_copy(update={"code_sender": "outbox"})
    return company._replace(settings=settings)
