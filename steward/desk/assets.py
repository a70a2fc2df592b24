"""Serve the files that pages need, each under a name that changes with its content.

So a browser may keep a file for ever and never shows an old one with a new page.
"""

import hashlib
from importlib.resources import files
from typing import NamedTuple

from starlette.responses import Response

KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
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
        found = [
            _asset(path.name, path.read_bytes())
            for path in files("steward").joinpath("static").iterdir()
            if path.name.rpartition(".")[2] in KINDS
        ]
        self._by_name = {asset.name: asset for asset in found}
        self._plain = {_plain(asset.name): asset.name for asset in found}

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


def _plain(name: str) -> str:
    stem, _, kind = name.rpartition(".")
    return f"{stem.rpartition('.')[0]}.{kind}"
