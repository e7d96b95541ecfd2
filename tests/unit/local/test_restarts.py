"""The pause before a program is started again."""

from deploy.local.restarts import FIRST_PAUSE, LONGEST_PAUSE, STEADY_AFTER, Pause


def test_the_first_end_is_answered_at_once() -> None:
    """A single crash costs half a second."""
    assert Pause().after(ran_for=1.0) == Pause(seconds=FIRST_PAUSE)


def test_the_pause_grows_and_is_bounded() -> None:
    """A program that ends again and again is started ever more seldom, but never given up."""
    pauses = [Pause()]
    for _ in range(12):
        pauses.append(pauses[-1].after(ran_for=0.1))
    seconds = [pause.seconds for pause in pauses[1:]]
    assert seconds == sorted(seconds)
    assert seconds[1] > seconds[0]
    assert seconds[-1] == LONGEST_PAUSE


def test_steady_running_is_forgiven() -> None:
    """After a minute of running an end counts as the first again."""
    assert Pause(seconds=LONGEST_PAUSE).after(ran_for=STEADY_AFTER).seconds == FIRST_PAUSE
