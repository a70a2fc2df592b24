"""Say what the published tables and their columns mean: in the snapshot itself and in the docs.

`python -m store.dictionary` prints the page docs/data-dictionary.md, and with the word `dbt` the
file examples/dbt/sources.yml.
"""

import json
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from rules.base import Rule

NOT_COPIED = frozenset({"quarantine", "corrections"})
"""Tables that stay where they are: rows as they came."""


class Described(Rule):
    """A table: what one row of it is, what each column means, and what else there is to say."""

    says: str
    note: str = ""
    columns: dict[str, str]


class Dictionary(Rule):
    """All published tables, in the order in which they are explained."""

    about: str
    tables: dict[str, Described]

    def comments(self, table: str, kind: str, columns: list[str]) -> list[str]:
        """SQL that puts the words beside a table or view (`kind`) and those of its columns."""
        described = self.tables[table]
        said = {name: words for name, words in described.columns.items() if name in columns}
        return [
            f"comment on {kind} {table} is {_quoted(described.says)}",
            *(
                f"comment on column {table}.{name} is {_quoted(words)}"
                for name, words in said.items()
            ),
        ]

    def page(self) -> str:
        """The page of the docs."""
        parts = [f"# The published tables, column by column\n\n{self.about.strip()}\n"]
        for name, table in self.tables.items():
            rows = "\n".join(f"| `{column}` | {words} |" for column, words in table.columns.items())
            note = f"\n{table.note.strip()}\n" if table.note else ""
            head = f"## {name}\n\n{table.says.strip()}\n\n| column | meaning |\n|---|---|"
            parts.append(f"{head}\n{rows}\n{note}")
        return "\n".join(parts)

    def dbt_sources(self) -> str:
        """The tables as sources of dbt, as they lie in a copy in PostgreSQL."""
        lines = [
            "# Made by `make docs`; the copy in PostgreSQL is made by `touchstone publish --to`.",
            "version: 2",
            "sources:",
            "  - name: touchstone",
            "    schema: touchstone",
            "    tables:",
        ]
        for name, table in self.tables.items():
            if name in NOT_COPIED:
                continue
            lines += [f"      - name: {name}", f"        description: {_yaml(table.says)}"]
            lines += ["        columns:"]
            for column, words in table.columns.items():
                lines += [f"          - name: {column}", f"            description: {_yaml(words)}"]
        return "\n".join(lines) + "\n"


@cache
def read_dictionary() -> Dictionary:
    """Read what comes with the program."""
    text = Path(__file__).with_name("dictionary.toml").read_text("utf-8")
    found: dict[str, Any] = tomllib.loads(text)  # Any: TOML, checked by the model
    return Dictionary(about=found.pop("about"), tables=found)


def _quoted(text: str) -> str:
    return "'" + " ".join(text.split()).replace("'", "''") + "'"


def _yaml(text: str) -> str:
    """A text as YAML takes it: JSON is a part of YAML."""
    return json.dumps(" ".join(text.split()), ensure_ascii=False)


if __name__ == "__main__":
    found = read_dictionary()
    sys.stdout.write(found.dbt_sources() if "dbt" in sys.argv else found.page())
