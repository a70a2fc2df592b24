"""A release is the same whoever makes it, and who changes a byte of it is found out."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from bench.pack import pack

ROOT = Path(__file__).parents[1]
NEEDED = ("make", "ssh-keygen", "sha256sum")


def a_layout(folder: Path, names: tuple[str, ...], time: int) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"the content of {name}", "utf-8")
        path.chmod(0o600 if time else 0o644)
        os.utime(path, (time, time))
    return folder


def test_an_archive_is_the_same_whenever_and_in_whichever_order_it_was_made(
    tmp_path: Path,
) -> None:
    names = ("index.json", "blobs/sha256/aa", "blobs/sha256/bb", "oci-layout")
    one = a_layout(tmp_path / "one", names, 0)
    other = a_layout(tmp_path / "other", names[::-1], 1_700_000_000)

    pack(one, tmp_path / "one.tar", 1_763_800_000)
    pack(other, tmp_path / "other.tar", 1_763_800_000)

    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "other.tar").read_bytes()
    with tarfile.open(tmp_path / "one.tar") as archive:
        files = {entry.name for entry in archive if entry.isfile()}
        assert files == set(names)
        assert {(entry.mtime, entry.uid, entry.uname) for entry in archive} == {
            (1_763_800_000, 0, "")
        }


@pytest.mark.skipif(
    not all(map(shutil.which, NEEDED)), reason="needs make, ssh-keygen and sha256sum"
)
def test_one_signature_is_over_wheel_and_image_and_a_changed_byte_is_found(
    tmp_path: Path,
) -> None:
    dist, key, signers = tmp_path / "dist", tmp_path / "key", tmp_path / "signers"
    dist.mkdir()
    (dist / "touchstone-0.1.0-py3-none-any.whl").write_bytes(b"a wheel")
    pack(a_layout(tmp_path / "layout", ("index.json",), 0), dist / "touchstone-image.tar", 0)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
    signers.write_text(f"anna {key.with_suffix('.pub').read_text('utf-8')}", "utf-8")

    run("make", "--silent", "seal", f"DIST={dist}", f"KEY={key}")

    verify = [
        "ssh-keygen", "-q", "-Y", "verify", "-f", str(signers), "-I", "anna", "-n", "touchstone",
        "-s", str(dist / "SHA256SUMS.sig"),
    ]  # fmt: skip
    sums = (dist / "SHA256SUMS").read_bytes()
    assert b"touchstone-image.tar" in sums
    assert run(*verify, given=sums) == 0
    assert run("sha256sum", "--check", "--quiet", "SHA256SUMS", place=dist) == 0
    assert run(*verify, given=sums.replace(b"a", b"b", 1), fails=True) != 0
    with (dist / "touchstone-image.tar").open("r+b") as image:
        image.seek(600)
        image.write(b"!")
    assert run("sha256sum", "--check", "--quiet", "SHA256SUMS", place=dist, fails=True) != 0


def run(*words: str, place: Path = ROOT, given: bytes = b"", fails: bool = False) -> int:
    done = subprocess.run(words, cwd=place, input=given, capture_output=True, check=False)
    assert fails or done.returncode == 0, done.stderr.decode()
    return done.returncode
