"""Read the rule files and check them, all of them, before a run begins."""

import hashlib
import io
import json
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import polars as pl
from pydantic import ValidationError

from rules.base import Rule
from rules.feed import Feed
from rules.gates import Gates
from rules.lookups import Lookups
from rules.matching import Matching, ModelManifest
from rules.number_kinds import NumberKinds
from rules.quality import Quality
from rules.queues import Queues
from rules.survivorship import Survivorship
from store.errors import TouchstoneError

R = TypeVar("R", bound=Rule)


class Model(NamedTuple):
    """A dated model as it lies in `rules/weights/<name>/`."""

    name: str
    settings: dict[str, Any]
    """Splink's own settings, whose shape is Splink's."""
    frequencies: dict[str, pl.DataFrame]
    manifest: ModelManifest


class Rulebook(NamedTuple):
    """Everything that has been decided, read and checked."""

    folder: Path
    feeds: dict[str, Feed]
    lookups: Lookups
    matching: Matching
    survivorship: Survivorship
    quality: Quality
    queues: Queues
    gates: Gates
    model: Model
    number_kinds: NumberKinds = NumberKinds()

    def digest(self, *parts: str) -> str:
        """A digest of the rule files and folders named `parts`, to know when they change."""
        found = hashlib.sha256()
        for part in sorted(parts):
            for path in _files(self.folder / part):
                found.update(path.relative_to(self.folder).as_posix().encode() + b"\0")
                found.update(hashlib.sha256(path.read_bytes()).digest())
        return found.hexdigest()


def read_rulebook(folder: Path) -> Rulebook:
    """Read every rule file below `folder`; the first that is wrong is named in the error."""
    if not folder.is_dir():
        raise TouchstoneError(f"There is no folder of rules at {folder}; give one with --rules.")
    model = read_model(latest_model(folder))
    kinds = folder / "number_kinds.toml"
    return Rulebook(
        folder,
        read_feeds(folder),
        read_lookups(folder / "lookups"),
        read_rule(folder / "matching.toml", Matching).fitted(model.manifest),
        read_rule(folder / "survivorship.toml", Survivorship),
        read_rule(folder / "quality.toml", Quality),
        read_rule(folder / "queues.toml", Queues),
        read_rule(folder / "gates.toml", Gates),
        model,
        read_rule(kinds, NumberKinds) if kinds.exists() else NumberKinds(),
    )


def read_feeds(folder: Path) -> dict[str, Feed]:
    """Read all feed folders, by source."""
    feeds: dict[str, Feed] = {}
    for path in sorted(folder.glob("feeds/*/feed.toml")):
        feed = read_rule(path, Feed)
        if feed.source in feeds:
            raise TouchstoneError(
                f"{_short(path)}: the source {feed.source} has another feed already; "
                "a source has one feed, so give this one another name."
            )
        feeds[feed.source] = feed
    return feeds


def read_rule(path: Path, kind: type[R]) -> R:
    """Read one TOML file into its model; say in one sentence what is wrong with it."""
    try:
        return kind.model_validate(_read_toml(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise TouchstoneError(
            f"{_short(path)}: {where or 'the file'}: {first['msg']}; mend the file and run again."
        ) from error


def latest_model(folder: Path) -> Path:
    """The folder of the newest model that is in use: the last by name below `weights/`."""
    found = sorted(path.parent for path in folder.glob("weights/*/manifest.toml"))
    if not found:
        raise TouchstoneError(
            f"There is no trained model in {folder / 'weights'}; "
            "run `touchstone train` and review what it proposes."
        )
    return found[-1]


def read_model(folder: Path) -> Model:
    """Read a dated model: settings, term frequencies and manifest."""
    manifest = read_rule(folder / "manifest.toml", ModelManifest)
    try:
        settings, tables = _parts_of(
            (folder / "model.json").read_bytes(),
            tuple(
                (column, (folder / f"tf_{column}.parquet").read_bytes())
                for column in manifest.term_frequencies
            ),
        )
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise TouchstoneError(
            f"The model in {_short(folder)} cannot be read ({type(error).__name__}); "
            "take it from version control again, or train one with `touchstone train`."
        ) from error
    return Model(folder.name, settings, tables, manifest)


def read_lookups(folder: Path) -> Lookups:
    """Read the tables that standardising needs."""
    texts = {path: _read_text(path) for path in sorted(folder.glob("*.toml"))}
    for path, text in texts.items():
        _tables_of(path, text)
    try:
        return _lookups_of(tuple((path.stem, text) for path, text in texts.items()))
    except (KeyError, ValueError, TypeError) as error:
        raise TouchstoneError(
            f"rules/lookups: {str(error).splitlines()[0]}; mend the file and run again."
        ) from error


def _read_toml(path: Path) -> dict[str, Any]:
    return _tables_of(path, _read_text(path))


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise TouchstoneError(f"{_short(path)} is missing; put it back.") from error
    except UnicodeDecodeError as error:
        raise TouchstoneError(f"{_short(path)} is not TOML: {error}; mend the file.") from error
    except OSError as error:
        raise TouchstoneError(f"{_short(path)} cannot be read: {error.strerror}.") from error


def _tables_of(path: Path, text: str) -> dict[str, Any]:
    try:
        return _parsed(text)
    except tomllib.TOMLDecodeError as error:
        raise TouchstoneError(f"{_short(path)} is not TOML: {error}; mend the file.") from error


@lru_cache(maxsize=256)
def _parsed(text: str) -> dict[str, Any]:
    """The tables of a file, parsed once for each content: nobody changes what they were given."""
    return tomllib.loads(text)


@lru_cache(maxsize=8)
def _lookups_of(texts: tuple[tuple[str, str], ...]) -> Lookups:
    """The same lookups for the same words: what is worked out from them is kept beside them."""
    return Lookups.from_tables({stem: _parsed(text) for stem, text in texts})


@lru_cache(maxsize=2)
def _parts_of(
    model: bytes, frequencies: tuple[tuple[str, bytes], ...]
) -> tuple[dict[str, Any], dict[str, pl.DataFrame]]:
    """The same settings and frequencies for the same files: what is made of them is kept too."""
    tables = {column: pl.read_parquet(io.BytesIO(file)) for column, file in frequencies}
    return json.loads(model), tables


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(found for found in path.rglob("*") if found.is_file())
    return [path] if path.exists() else []


def _short(path: Path) -> str:
    """The last folders of a path: enough to find it."""
    return "/".join(path.parts[-3:])
