"""Faults that are no point of one process: two runs at once, a reader that dies, a full disk.

Some need the rights of an administrator or `strace`; where they cannot be had, that is said.
"""

import ctypes
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from store.snapshot import open_snapshot
from tests.chaos.cases import Outcome, how, judge, words_on
from tests.chaos.faults import Fault, meet
from tests.chaos.processes import Begun, Ended, apart, split_off, wait_for
from tests.chaos.scenarios import Scenario, copy_of
from tests.flows.builders import Company

NOTHING = Fault("none")
CALLS = "pwrite64,write,fsync,fdatasync,ftruncate,openat,rename,renameat2,unlink,unlinkat,linkat"
"""What the system is asked for about files, by the databases too."""
INJECTIONS = (
    "pwrite64:error=ENOSPC:when={at}+",
    "pwrite64:error=EIO:when={at}",
    "fsync,fdatasync:error=EIO:when={few}",
    "fsync,fdatasync:error=EIO:when={few}+",
    "openat:error=EMFILE:when={at}",
    "rename,renameat,renameat2:error=EIO:when={few}",
    "ftruncate:error=ENOSPC:when={few}+",
)
_ROOM_ENOUGH = 1 << 30
_PAGE = 4_096
_NEW_MOUNTS = 0x00020000
_CAPABILITIES_V3 = 0x20080522


def two_at_once(scenario: Scenario, folder: Path, chance: random.Random) -> Outcome:
    """Two of the same begin together: one is refused with a sentence, or finds nothing to do."""
    began = time.monotonic()
    company = copy_of(scenario.base, folder)
    both = [_begin(company, scenario) for _ in range(2)]
    ended = [wait_for(one) for one in both]
    words = sorted(how(one.code, one.said) for one in ended)
    broken = judge(company, scenario, "", thorough=True)
    if "crashed" in words or all("Another" in one.said for one in ended):
        broken.append(f"two at once ended as {words}: {[one.said[-300:] for one in ended]}")
    return _outcome(scenario, "two_at_once", "+".join(words), broken, began)


def reader_dies(scenario: Scenario, folder: Path, chance: random.Random) -> Outcome:
    """A reader is killed in a snapshot while a run publishes the next one."""
    began = time.monotonic()
    company = copy_of(scenario.base, folder)
    reader = split_off(lambda: _read_for_ever(company))
    run = _begin(company, scenario)
    time.sleep(chance.random())
    os.kill(reader.pid, signal.SIGKILL)
    ended, _ = wait_for(run), wait_for(reader)
    broken = judge(company, scenario, ended.said, thorough=False)
    return _told(scenario, "reader_dies", ended, broken, began)


