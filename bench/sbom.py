"""List what is in a release, from the lock file alone: a CycloneDX 1.6 document on stdout.

It asks nobody: the lock has each package with its version and the digests of its files. The same
lock gives the same document, byte for byte.
"""

import json
import re
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_PACKAGE = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;\\]+)")
_DIGEST = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def main() -> int:
    """Write the document."""
    print(json.dumps(document(ROOT), indent=1, sort_keys=True))
    return 0


def document(root: Path) -> dict[str, Any]:
    """The bill of materials; `Any` is whatever JSON can hold."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    lock = (root / "requirements.lock").read_text("utf-8")
    own = f"pkg:pypi/{project['name']}@{project['version']}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, own + lock)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": project["name"],
                "version": project["version"],
                "purl": own,
            }
        },
        "components": [_component(*found) for found in packages(lock)],
    }


def packages(lock: str) -> list[tuple[str, str, list[str]]]:
    """Name, version and digests of every package of the lock, by name."""
    found: list[tuple[str, str, list[str]]] = []
    for line in lock.splitlines():
        named = _PACKAGE.match(line)
        if named:
            found.append((named[1], named[2], []))
        if found:
            found[-1][2].extend(_DIGEST.findall(line))
    return sorted(found)


def _component(name: str, version: str, digests: list[str]) -> dict[str, Any]:
    purl = f"pkg:pypi/{re.sub(r'[-_.]+', '-', name).lower()}@{version}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in digests],
    }


if __name__ == "__main__":
    sys.exit(main())
