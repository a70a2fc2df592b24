"""Run a notebook's cells in order and say, as JSON, what the last line of each shows.

    python tests/flows/notebook.py examples/golden_table.ipynb

It runs in the environment of the examples, which has nothing of ours.
"""

import ast
import json
import sys
from pathlib import Path
from typing import Any

import polars as pl


def cells_of(notebook: Path) -> list[str]:
    """The code of each cell."""
    told = json.loads(notebook.read_text("utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in told if cell["cell_type"] == "code"]


def shown_by(cells: list[str]) -> list[Any]:
    """What each cell shows: the value of its last line; `Any` is whatever that is."""
    names: dict[str, Any] = {}
    shown = []
    for number, cell in enumerate(cells):
        tree = ast.parse(cell, f"cell {number}")
        last = tree.body.pop()
        assert isinstance(last, ast.Expr)
        exec(compile(tree, f"cell {number}", "exec"), names)
        shown.append(eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names))
    return shown


def told(one: Any) -> dict[str, Any]:
    """A chart or a table; a chart is checked against the schema of Vega-Lite."""
    if isinstance(one, pl.DataFrame):
        return {"kind": "table", "rows": one.height}
    chart = one.to_dict()
    rows = sum(len(rows) for rows in chart["datasets"].values())
    return {"kind": "chart", "title": chart["title"], "rows": rows}


if __name__ == "__main__":
    answers = [told(one) for one in shown_by(cells_of(Path(sys.argv[1])))]
    sys.stdout.write(json.dumps(answers))