def full_disk(scenario: Scenario, folder: Path, chance: random.Random) -> Outcome:
    """The disk is a small one in memory, and has a little room left."""
    began = time.monotonic()
    room = int(2 ** (chance.random() * 8) * 20_000)
    taken = (path.lstat().st_size for path in scenario.base.folder.rglob("*"))
    size = sum(
        -(-bytes_ // _PAGE) * _PAGE + _PAGE for bytes_ in taken
    )  # whole pages, and its entry

    def on_a_small_disk() -> tuple[Ended, list[str]]:
        _mount(folder, size + room, "")
        company = copy_of(scenario.base, folder)
        ended = wait_for(_begin(company, scenario))
        _mount(folder, _ROOM_ENOUGH, "remount,")
        return ended, judge(company, scenario, ended.said, thorough=False)

    folder.mkdir()
    ended, broken = apart(on_a_small_disk)
    return _told(scenario, f"full_disk {room}", ended, broken, began)


def revoked(scenario: Scenario, folder: Path, chance: random.Random) -> Outcome:
    """The right to write in a folder is taken, as a careless administrator does, and given back."""
    began = time.monotonic()
    company = copy_of(scenario.base, folder)
    data = company.settings.data
    place = chance.choice([data, data / "raw", data / "published", data / "decisions"])
    place = place if place.exists() else data
    mode = place.stat().st_mode
    place.chmod(0o500)
    ended = wait_for(_begin(company, scenario, _give_up_rights))
    place.chmod(mode)
    broken = judge(company, scenario, ended.said, thorough=False)
    return _told(scenario, f"revoked {place.name}", ended, broken, began)


def syscall_kill(scenario: Scenario, folder: Path, chance: random.Random) -> Outcome:
    """Killed at a call to the system, in the middle of what a database does too."""
    at = int(2 ** (chance.random() * 9.5))
    return _traced(scenario, folder, f"inject={CALLS}:signal=SIGKILL:when={at}")


def syscall_fails(scenario: Scenario, folder: Path, chance: random.Random) -> Outcome:
    """A call to the system fails, also one that a database makes."""
    injection = chance.choice(INJECTIONS)
    at, few = int(2 ** (chance.random() * 8)), chance.randint(1, 20)
    return _traced(scenario, folder, "inject=" + injection.format(at=at, few=few))


def _traced(scenario: Scenario, folder: Path, injection: str) -> Outcome:
    began = time.monotonic()
    company = copy_of(scenario.base, folder)
    run = _begin(company, scenario, lambda: os.kill(os.getpid(), signal.SIGSTOP))
    os.waitpid(run.pid, os.WUNTRACED)
    calls = injection.split("=")[1].split(":", maxsplit=1)[0]
    words = ["strace", "-f", "-qq", "-o", os.devnull, "-p", str(run.pid)]
    tracer = subprocess.Popen([*words, "-e", f"trace={calls}", "-e", injection])
    while "TracerPid:\t0" in Path(f"/proc/{run.pid}/status").read_text("ascii"):
        time.sleep(0.02)
    os.kill(run.pid, signal.SIGCONT)
    ended = wait_for(run)
    tracer.wait()
    broken = judge(company, scenario, ended.said, thorough=False)
    return _told(scenario, injection.removeprefix("inject="), ended, broken, began)


KINDS: dict[str, Callable[[Scenario, Path, random.Random], Outcome]] = {
    "two_at_once": two_at_once,
    "reader_dies": reader_dies,
    "full_disk": full_disk,
    "revoked": revoked,
    "syscall_kill": syscall_kill,
    "syscall_fails": syscall_fails,
}
"""Every kind by its name."""


def others(
    scenarios: list[Scenario], counts: dict[str, int], chance: random.Random, folder: Path
) -> Iterator[Outcome]:
    """So many faults of each kind, on the scenarios by turns."""
    for name, count in counts.items():
        why = _why_not(name)
        if why:
            print(f"{name} was not tried: {why}", flush=True)
            continue
        for number in range(count):
            home = folder / f"{name}-{number}"
            yield KINDS[name](scenarios[number % len(scenarios)], home, chance)
            shutil.rmtree(home)


def _why_not(name: str) -> str:
    if name.startswith("syscall") and shutil.which("strace") is None:
        return "there is no strace"
    if name in {"full_disk", "revoked"} and os.geteuid() != 0:
        return "it takes the rights of an administrator"
    return ""


def _begin(
    company: Company, scenario: Scenario, before: Callable[[], object] = lambda: None
) -> Begun:
    """Begin what the scenario does, in a process that first does what is asked."""

    def work() -> int:
        before()
        return meet(NOTHING, company.folder, words_on(company, scenario))

    return split_off(work)


def _read_for_ever(company: Company) -> int:
    with open_snapshot(company.settings) as con:
        while True:
            con.sql("from customers").fetchmany(1)


def _mount(folder: Path, size: int, how_else: str) -> None:
    """A disk in memory at this folder, that no other process sees."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not how_else and libc.unshare(_NEW_MOUNTS) != 0:
        raise OSError(ctypes.get_errno(), "no mounts of its own")
    if not how_else:
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    words = ["mount", "-t", "tmpfs", "-o", f"{how_else}size={size}", "none", str(folder)]
    subprocess.run(words, check=True)


def _give_up_rights() -> None:
    """From here on this process is bound by the modes of files, whoever runs it."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_V3, 0)
    none = (ctypes.c_uint32 * 6)()
    if libc.capset(ctypes.byref(header), ctypes.byref(none)) != 0:
        raise OSError(ctypes.get_errno(), "the rights could not be given up")


def _told(scenario: Scenario, fault: str, ended: Ended, broken: list[str], began: float) -> Outcome:
    """An outcome; a process that ends without a sentence is a fault of ours."""
    word = how(ended.code, ended.said)
    if word == "crashed":
        broken.append(f"no sentence but {ended.said.strip()[-900:]}")
    return _outcome(scenario, fault, word, broken, began)


def _outcome(
    scenario: Scenario, fault: str, ended: str, broken: list[str], began: float
) -> Outcome:
    return Outcome(scenario.name, fault, ended, broken, round(time.monotonic() - began, 1))
