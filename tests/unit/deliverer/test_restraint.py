"""What the bulk may begin while others are about."""

from services.fanout_deliverer.restraint import LONGEST_REST, PLANNED, SHARE, Restraint, rest


class Processor:
    """Counts the seconds that are spent."""

    def __init__(self) -> None:
        self.spent = 5.0

    def __call__(self) -> float:
        """Return them."""
        return self.spent


def _begin_all(restraint: Restraint, processor: Processor, cost: float) -> int:
    count = 0
    while restraint.allows:
        restraint.begin()
        processor.spent += cost
        count += 1
    return count


def test_more_begin_where_they_cost_less() -> None:
    """Whatever a request costs here, what begins takes the share of the processor."""
    for cost in (0.0004, 0.0012, 0.004):
        processor = Processor()
        restraint = Restraint(processor)
        begun = 0
        for look in range(1000):
            restraint.look(0.02, alone=True)
            now = _begin_all(restraint, processor, cost)
            begun += now if look >= 500 else 0
        assert 0.9 <= begun * cost / (SHARE * 10) <= 1.1


def test_others_work_is_not_put_to_account() -> None:
    """What is spent while others are at work says nothing of what the bulk costs."""
    processor = Processor()
    restraint = Restraint(processor)
    before = restraint.cost
    for _ in range(100):
        restraint.look(0.02, alone=False)
        _begin_all(restraint, processor, 0.05)
    assert restraint.cost == before


def test_no_share_is_saved_up() -> None:
    """After a long silence the bulk begins no more than after two looks."""
    processor = Processor()
    restraint = Restraint(processor)
    restraint.look(60.0, alone=True)
    assert _begin_all(restraint, processor, 0.0) <= 0.04 * SHARE / restraint.cost


def test_what_costs_more_than_the_share_begins_all_the_same() -> None:
    """A share saves up until one may begin, so that the bulk never stands still."""
    processor = Processor()
    restraint = Restraint(processor)
    begun = 0
    for _ in range(2000):
        restraint.look(0.02, alone=True)
        begun += _begin_all(restraint, processor, 0.3)
    assert begun >= 2000 * 0.02 * SHARE / 0.3 * 0.9


def test_planning_rests_as_long_as_is_due() -> None:
    """A page is followed by as long a rest, a longer one while others are about, and none that is endless."""
    assert rest(0.03, others_about=False) == 0.03
    assert abs(0.03 / (0.03 + rest(0.03, others_about=True)) - PLANNED) < 0.001
    assert rest(5.0, others_about=True) == LONGEST_REST
