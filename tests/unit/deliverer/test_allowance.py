"""How much of an author goes straight into the queues."""

from services.fanout_deliverer.allowance import Allowances

ADA, BEN = 1, 2


class Clock:
    """Seconds that pass when told to."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_a_share_is_spent_and_grows_back() -> None:
    """What goes out lessens the share of its author alone; it grows again, and never beyond the whole."""
    clock = Clock()
    shares = Allowances(burst=100, per_second=10, clock=clock)
    shares.take(ADA, 70)
    assert (shares.left(ADA), shares.left(BEN)) == (30, 100)
    clock.now = 2.0
    assert shares.left(ADA) == 50
    clock.now = 60.0
    assert shares.left(ADA) == 100


def test_a_spent_author_waits_until_a_tenth_is_back() -> None:
    """Who has less than a tenth of a share left is spent, and is not once that much has grown back."""
    clock = Clock()
    shares = Allowances(burst=100, per_second=10, clock=clock)
    shares.take(ADA, 95)
    assert shares.is_spent(ADA)
    assert not shares.is_spent(BEN)
    clock.now = 0.5
    assert not shares.is_spent(ADA)


def test_more_than_there_is_leaves_nothing() -> None:
    """A share is never less than nothing: a large post costs no more than all of it."""
    shares = Allowances(burst=100, per_second=10, clock=Clock())
    shares.take(ADA, 5000)
    assert shares.left(ADA) == 0
