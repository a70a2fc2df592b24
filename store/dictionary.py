"""Say what the published tables and their columns mean: in the snapshot itself and in the docs.

`python -m store.dictionary` prints the page docs/data-dictionary.md.
"""

import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from rules.base import Rule


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


@cache
def read_dictionary() -> Dictionary:
    """Read what comes with the program."""
    text = Path(__file__).with_name("dictionary.toml").read_text("utf-8")
    found: dict[str, Any] = tomllib.loads(text)  # Any: TOML, checked by the model
    return Dictionary(about=found.pop("about"), tables=found)


def _quoted(text: str) -> str:
    return "'" + " ".join(text.split()).replace("'", "''") + "'"


if __name__ == "__main__":
    sys.stdout.write(read_dictionary().page())
