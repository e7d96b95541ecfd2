"""Scenarios: those shipped are right, and a wrong one is told what is wrong in a plain line."""

import pytest

from services.load_generator import scenario
from services.load_generator.scenario import ScenarioError, read

GOOD = """
title = "Test"
[traffic]
mix = { create = 1 }
rate = 10
seconds = 5
"""


def problem_of(text: str) -> str:
    """Return what is said about a scenario."""
    with pytest.raises(ScenarioError) as caught:
        read(text, "test")
    return str(caught.value)


@pytest.mark.parametrize("name", sorted(scenario.shipped()))
def test_shipped_scenarios_are_right(name: str) -> None:
    """Every scenario that comes with the generator can be read and says what it is for."""
    assert len(scenario.load(name).title) > 10


def test_all_that_was_asked_for_is_shipped() -> None:
    """There is one for each kind of day that a server may have."""
    assert set(scenario.shipped()) == {
        "boosts",
        "day",
        "delete-storm",
        "follow-wave",
        "hostile",
        "knee",
        "mix",
        "new-servers",
        "recovery",
        "reply-storm",
        "smoke",
        "steady",
        "viral-post",
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("rate = 10", "rate = -1"), "traffic needs rate and seconds above 0"),
        (("rate = 10", "ratee = 10"), "ratee"),
        (("rate = 10", 'rate = "ten"'), "traffic.rate"),
        (("create = 1", "craete = 1"), "there is no 'craete'"),
        (("create = 1", "create = 0"), "no weight above 0"),
        (("create = 1", "create = 2, like = -1"), "a weight below 0"),
        (("rate = 10", "rate = 10\nduplicates = 1.5"), "duplicates must lie between 0 and 1"),
        (("rate = 10", "points = [[5, 1], [2, 1]]"), "seconds increasing"),
        (('title = "Test"', 'title = "Test"\nlimits = { lots = 1 }'), "there is no 'lots'"),
        (('title = "Test"', 'title = "Test"\n[fediverse]\nshares = { odd = 0.1 }'), "there is no 'odd'"),
        (('title = "Test"', 'title = "Test"\n[fediverse]\nhosts = 0'), "at least one host"),
        (("seconds = 5", "seconds = 5\n[posts]\nrate = 1\nseconds = 1\nfollowers = 999"), "posts.followers"),
        (("seconds = 5", "seconds = 5\n[knee]\nfactor = 1"), "factor above 1"),
        (('title = "Test"', "title = "), "test:"),
        (("mix = { create = 1 }", ""), "nothing would happen"),
    ],
)
def test_what_is_wrong_is_said(change: tuple[str, str], said: str) -> None:
    """The one line names the field, and what would be right where that can be told."""
    problem = problem_of(GOOD.replace(*change))
    assert said in problem
    assert "\n" not in problem


def test_an_unknown_name_lists_the_known_ones() -> None:
    """Who mistypes a scenario sees those there are."""
    with pytest.raises(ScenarioError, match="follow-wave"):
        scenario.load("folow-wave")


def test_another_length_keeps_everything_in_its_place() -> None:
    """A tenth of the length: traffic, posts and the outage are shorter by the same, the rates unchanged."""
    text = GOOD.replace("rate = 10\nseconds = 5", "points = [[0, 1], [40, 7], [50, 1]]")
    text += "[posts]\nrate = 2\nseconds = 40\nfollowers = 1\n[outage]\nstart = 10\nseconds = 20\n"
    found = scenario.stretched(read(text, "test"), 5)
    assert found.traffic.line == [(0, 1), (4, 7), (5, 1)]
    assert found.posts is not None
    assert found.outage is not None
    assert (found.posts.rate, found.posts.seconds) == (2, 4)
    assert (found.outage.start, found.outage.seconds) == (1, 2)


def test_own_characters_can_be_defined() -> None:
    """A scenario may bring characters of its own and give them shares."""
    text = GOOD + "[fediverse]\nhosts = 10\nshares = { molasses = 0.5 }\n"
    found = read(text + "[fediverse.characters.molasses]\nlatency = 8.0\n", "test")
    cast = found.cast(seed=1)
    assert sum(cast.of(number).latency == 8.0 for number in range(10)) == 5
