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

from pydantic import Field

from rules.base import Rule

NOT_COPIED = frozenset({"quarantine", "corrections", "ignored_values"})
"""Tables that stay where they are: rows as they came, and what people wrote."""


_VIEWS = """# The views, column by column

They are in `golden.duckdb` alone; [analysts.md](analysts.md) shows what to ask them.
"""


class Described(Rule):
    """A table or view: what one row of it is, what each column means, and what else to say."""

    says: str
    note: str = ""
    like: tuple[str, ...] = ()
    """Tables and views whose columns mean the same here."""
    columns: dict[str, str] = Field(default_factory=dict)


class Dictionary(Rule):
    """All published tables, in the order in which they are explained, and analysts' views."""

    about: str
    tables: dict[str, Described]
    views: dict[str, Described]

    @property
    def all(self) -> dict[str, Described]:
        """Tables and views."""
        return {**self.tables, **self.views}

    def meanings(self, table: str) -> dict[str, str]:
        """What each column of a table or view means, also those that it has of others."""
        described = self.all[table]
        shared = [self.meanings(name) for name in reversed(described.like)]
        return {name: words for one in (*shared, described.columns) for name, words in one.items()}

    def comments(self, table: str, kind: str, columns: list[str]) -> list[str]:
        """SQL that puts the words beside a table or view (`kind`) and those of its columns."""
        said = self.meanings(table)
        return [
            f"comment on {kind} {table} is {_quoted(self.all[table].says)}",
            *(
                f"comment on column {table}.{name} is {_quoted(said[name])}"
                for name in columns
                if name in said
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
        return "\n".join([*parts, _VIEWS, *(self._view(name) for name in self.views)])

    def _view(self, name: str) -> str:
        view = self.views[name]
        also = " and ".join(f"`{other}`" for other in view.like)
        text = f"### {name}\n\n{view.says}"
        text += f" Columns that it shares with {also} mean the same.\n" if also else "\n"
        if not view.columns:
            return text
        rows = "\n".join(f"| `{column}` | {words} |" for column, words in view.columns.items())
        return f"{text}\n| column | meaning |\n|---|---|\n{rows}\n"

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
    return Dictionary(about=found.pop("about"), views=found.pop("views"), tables=found)


def _quoted(text: str) -> str:
    return "'" + " ".join(text.split()).replace("'", "''") + "'"


def _yaml(text: str) -> str:
    """A text as YAML takes it: JSON is a part of YAML."""
    return json.dumps(" ".join(text.split()), ensure_ascii=False)


if __name__ == "__main__":
    found = read_dictionary()
    sys.stdout.write(found.dbt_sources() if "dbt" in sys.argv else found.page())
