"""Budgets of fetches per registrable domain."""

from contextlib import ExitStack

import pytest

from shared.remote.budgets import Budget, DomainBudgets, registrable_domain
from shared.remote.errors import BudgetSpent


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("social.example.co.uk", "example.co.uk"),
        ("a.b.c.d.evil.example", "evil.example"),
        ("example.com", "example.com"),
        ("someone.github.io", "someone.github.io"),
        ("co.uk", "co.uk"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("a.xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("s1.sim.localhost", "s1.sim.localhost"),
        ("intranet", "intranet"),
    ],
)
def test_registrable_domain(host: str, domain: str) -> None:
    """All names that one owner can make up are one domain; those of different owners are not."""
    assert registrable_domain(host) == domain


def test_names_share_the_budget_of_their_domain() -> None:
    """However many names somebody makes up, the domain's budget is spent once, and refills with time."""
    now = [0.0]
    budgets = DomainBudgets(Budget(per_second=1, burst=3), clock=lambda: now[0])
    for number in range(3):
        with budgets.spend(f"s{number}.evil.example"):
            pass
    with pytest.raises(BudgetSpent), budgets.spend("s3.evil.example"):
        pass
    with budgets.spend("honest.example"):
        pass
    now[0] += 1
    with budgets.spend("s4.evil.example"):
        pass


def test_what_is_under_way_counts() -> None:
    """A domain that answers slowly holds no more places than its budget has, and gets them back."""
    budgets = DomainBudgets(Budget(at_once=2))
    with ExitStack() as held:
        held.enter_context(budgets.spend("a.evil.example"))
        held.enter_context(budgets.spend("b.evil.example"))
        with pytest.raises(BudgetSpent), budgets.spend("c.evil.example"):
            pass
    with budgets.spend("c.evil.example"):
        pass


def test_memory_is_bounded() -> None:
    """Any number of domains leaves a bounded number behind."""
    budgets = DomainBudgets(Budget(), size=10)
    for number in range(100):
        with budgets.spend(f"evil{number}.example"):
            pass
    assert len(budgets) == 10
