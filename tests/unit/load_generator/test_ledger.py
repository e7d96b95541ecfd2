"""The ledger's sums: every acknowledged id is settled, refused, waiting or lost, and counted once."""

from services.load_generator.ledger import Effect, Ledger


def ledger_of(*keys: str, late_after: float = 5.0) -> Ledger:
    """Return a ledger with these planned for second 0 and acknowledged."""
    ledger = Ledger(late_after=late_after)
    for key in keys:
        ledger.plan(key, since=0.0)
        ledger.acknowledge(key)
    return ledger


def test_what_had_no_effect_is_lost() -> None:
    """Of three acknowledged activities with two effects, one is lost and named."""
    ledger = ledger_of("a", "b", "c")
    ledger.seen_all([Effect(key="a", at=1), Effect(key="c", at=1)])
    account = ledger.account()
    assert (account.owed, account.settled, account.lost) == (3, 2, 1)
    assert account.examples == {"lost": ["b"]}
    assert not account.clean


def test_two_effects_are_one_too_many() -> None:
    """A second effect is told, and settles nothing more."""
    ledger = ledger_of("a")
    ledger.seen_all([Effect(key="a", at=1), Effect(key="a", at=2)])
    account = ledger.account()
    assert (account.settled, account.doubled) == (1, 1)


def test_lateness_counts_from_the_schedule() -> None:
    """An effect is late by the time at which its request was due, not by when it left."""
    ledger = ledger_of("soon", "late", late_after=2.0)
    ledger.seen_all([Effect(key="soon", at=1.9), Effect(key="late", at=2.1)])
    assert ledger.account().examples["late"] == ["late"]
    assert ledger.latency.count == 2


def test_what_is_planned_before_the_start_counts_from_it() -> None:
    """A plan made before anybody knew when it begins counts from there, each line by its time."""
    ledger = Ledger(late_after=2.0)
    for key, since in (("soon", 0.0), ("late", 10.0)):
        ledger.plan(key, since=since)
    ledger.begin(1000.0)
    ledger.acknowledge("soon")
    ledger.acknowledge("late")
    ledger.seen_all([Effect(key="soon", at=1001.9), Effect(key="late", at=1012.1)])
    assert ledger.account().examples["late"] == ["late"]


def test_what_was_never_acknowledged_is_owed_nothing() -> None:
    """A request without an answer is not lost; if it had its effect all the same, that is said."""
    ledger = Ledger(late_after=5)
    for key in ("unanswered", "applied"):
        ledger.plan(key, since=0)
    ledger.seen(Effect(key="applied", at=1))
    account = ledger.account()
    assert (account.owed, account.lost, account.unasked) == (0, 0, 1)


def test_hostile_activities_must_have_no_effect() -> None:
    """An acknowledged forgery is fine as long as it is refused; with an effect it is an alarm."""
    ledger = Ledger(late_after=5)
    for key in ("refused", "believed"):
        ledger.plan(key, since=0, owed="none")
        ledger.acknowledge(key)
    ledger.seen(Effect(key="refused", at=1, refused="signature_invalid"))
    ledger.seen(Effect(key="believed", at=1))
    account = ledger.account()
    assert (account.forged, account.lost, account.owed) == (1, 0, 0)
    assert account.reasons == {"signature_invalid": 1}


def test_told_refusals_are_not_losses() -> None:
    """An honest activity that was refused with a reason is accounted for as refused."""
    ledger = ledger_of("a")
    ledger.seen(Effect(key="a", at=1, refused="key_unreachable"))
    account = ledger.account()
    assert (account.refused, account.lost, ledger.open) == (1, 0, 0)


def test_what_waits_for_another_try_is_neither_lost_nor_settled() -> None:
    """A delivery that a server refused for now is waiting, until it arrives."""
    ledger = ledger_of("a", "b")
    ledger.wait("a")
    ledger.wait("b")
    ledger.seen(Effect(key="b", at=1))
    account = ledger.account()
    assert (account.waiting, account.settled, account.lost) == (1, 1, 0)


def test_order_is_that_of_the_plan() -> None:
    """An effect that comes before an earlier one's of its group is out of order; others do not count."""
    ledger = Ledger(late_after=5)
    for key, group, order in (("create", "x", 0), ("delete", "x", 1), ("other", "y", 0)):
        ledger.plan(key, since=0, group=group, order=order)
        ledger.acknowledge(key)
    ledger.seen_all([Effect(key="delete", at=1), Effect(key="create", at=2), Effect(key="other", at=0)])
    assert ledger.account().examples["out_of_order"] == ["delete"]


def test_equal_times_are_in_order() -> None:
    """Effects of one transaction bear one time: that is no disorder."""
    ledger = Ledger(late_after=5)
    for order, key in enumerate(("create", "update", "delete")):
        ledger.plan(key, since=0, group="x", order=order)
        ledger.seen(Effect(key=key, at=7.0))
    assert ledger.account().out_of_order == 0


def test_an_effect_before_the_plan_counts() -> None:
    """An arrival that is told before the answer to its request still settles it."""
    ledger = Ledger(late_after=5)
    ledger.seen(Effect(key="a", at=1))
    ledger.plan("a", since=0)
    ledger.acknowledge("a")
    assert (ledger.account().settled, ledger.open) == (1, 0)


def test_what_nobody_sees_is_left_out() -> None:
    """Kinds that no observer sees are counted as unseen, never as lost."""
    ledger = ledger_of("a", "b")
    ledger.leave_out("a")
    account = ledger.account()
    assert (account.unseen, account.owed, account.planned) == (1, 1, 2)


def test_a_closer_look_takes_effects_back() -> None:
    """An effect that a closer look does not find makes its activity lost."""
    ledger = ledger_of("a")
    ledger.seen(Effect(key="a", at=1))
    ledger.undo_effect("a")
    assert ledger.account().lost == 1


def test_latencies_are_told_once_by_the_second() -> None:
    """What was seen since the last question is told, and only in the answer to this one."""
    ledger = ledger_of("a", "b")
    ledger.seen(Effect(key="a", at=1))
    assert ledger.recent().count == 1
    ledger.seen(Effect(key="b", at=3))
    assert ledger.recent().maximum == 3
    assert ledger.recent().count == 0
    assert ledger.latency.count == 2
