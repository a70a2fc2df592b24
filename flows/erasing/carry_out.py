"""Carry out what an erasure says, before the tables are made anew and after.

Whatever a run that erases is killed at, the next run finds the erasure begun and does all of it
again: each step finds its own work done.
"""

import json
from contextlib import suppress
from datetime import UTC, datetime

import polars as pl

from flows.erasing.deliveries import redact_all, remove_payloads
from flows.erasing.receipt import write_receipt
from flows.run import Run
from rules.erasure import Erasure
from store.answers import Answers
from store.erasures import Digests, Erasures, key_text, scratch
from store.files import remove_tree
from store.rulebook import Rulebook
from store.settings import Settings
from store.snapshot import current_run, drop_others
from store.spool import forget_posts
from store.state.striking import Struck, end_codes, strike
from transforms.erasure import ERASED, strike_out

_TERMS = ("first_key", "last_key", "city_key")


def begin_erasures(settings: Settings, rulebook: Rulebook) -> bool:
    """Take those who are to be erased out of all that is kept; whether there were any.

    What is made from it, the tables and the snapshot, must then be made anew.
    """
    erasures = Erasures(settings.raw)
    remove_payloads(settings)
    begun = erasures.begun()
    for erasure in begun:
        with scratch(settings) as warehouse:
            digests = Digests(erasures.key(), warehouse)
            done = redact_all(settings, rulebook.feeds, erasure, digests)
            done["domains"] = _forget_domains(settings, erasure, digests)
            _forget_posts(settings, digests, frozenset(erasure.keys))
            done["terms"] = _forget_terms(settings, erasure, digests)
            _strike(settings, erasure, digests)
        done["decisions"] = len({*erasure.decisions, *erasure.voided})
        done["remarks"] = len(erasure.verdicts) + len(erasure.comments)
        typed = len(erasure.entries) + len(erasure.drafts)
        done |= {"entries": typed} if typed else {}
        most = {name: max(count, erasure.removed.get(name, 0)) for name, count in done.items()}
        erasures.write(erasure.model_copy(update={"removed": erasure.removed | most}))
    return bool(begun)


def finish_erasures(run: Run) -> None:
    """Finish what the run erased, unless it is held back: then nobody sees yet that it is gone."""
    erasures = Erasures(run.settings.raw)
    if not run.is_rebuild:
        return
    for erasure in erasures.begun():
        erasures.write(erasure.model_copy(update={"run_id": run.run_id}))
    finish_released(run.settings, run.run_id)


def finish_released(settings: Settings, run_id: str) -> None:
    """Drop the snapshots in which those are whom this run erased, and write the receipts.

    A run of which the snapshot was held back does it when that is released.
    """
    erasures = Erasures(settings.raw)
    begun = [erasure for erasure in erasures.begun() if erasure.run_id == run_id]
    if not begun or current_run(settings) != run_id:
        return
    dropped = drop_others(settings, run_id)
    _clear_work(settings)
    for erasure in begun:
        removed = erasure.removed | {
            "snapshots": max(len(dropped), erasure.removed.get("snapshots", 0))
        }
        done = erasure.model_copy(update={"removed": removed})
        write_receipt(settings, done, datetime.now(UTC))
        erasures.write(done.model_copy(update={"state": "done"}))


def _forget_domains(settings: Settings, erasure: Erasure, digests: Digests) -> int:
    """Remove what DNS said of domains that nobody else had."""
    return Answers(settings.raw).forget(
        lambda domains: digests.of(domains).is_in(list(erasure.domains)), bool(erasure.domains)
    )


def _forget_posts(settings: Settings, digests: Digests, keys: frozenset[str]) -> None:
    """Forget the names of posts; who posts one again is known by the tombstone."""
    forget_posts(settings.spool, lambda source, name: digests.one(key_text(source, name)) in keys)


def _forget_terms(settings: Settings, erasure: Erasure, digests: Digests) -> int:
    """Remove names that nobody else had from the models that were proposed."""
    count = 0
    for term in _TERMS if erasure.names else ():
        for path in (settings.data / "models").glob(f"*/tf_{term}.parquet"):
            table = pl.read_parquet(path)
            is_gone = digests.of(table[term]).is_in(list(erasure.names)).fill_null(value=False)
            if is_gone.any():
                count += int(is_gone.sum())
                table.filter(~is_gone).write_parquet(path, compression="zstd")
    return count


def _strike(settings: Settings, erasure: Erasure, digests: Digests) -> None:
    """Strike the erased records out of the decisions, and what was said of them."""
    keys = frozenset(erasure.keys)

    def token(record: str) -> str | None:
        source, _, key = record.partition(":")
        digest = digests.one(key_text(source, key))
        return f"~{ERASED}:{digest[:16]}" if digest in keys else None

    def rewrite(number: int, subject: str) -> str:
        struck = strike_out(json.loads(subject), token, is_void=number in erasure.voided)
        return json.dumps(struck, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    named = sorted({*erasure.decisions, *erasure.voided})
    if settings.decisions_url is not None or (settings.data / "decisions").exists():
        end_codes(settings.log_url)
    remove_tree(settings.outbox)
    struck = Struck(named, erasure.verdicts, erasure.comments, erasure.entries, erasure.drafts)
    strike(settings.log_url, struck, rewrite)


def _clear_work(settings: Settings) -> None:
    """Remove what runs that were cut short have left."""
    with suppress(FileNotFoundError):
        for path in settings.work.iterdir():
            if path.is_dir():
                remove_tree(path)
            else:
                path.unlink()
