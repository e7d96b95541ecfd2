"""The first-run story: two people on two sites meet, talk, like, boost, edit and delete.

Every step waits until its effect shows on the other site, and says how long that took.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiohttp
import msgspec
from rich.console import Console

from deploy.local.paths import Home
from deploy.local.resolver import loopback_connector
from deploy.local.sites import Site
from deploy.local.story_cast import CAST, sign_in
from deploy.local.story_client import Account, Notification, Person, Status, StoryError, shown

_DEADLINE = 30.0
_TELL = Console(highlight=False, soft_wrap=True)


@dataclass(kw_only=True)
class Telling:
    """Prints the steps and remembers how long posts took from site to site."""

    began: float = field(default_factory=time.monotonic)
    latencies: list[float] = field(default_factory=list)

    def step(self, line: str, seconds: float | None = None) -> None:
        """Say what happened, and after how long it showed on the other site."""
        took = "" if seconds is None else f"[cyan]{_milliseconds(seconds)}[/cyan]"
        _TELL.print(f"  [green]✓[/green] {line:<88} {took}")

    def seen(self, line: str, seconds: float) -> None:
        """A step from publish to visible."""
        self.latencies.append(seconds)
        self.step(line, seconds)

    def end(self) -> None:
        """Sum up."""
        median, longest = statistics.median(self.latencies), max(self.latencies)
        _TELL.print(
            f"  [bold]The story is told[/bold] in {time.monotonic() - self.began:.1f} s. From publishing to "
            f"reading on the other site: median {_milliseconds(median)}, longest {_milliseconds(longest)}."
        )


def play(home: Home, sites: Sequence[Site], *, again: bool) -> bool:
    """Play the story unless it was played before; tell whether all went well."""
    if home.story.exists() and not again:
        _TELL.print("The story was played before; `make story` plays it again.")
        return True
    _TELL.print("\n[bold]A story of two sites[/bold]")
    try:
        asyncio.run(_play(home, {site.name: site for site in sites}))
    except (StoryError, aiohttp.ClientError, TimeoutError, msgspec.MsgspecError) as problem:
        _TELL.print(f"  [red]✗ {type(problem).__name__}: {problem}[/red]", markup=True)
        _TELL.print(f"  The story ends here. The services' logs are in {home.log}.")
        return False
    home.story.touch()
    return True


async def _play(home: Home, sites: dict[str, Site]) -> None:
    telling = Telling()
    timeout = aiohttp.ClientTimeout(total=_DEADLINE)
    async with aiohttp.ClientSession(connector=loopback_connector(), timeout=timeout) as session:
        tokens = await asyncio.gather(*(sign_in(home, sites[role.site], role) for role in CAST))
        ada, _, linus, _ = (
            Person(role.name, sites[role.site].origin, token, session)
            for role, token in zip(CAST, tokens, strict=True)
        )
        telling.step("ada and grace have accounts on loom, linus and margaret on mast")
        await _meet(telling, ada, linus)
        await _meet(telling, linus, ada)
        post = await _first_post(telling, ada, linus)
        await _reply(telling, ada, linus, post)
        await _like_and_boost(telling, ada, linus, post)
        await _edit(telling, ada, linus, post)
        await _delete(telling, ada, linus)
        telling.end()


async def _meet(telling: Telling, one: Person, other: Person) -> None:
    """One follows the other; the other side accepts, and tells its owner."""
    account = await one.find(other.handle)
    began = time.monotonic()
    await one.follow(account)

    async def accepted() -> bool:
        return (await one.relationship(account)).following

    _, seconds = await shown(f"{other.name}'s answer", accepted, began)
    telling.step(f"{one.name} follows {other.handle}, who accepts", seconds)
    await _told(other, "follow", one)


async def _first_post(telling: Telling, ada: Person, linus: Person) -> Status:
    text = f"{linus.handle} Good evening from the loom! Two threads, one cloth. #weaving"
    began = time.monotonic()
    posted = await ada.publish(text, spoiler_text="On weaving", language="en")
    arrived, seconds = await shown("ada's post on mast", lambda: _in_home(linus, posted), began)
    telling.seen("ada posts with a mention, a hashtag and a content warning; linus reads it", seconds)
    _expect(arrived.spoiler_text == "On weaving", f"the content warning arrived as {arrived.spoiler_text!r}")
    _expect("weaving" in {tag.name.lower() for tag in arrived.tags}, "the hashtag is missing on mast")
    _expect("linus" in {mention.acct for mention in arrived.mentions}, "the mention is missing on mast")
    await _told(linus, "mention", ada)
    return posted


async def _reply(telling: Telling, ada: Person, linus: Person, post: Status) -> None:
    theirs = await _found_in_home(linus, post)
    began = time.monotonic()
    reply = await linus.publish(f"{ada.handle} And a good evening from the mast.", in_reply_to_id=theirs.id)
    arrived, seconds = await shown("linus' reply on loom", lambda: _in_home(ada, reply), began)
    telling.seen("linus replies; ada reads it below her post", seconds)
    _expect(arrived.in_reply_to_id == post.id, "the reply arrived, but not below ada's post")


async def _like_and_boost(telling: Telling, ada: Person, linus: Person, post: Status) -> None:
    theirs = await _found_in_home(linus, post)
    before = await ada.status(post.id) or post
    await linus.favourite(theirs)
    _, seconds = await shown(
        "linus' like on loom", lambda: _counted(ada, post, before.favourites_count + 1, 0)
    )
    telling.step("linus likes it; ada's post counts one like more", seconds)
    await _told(ada, "favourite", linus)
    began = time.monotonic()
    await linus.boost(theirs)
    boosted = before.reblogs_count + 1
    _, seconds = await shown("linus' boost on loom", lambda: _counted(ada, post, 0, boosted), began)
    telling.step("linus boosts it; ada's post counts one boost more", seconds)
    await _told(ada, "reblog", linus)


async def _edit(telling: Telling, ada: Person, linus: Person, post: Status) -> None:
    text = f"{linus.handle} Good evening from the loom! Three threads, in truth. #weaving"
    theirs = await _found_in_home(linus, post)
    began = time.monotonic()
    await ada.edit(post, text, spoiler_text="On weaving", language="en")

    async def changed() -> bool:
        now = await linus.status(theirs.id)
        return now is not None and "Three threads" in now.content and now.edited_at is not None

    _, seconds = await shown("ada's edit on mast", changed, began)
    telling.step("ada edits her post; linus sees the new words", seconds)


async def _delete(telling: Telling, ada: Person, linus: Person) -> None:
    began = time.monotonic()
    posted = await ada.publish("This one I shall not keep.")
    theirs, seconds = await shown("ada's second post on mast", lambda: _in_home(linus, posted), began)
    telling.seen("ada posts once more; linus reads it", seconds)
    began = time.monotonic()
    await ada.delete(posted)

    async def gone() -> bool:
        return await linus.status(theirs.id) is None and await _in_home(linus, posted) is None

    _, seconds = await shown("the deletion on mast", gone, began)
    telling.step("ada deletes it; it is gone on mast", seconds)


async def _in_home(person: Person, post: Status) -> Status | None:
    return next((status for status in await person.home() if status.uri == post.uri), None)


async def _found_in_home(person: Person, post: Status) -> Status:
    return (await shown(f"the post in {person.name}'s home timeline", lambda: _in_home(person, post)))[0]


async def _counted(person: Person, post: Status, likes: int, boosts: int) -> bool:
    now = await person.status(post.id)
    return now is not None and now.favourites_count >= likes and now.reblogs_count >= boosts


async def _told(person: Person, kind: str, by: Person) -> None:
    """Wait until a person is notified."""

    def fits(notification: Notification) -> bool:
        return notification.type == kind and _same(notification.account, by)

    async def look() -> bool:
        return any(fits(notification) for notification in await person.notifications())

    await shown(f"{person.name}'s notification ({kind} by {by.name})", look)


def _same(account: Account, person: Person) -> bool:
    return f"@{account.acct}" == person.handle


def _expect(fact: bool, otherwise: str) -> None:
    if not fact:
        raise StoryError(otherwise)


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
