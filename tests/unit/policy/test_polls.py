"""Votes and polls."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.policy.polls import choice_of, counted, is_closed, may_choose
from shared.protocol.objects import Poll, PollOption

NOW = datetime(2026, 9, 14, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(hours=1), NOW - timedelta(hours=1)
POLL = Poll(options=(PollOption(name="wool", votes=2), PollOption(name="flax")), voters=2)


@pytest.mark.parametrize(
    ("ends_at", "closed_at", "closed"),
    [
        (None, None, False),
        (LATER, None, False),
        (NOW, None, True),
        (EARLIER, None, True),
        (LATER, EARLIER, True),
        (None, EARLIER, True),
    ],
)
def test_a_poll_closes_at_its_end_or_when_it_was_closed(
    ends_at: datetime | None, closed_at: datetime | None, *, closed: bool
) -> None:
    """A poll takes votes until it ends; one that was closed earlier takes none."""
    poll = Poll(options=POLL.options, ends_at=ends_at, closed_at=closed_at)
    assert is_closed(poll, NOW) is closed


def test_a_vote_counts_for_its_option_and_its_voter() -> None:
    """One vote adds one to its option; the voter counts once."""
    first = counted(POLL, 1, new_voter=True)
    assert [option.votes for option in first.options] == [2, 1]
    assert first.voters == 3
    assert counted(first, 0, new_voter=False).voters == 3
    assert counted(Poll(options=POLL.options), 0, new_voter=True).voters is None


@pytest.mark.parametrize(
    ("multiple", "earlier", "allowed"),
    [(False, (), True), (False, (0,), False), (False, (1,), False), (True, (0,), True), (True, (1,), False)],
)
def test_who_may_choose_again(*, multiple: bool, earlier: tuple[int, ...], allowed: bool) -> None:
    """In a poll with one choice the first counts; with several each option counts once."""
    poll = Poll(options=POLL.options, multiple=multiple)
    assert may_choose(poll, earlier, 1) is allowed


def test_options_go_by_their_exact_names() -> None:
    """A vote names its option exactly; of two with one name the first is meant."""
    twice = Poll(options=(PollOption(name="a"), PollOption(name="a")))
    assert choice_of(POLL, "flax") == 1
    assert choice_of(POLL, "Flax") is None
    assert choice_of(twice, "a") == 0
