"""Under all of it, good traffic goes through and memory stays flat."""

import asyncio
import gzip
import json

import pytest

from tests.fakes.remote_actor import RemoteActor
from tests.fakes.signing import Signing
from tests.hostile.arena import Arena, Shot
from tests.infrastructure import eventually

pytestmark = [pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="session")]

ROUNDS = 30
GROWTH = 48
"""Megabytes that a service may grow by in the storm: buffers, caches, the allocator's slack."""


def volley(arena: Arena, mallory: RemoteActor) -> list[Shot]:
    """Return one of each kind of attack."""
    numbers = (
        b'{"id":"https://a.example/1","type":"Like","actor":"https://a.example/2","x":[' + b"1e300," * 9000
    )
    return [
        arena.shot(mallory, arena.post_of(mallory), drop=("Signature",)),
        arena.shot(mallory, arena.post_of(mallory), Signing(covered=("host", "date", "digest"))),
        arena.shot(mallory, arena.post_of(mallory) | {"id": f"https://a.example/{arena.unique()}"}),
        arena.shot(mallory, b'{"a":' * 20_000),
        arena.shot(mallory, numbers + b"0]}"),
        arena.shot(mallory, arena.post_of(mallory) | {"to": ["x"] * 100_000}),
        arena.shot(mallory, gzip.compress(bytes(1 << 20)), headers={"Content-Encoding": "gzip"}),
        arena.shot(mallory, arena.post_of(mallory, "<ul>" * 100_000)),
        arena.shot(mallory, b" " * (1 << 20) + b"{}"),
    ]


async def storm(arena: Arena, rounds: int) -> None:
    """Fire volleys, a few at a time; none of them is answered with a failure of ours."""
    mallory = arena.somebody("mallory")
    for _ in range(rounds):
        answers = await asyncio.gather(*map(arena.fire, volley(arena, mallory)))
        assert all(200 <= answer.status < 500 for answer in answers), [answer.status for answer in answers]


async def test_good_traffic_goes_through_a_storm(arena: Arena) -> None:
    """While attacks of every kind come in, all honest posts are taken and applied, and memory stays flat."""
    nora = await arena.known(arena.somebody())
    await storm(arena, 8)
    before = arena.memory()
    honest = [arena.post_of(nora) for _ in range(100)]

    async def deliver() -> None:
        for activity in honest:
            assert (await arena.fire(arena.shot(nora, activity))).status == 202

    await asyncio.gather(storm(arena, ROUNDS), deliver())

    async def all_applied() -> bool:
        ids = [str(activity["id"]) for activity in honest]
        query = "SELECT count(*) FROM claims WHERE activity_uri = ANY($1::text[]) AND outcome = 'applied'"
        return bool(await arena.pool.fetchval(query, ids) == len(honest))

    await eventually(all_applied, "the honest posts to be applied", seconds=60)
    grown = {name: size - before[name] for name, size in arena.memory().items()}
    assert all(growth < GROWTH for growth in grown.values()), grown


async def test_logs_are_lines_and_hold_no_secret(arena: Arena) -> None:
    """Whatever was sent, each line of each log is one event, and none holds a key, token or signature."""
    forged = f'x\n{{"event": "forged_{arena.unique()}", "level": "critical"}}\r\n\x1b[31m\u2028'
    mallory = arena.somebody("mallory")
    shots = [
        arena.shot(mallory, arena.post_of(mallory) | {"type": forged}),
        arena.shot(mallory, arena.post_of(mallory) | {"id": f"{mallory.id}#{forged}"}),
        arena.shot(mallory, arena.post_of(mallory) | {"actor": f"{mallory.id}\u2028{arena.unique()}"}),
        arena.shot(mallory, arena.post_of(mallory), headers={"Signature": 'keyId="x\u0085y"'}),
    ]
    for shot in shots:
        assert (await arena.fire(shot)).status < 500
    await arena.settled()
    secrets = [
        arena.ada.access_token,
        arena.site.environment()["HEDDLE_SECRET_KEY"],
        "PRIVATE KEY",
        "Bearer ",
    ]
    secrets += [shot.headers["Signature"][-40:] for shot in shots[:3]]
    for service in arena.site.processes:
        lines = (arena.site.folder / f"{arena.site.name}.{service}.log").read_bytes().split(b"\n")
        assert len(lines) > 1, service
        for line in lines[:-1]:
            event = json.loads(line)
            assert not str(event["event"]).startswith("forged_"), line
            assert not any(secret.encode() in line for secret in secrets), line


async def test_the_services_are_as_well_as_before(arena: Arena) -> None:
    """After everything, every service is ready, none was started anew, and nothing became a dead letter."""
    for service, process in arena.site.processes.items():
        assert process.running.returncode is None, arena.site.log(service)
        async with arena.http.get(f"{process.ops}/readyz") as answer:
            assert answer.status == 200, await answer.text()
        assert await arena.count(service, "heddle_dead_letters_total") == 0
