"""What of the target can be looked at: effects, queues and components, and its own word on its deliveries."""

import os
from collections.abc import Sequence
from contextlib import AsyncExitStack

from services.load_generator import components
from services.load_generator.observers import (
    ArrivalsObserver,
    DatabaseObserver,
    NotificationsObserver,
    Observer,
)
from services.load_generator.plan import Person
from services.load_generator.safety import Place
from services.load_generator.sampler import Sampler
from services.load_generator.target import Target
from shared.database import load_audit
from shared.database.pool import create_pool, unavailable_when_down
from shared.protocol.identifiers import uri_hash
from shared.runtime.settings import Settings


async def open_observers(
    stack: AsyncExitStack,
    target: Target,
    people: Sequence[Person],
    arrivals: ArrivalsObserver,
    settings: Settings | None,
) -> list[Observer]:
    """Return who sees effects: the database where the settings are the target's, else what shows outside."""
    observers: list[Observer]
    if settings is not None and settings.database_url:
        observers = [await DatabaseObserver.open(settings.database_url, [person.uri for person in people])]
    else:
        observers = [arrivals]
        if target.token:
            seen = NotificationsObserver(target.place.base, target.place.host, target.token)
            await seen.begin()
            observers.append(seen)
    for observer in observers:
        stack.push_async_callback(observer.close)
    return observers


async def open_sampler(
    stack: AsyncExitStack, place: Place, settings: Settings | None
) -> tuple[Sampler, list[str]]:
    """Return what reads queues, CPU and memory, and the components that it found on this machine."""
    here = place.address.startswith("127.") or place.address == "::1"
    environ = os.environ if settings is not None else {}
    pids = components.discover(place.origin, environ) if here else {}
    sampler = (
        Sampler(pids, settings.broker_url, settings.broker_management_url)
        if settings is not None
        else Sampler(pids)
    )
    await sampler.open()
    stack.push_async_callback(sampler.close)
    return sampler, sorted(pids)


async def delivery_states(
    settings: Settings | None, post_uris: Sequence[str]
) -> dict[tuple[str, str], str] | None:
    """Return the target's word on the deliveries of these posts by (activity, host), if it can be read."""
    if settings is None or not settings.database_url:
        return None
    hashes = [uri_hash(f"{uri}{form}") for uri in post_uris for form in ("/activity", "#delete")]
    pool = await create_pool(settings.database_url, max_size=1, application_name="heddle-load")
    try:
        with unavailable_when_down():
            async with pool.acquire() as conn:
                return await load_audit.delivery_states(conn, hashes)
    finally:
        await pool.close()
