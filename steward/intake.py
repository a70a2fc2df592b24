"""Take posts in: each is judged, kept, and answered, once.

This is the one way by which a record comes in while somebody waits: posts over HTTP and entries
at the desk alike. A post has a name; the same name again is the same post and gets the same
answer, whether the first is still under way, is kept in the spool, or was taken in by a run.
"""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from rules.answers import Answers
from rules.feed import INTAKE_ID, Feed
from rules.limits import Limits
from rules.lookups import Lookups
from steward.batches import Batches, FullError
from steward.judge import ContactPoint, Judge, Verdict
from steward.posts import Post, Reason, Unfit, read_post
from steward.problem import FieldError, Problem, wait
from store.spool import Entry, Remembered
from store.spool_writer import SpoolWriter

LOG = logging.getLogger("touchstone.steward")
Found = TypeVar("Found")
Name = tuple[str, str]
"""The feed and the id of a post."""


class Receipt(NamedTuple):
    """A post is kept, and will be in the next run."""

    post_id: str
    contact_points: list[ContactPoint]

    def content(self) -> dict[str, object]:
        """The members of the JSON object; nothing in it depends on who is known already."""
        points = [point._asdict() for point in self.contact_points]
        return {"id": self.post_id, "status": "accepted", "contact_points": points}


class Known(NamedTuple):
    """What is remembered of a post that was kept."""

    digest: bytes
    kept_at: float


