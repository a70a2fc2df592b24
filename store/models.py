"""Write a dated match model so that it can be read, reviewed and compared line by line."""

import os
from pathlib import Path
from typing import Any

import polars as pl

from rules.matching import ModelManifest
from store.files import remove_tree, sync_folder, write_json


def write_model(
    folder: Path,
    settings: dict[str, Any],
    frequencies: dict[str, pl.DataFrame],
    manifest: ModelManifest,
) -> None:
    """Write a model to `folder`: model.json, a tf_<column>.parquet each, manifest.toml.

    `settings` have Splink's own shape, hence `Any`.
    """
    draft = folder.with_name(f".{folder.name}.draft")
    remove_tree(draft)
    draft.mkdir(parents=True)
    write_json(draft / "model.json", settings)
    for column, table in frequencies.items():
        table.write_parquet(draft / f"tf_{column}.parquet", compression="zstd")
    (draft / "manifest.toml").write_text(_toml(manifest), encoding="utf-8")
    remove_tree(folder)
    os.replace(draft, folder)
    sync_folder(folder.parent)


def _toml(manifest: ModelManifest) -> str:
    """The manifest as TOML; its values are numbers, words and lists of words."""
    plain, tables = [], []
    for name, value in manifest.model_dump(mode="json").items():
        if isinstance(value, dict):
            rows = [f'"{key}" = {count}' for key, count in value.items()]
            tables += ["", f"[{name}]", *rows]
        elif value is None:
            continue
        elif name == "trained_on":
            plain.append(f"{name} = {value}")
        else:
            plain.append(f"{name} = {_value(value)}")
    return "\n".join([*plain, *tables]) + "\n"


def _value(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return "[" + ", ".join(_value(part) for part in value) + "]"
    return str(value)
