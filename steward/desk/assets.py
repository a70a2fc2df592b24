"""Serve the files that pages need, each under a name that changes with its content.

So a browser may keep a file for ever and never shows an old one with a new page.
"""

import hashlib
from importlib.resources import files
from typing import NamedTuple

from starlette.responses import Response

KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "woff2": "font/woff2"}
"""The kinds of files that are served, by how their names end; no other is."""


class Asset(NamedTuple):
    """A file as it is served."""

    name: str
    """With a digest of its content, such as app.3fa9c1d2.css."""
    content: bytes
    kind: str

    def response(self) -> Response:
        """The answer that holds the file."""
        kept = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(self.content, media_type=self.kind, headers=kept)


class Assets:
    """All files of steward/static/, read once."""

    def __init__(self) -> None:
        paths = list(files("steward").joinpath("static").iterdir())
        read = {path.name: path.read_bytes() for path in paths if _kind(path.name) in KINDS}
        sheets = {name for name in read if _kind(name) == "css"}
        found = {name: _asset(name, read[name]) for name in read.keys() - sheets}
        for name in sheets:
            found[name] = _asset(name, _linked(read[name], found))
        self._by_name = {asset.name: asset for asset in found.values()}
        self._plain = {name: asset.name for name, asset in found.items()}

    def url(self, name: str) -> str:
        """Where a file is served, by the name that it has in steward/static/."""
        return f"/static/{self._plain[name]}"

    def find(self, name: str) -> Asset | None:
        """The file that is served under this name."""
        return self._by_name.get(name)


def _asset(name: str, content: bytes) -> Asset:
    stem, _, kind = name.rpartition(".")
    digest = hashlib.sha256(content).hexdigest()[:12]
    return Asset(f"{stem}.{digest}.{kind}", content, KINDS[kind])


def _kind(name: str) -> str:
    return name.rpartition(".")[2]


def _linked(sheet: bytes, found: dict[str, Asset]) -> bytes:
    """The style sheet with the files that it names under the names that they are served by."""
    for name, asset in found.items():
        sheet = sheet.replace(f"url({name})".encode(), f"url({asset.name})".encode())
    return sheet
