"""Making polls and voting in them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.actions.errors import NotPossible
from shared.actions.site import Site
from shared.actions.targets import require_actor, require_post
from shared.actions.tell import tell
from shared.database import polls
from shared.database.actors import ActorRow
from shared.database.authors import Author
from shared.database.edits import refresh_polls
from shared.database.polls import Vote
from shared.database.pool import Connection
from shared.database.statuses import StatusRow
from shared.policy.polls import counted, is_closed
from shared.protocol.activities import Create
from shared.protocol.objects import Note, Poll, PollOption

MAX_OPTIONS: Final = 4
MAX_OPTION: Final = 50
"""Characters of one option."""
MIN_SECONDS: Final = 300
MAX_SECONDS: Final = 2_629_746
"""A month."""


def new_poll(options: Sequence[str], seconds: int | None, *, multiple: bool, now: datetime) -> Poll:
    """Return a poll that nobody has voted in; raises NotPossible with what is wrong."""
    names = [name.strip() for name in options]
    if not all(names) or len(names) < 2:  # noqa: PLR2004 - a choice takes two
        raise NotPossible("Poll must have more than one item")
    if len(names) > MAX_OPTIONS:
        raise NotPossible(f"Poll can't contain more than {MAX_OPTIONS} items")
    if any(len(name) > MAX_OPTION for name in names):
        raise NotPossible(f"Poll items cannot be longer than {MAX_OPTION} characters each")
    if len(set(names)) < len(names):
        raise NotPossible("Poll contains duplicate items")
    if seconds is None or seconds < MIN_SECONDS:
        raise NotPossible("Poll duration is too short")
    if seconds > MAX_SECONDS:
        raise NotPossible("Poll duration is too long")
    return Poll(
        options=tuple(PollOption(name=name) for name in names),
        multiple=multiple,
        ends_at=(now + timedelta(seconds=seconds)).replace(microsecond=0),
        voters=0,
    )


async def vote(conn: Connection, site: Site, author: Author, status_id: int, choices: Sequence[int]) -> None:
    """Vote in a poll, once and for all; call it inside a transaction.

    Raises:
        NotThere: There is no such post for the author.
        NotPossible: It has no poll, it has ended, it is the author's own, or the choice makes no sense.
    """
    post = await require_post(conn, status_id, author.id)
    known = (await polls.lock(conn, [post.id])).get(post.id)
    earlier = await polls.votes_on(conn, [(author.id, post.id)])
    wanted = list(dict.fromkeys(choices))
    poll = _open_poll(author, post, known, wanted, voted=bool(earlier))
    writer = await require_actor(conn, post.actor_id)
    await polls.follow(conn, post.id, poll.ends_at)
    votes = [Vote(status_id=post.id, actor_id=author.id, choice=choice) for choice in wanted]
    await polls.cast(conn, votes)
    for place, choice in enumerate(wanted):
        poll = counted(poll, choice, new_voter=place == 0)
        if not writer.local:
            ballot = _ballot(site, author, post, writer, poll.options[choice].name)
            await tell(conn, author, ballot, here=False, away=True)
    await refresh_polls(conn, [(post.id, poll)])


def _open_poll(
    author: Author, post: StatusRow, poll: Poll | None, choices: Sequence[int], *, voted: bool
) -> Poll:
    if poll is None:
        raise NotPossible("This post has no poll")
    if post.actor_id == author.id:
        raise NotPossible("You can't vote in your own polls")
    if is_closed(poll, datetime.now(UTC)):
        raise NotPossible("The poll has already ended")
    if voted:
        raise NotPossible("You have already voted on this poll")
    if not choices or not all(0 <= choice < len(poll.options) for choice in choices):
        raise NotPossible("The chosen vote option does not exist")
    if len(choices) > 1 and not poll.multiple:
        raise NotPossible("Only one option can be chosen")
    return poll


def _ballot(site: Site, author: Author, post: StatusRow, writer: ActorRow, option: str) -> Create:
    """Return a vote as the poll's author's server takes it (FEP-9967)."""
    vote_id = site.uris.vote(author.id, site.ids.next())
    note = Note(
        id=vote_id,
        type="Note",
        attributed_to=author.uri,
        name=option,
        in_reply_to=post.uri,
        to=(writer.uri,),
    )
    return Create(id=f"{vote_id}/activity", actor=author.uri, to=(writer.uri,), note=note)
