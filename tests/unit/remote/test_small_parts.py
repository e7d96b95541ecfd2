"""Retry-After, media types, slots and warm hosts."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.remote.documents import is_activity_type, is_webfinger_type
from shared.remote.retry_after import read_retry_after
from shared.remote.slots import HostSlots, WarmHosts
from shared.signatures.sign import http_date

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("0", 0),
        (" 120 ", 120),
        ("99999999", 7 * 86400),
        ("9" * 400, None),
        (http_date(NOW + timedelta(minutes=5)), 300),
        (http_date(NOW - timedelta(minutes=5)), 0),
        (http_date(NOW + timedelta(days=400)), 7 * 86400),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    """Seconds and dates are read, at most a week; nonsense says nothing."""
    assert read_retry_after(value, NOW) == seconds


@given(st.text(max_size=40))
def test_no_retry_after_raises(value: str) -> None:
    """Whatever the header says, it is a number of seconds or nothing."""
    seconds = read_retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= 7 * 86400


@pytest.mark.parametrize(
    ("content_type", "is_activity"),
    [
        ("application/activity+json", True),
        ("application/activity+json; charset=utf-8", True),
        ("Application/Activity+JSON", True),
        ('application/ld+json; profile="https://www.w3.org/ns/activitystreams"', True),
        ('application/ld+json;profile="https://www.w3.org/ns/activitystreams"; charset=utf-8', True),
        ('application/ld+json; profile="https://a.example https://www.w3.org/ns/activitystreams"', True),
        ("application/ld+json; profile=https://www.w3.org/ns/activitystreams", True),
        ("application/ld+json", False),
        ('application/ld+json; profile="https://www.w3.org/ns/activitystreams#"', False),
        ('application/ld+json; x="https://www.w3.org/ns/activitystreams"', False),
        ("application/json", False),
        ("text/html", False),
        ("text/plain; application/activity+json", False),
        ("", False),
    ],
)
def test_activity_media_types(content_type: str, is_activity: bool) -> None:
    """Only ActivityPub's own media types are documents: what users upload is served under others."""
    assert is_activity_type(content_type) is is_activity


@pytest.mark.parametrize(
    ("content_type", "is_webfinger"),
    [
        ("application/jrd+json; charset=utf-8", True),
        ("application/json", True),
        ("text/html", False),
        ("", False),
    ],
)
def test_webfinger_media_types(content_type: str, is_webfinger: bool) -> None:
    """WebFinger answers are JRD, or JSON from older servers."""
    assert is_webfinger_type(content_type) is is_webfinger


async def test_slots_are_per_host() -> None:
    """No more than so many at once with one host, and none of it hinders another host."""
    slots, inside, most = HostSlots(2), 0, 0
    release = asyncio.Event()

    async def exchange(host: str) -> None:
        nonlocal inside, most
        await slots.acquire(host)
        inside += host == "slow"
        most = max(most, inside)
        if host == "slow":
            await release.wait()
        inside -= host == "slow"
        slots.release(host)

    slow = [asyncio.create_task(exchange("slow")) for _ in range(5)]
    await asyncio.wait_for(exchange("fast"), 5)
    assert most == 2
    release.set()
    await asyncio.gather(*slow)
    assert most == 2
    assert len(slots) == 0


async def test_a_slot_survives_those_who_give_up() -> None:
    """Cancelling one who waits or works gives the slot to the next, and leaves nothing behind."""
    slots, release = HostSlots(1), asyncio.Event()

    async def exchange() -> None:
        await slots.acquire("host")
        try:
            await release.wait()
        finally:
            slots.release("host")

    tasks = [asyncio.create_task(exchange()) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    tasks[1].cancel()
    release.set()
    await asyncio.wait_for(tasks[2], 5)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(slots) == 0


def test_warm_hosts_are_bounded() -> None:
    """The first hosts keep their connections, those that come when all places are taken do not."""
    warm = WarmHosts(2, keep_alive=3600)
    assert warm.admit("a")
    assert warm.admit("b")
    assert not warm.admit("c")
    assert warm.admit("a")


def test_a_place_becomes_free() -> None:
    """A host that was not spoken with for the time of keep-alive gives its place away."""
    warm = WarmHosts(1, keep_alive=-1.0)
    assert warm.admit("a")
    assert warm.admit("b")
