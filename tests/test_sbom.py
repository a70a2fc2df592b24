"""The bill of materials names what the lock names, and is the same for the same lock."""

import importlib.util
import tomllib
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]


def sbom() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sbom", ROOT / "bench" / "sbom.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_dependency_is_in_it_with_its_digests() -> None:
    told = sbom().document(ROOT)

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = {one["name"].lower() for one in told["components"]}
    assert {"duckdb", "polars", "splink"} <= named
    assert len(told["components"]) > len(project["dependencies"])
    assert all(one["hashes"] for one in told["components"])
    assert told == sbom().document(ROOT)


def test_a_line_with_extras_and_markers_is_read() -> None:
    lock = (
        'uvicorn[standard]==0.1.2 ; python_version >= "3.11" \\\n'
        f"    --hash=sha256:{'a' * 64} \\\n    --hash=sha256:{'b' * 64}\nzope-x==2 \\\n"
        f"    --hash=sha256:{'c' * 64}\n"
    )

    assert sbom().packages(lock) == [
        ("uvicorn", "0.1.2", ["a" * 64, "b" * 64]),
        ("zope-x", "2", ["c" * 64]),
    ]