class Intake:
    """All feeds that take posts, and what was posted to them."""

    def __init__(
        self,
        feeds: dict[str, Feed],
        lookups: Lookups,
        answers: Answers,
        spool: SpoolWriter,
        limits: Limits,
    ) -> None:
        self.feeds = feeds
        self.spool = spool
        self._limits = limits
        self._answers = answers
        self._judges = {source: Judge(feed, lookups) for source, feed in feeds.items()}
        self._known: dict[str, OrderedDict[str, Known]] = {
            source: OrderedDict() for source in feeds
        }
        self._under_way: dict[Name, tuple[bytes, asyncio.Task[Receipt]]] = {}
        self._verdicts = Batches[Post, Verdict](self._judged(Judge.judge), pause=0.02)
        self._checks = Batches[Post, list[Reason]](self._judged(Judge.failed_checks))
        self._kept = Batches[Entry, str | None](spool.append)

    def warm_up(self) -> None:
        """Judge a post that is nobody's, so that the first one does not wait for what is lazy."""
        for source, feed in self.feeds.items():
            email = next((name for name, ours in feed.columns.items() if ours == "email"), "?")
            columns = {INTAKE_ID: "warm-up", email: "warm@up.example"}
            entry = Entry(source, "warm-up", b"", b"")
            post = Post(entry, columns, datetime.now(UTC).isoformat())
            self._judges[source].judge([post])
            self._judges[source].failed_checks([post])

    def remember(self, posts: Sequence[Remembered]) -> None:
        """Know posts that were kept before the app started."""
        for post in sorted(posts, key=lambda post: post.kept_at):
            if post.source in self._known:
                self._note(post.source, post.post_id, post.digest, post.kept_at)

    async def receive(
        self, source: str, post_id: str | None, content: bytes, now: float
    ) -> Receipt:
        """Judge the text of a JSON object and keep it; `Unfit` or `Problem` say why it is not kept.

        A post without a name gets the digest of its content, so that a repeat is a repeat. `now`
        is the time, in seconds since 1970.
        """
        name = post_id or f"form-{hashlib.sha256(content).hexdigest()[:32]}"
        moment = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
        post = read_post(self.feeds[source], name, moment, content, self._limits)
        try:
            return await self._once(post, now)
        except FullError:
            raise wait(
                1, "More is posted than can be kept; send it again.", "cannot_keep"
            ) from None

    def look(self, source: str, content: bytes, now: float) -> Verdict:
        """What would be said of a post, which is not kept: for forms that are being filled in."""
        return self._judges[source].judge([self._unkept(source, content, now)])[0]

    def read(self, source: str, content: bytes, now: float) -> dict[str, object]:
        """The record that a run would make of a post, which is not kept."""
        return self._judges[source].read(self._unkept(source, content, now))

    def _unkept(self, source: str, content: bytes, now: float) -> Post:
        moment = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
        return read_post(self.feeds[source], "look", moment, content, self._limits)

    async def _once(self, post: Post, now: float) -> Receipt:
        """Take a post in, or answer as it was answered before."""
        entry = post.entry
        before = self._known[entry.source].get(entry.post_id)
        if before is not None:
            return await self._repeat(before.digest, post)
        name = (entry.source, entry.post_id)
        digest, task = self._under_way.get(name, (entry.digest, None))
        if digest != entry.digest:
            raise _other_content()
        if task is None:
            task = asyncio.create_task(self._take_in(post, now))
            self._under_way[name] = (digest, task)
            task.add_done_callback(lambda done: self._end(name, done))
        return await asyncio.shield(task)  # who hangs up does not undo what is half done

    def _end(self, name: Name, done: "asyncio.Task[Receipt]") -> None:
        del self._under_way[name]
        if not done.cancelled():
            done.exception()  # seen, also where nobody waits for it any more

    async def close(self) -> None:
        """Answer who waits, then seal the spool."""
        await asyncio.gather(
            *(task for _, task in self._under_way.values()), return_exceptions=True
        )
        await self._verdicts.close()
        await self._checks.close()
        await self._kept.close()
        self.spool.close()

    async def _take_in(self, post: Post, now: float) -> Receipt:
        verdict = await self._verdicts.ask(post)
        failed = await self._checks.ask(post) if verdict.is_doubtful else []
        if verdict.reasons or failed:
            raise Unfit([*verdict.reasons, *failed])
        refusal = await self._kept.ask(post.entry)
        if refusal:
            LOG.error("posts to %s are not kept: %s", post.entry.source, refusal)
            raise wait(30, "The post was not kept; send it again later.", "cannot_keep")
        entry = post.entry
        self._note(entry.source, entry.post_id, entry.digest, now)
        return Receipt(entry.post_id, verdict.contact_points)

    async def _repeat(self, digest: bytes, post: Post) -> Receipt:
        """The answer of a post that is kept, whatever today's rules would say of it."""
        if digest != post.entry.digest:
            raise _other_content()
        verdict = await self._verdicts.ask(post)
        return Receipt(post.entry.post_id, verdict.contact_points)

    def _note(self, source: str, post_id: str, digest: bytes, now: float) -> None:
        """Remember a post; forget those whose time is over."""
        rule = self.feeds[source].intake
        oldest = now - (rule.remember_hours if rule else 0) * 3600
        known = self._known[source]
        known[post_id] = Known(digest, now)
        while next(iter(known.values())).kept_at < oldest:
            known.popitem(last=False)

    def _judged(
        self, work: Callable[[Judge, Sequence[Post]], list[Found]]
    ) -> Callable[[Sequence[Post]], list[Found]]:
        """Work of the feeds' judges, over posts to any of them."""

        def judged(posts: Sequence[Post]) -> list[Found]:
            found: dict[int, Found] = {}
            for source in {post.entry.source for post in posts}:
                places = [i for i, post in enumerate(posts) if post.entry.source == source]
                some = work(self._judges[source], [posts[index] for index in places])
                found |= zip(places, some, strict=True)
            return [found[index] for index in range(len(posts))]

        return judged

    def refusal(self, reasons: Sequence[Reason]) -> Problem:
        """What the sender is told of an `Unfit` post."""
        errors = [
            FieldError(reason.field, reason.word, self._answers.says(reason.word))
            for reason in reasons
        ]
        return Problem("not_valid", "Mend what `errors` names and send it again.", tuple(errors))


def _other_content() -> Problem:
    return Problem(
        "id_used_before",
        "A post of this id was kept with another content; give this one an id of its own.",
    )
