"""How votes change a poll. Pure."""

from collections.abc import Collection
from datetime import datetime

from msgspec.structs import replace

from shared.protocol.objects import Poll


def is_closed(poll: Poll, now: datetime) -> bool:
    """Tell whether nobody may vote any more."""
    ends = poll.closed_at or poll.ends_at
    return ends is not None and ends <= now


def choice_of(poll: Poll, name: str) -> int | None:
    """Return which option, counted from 0, has this name; of equal ones the first."""
    names = [option.name for option in poll.options]
    return names.index(name) if name in names else None


def may_choose(poll: Poll, earlier: Collection[int], choice: int) -> bool:
    """Tell whether somebody with these earlier votes may choose this, too."""
    return choice not in earlier if poll.multiple else not earlier


def counted(poll: Poll, choice: int, *, new_voter: bool) -> Poll:
    """Return the poll with one more vote."""
    options = tuple(
        replace(option, votes=option.votes + 1) if place == choice else option
        for place, option in enumerate(poll.options)
    )
    voters = None if poll.voters is None else poll.voters + new_voter
    return replace(poll, options=options, voters=voters)
