"""A whole site under attack, the attacker's servers and DNS, and eyes on all of it."""

import asyncio
import itertools
import json
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
import psutil

from services.operator_console.journey import Journey, journey_of
from shared.database import statuses
from shared.database.pool import Pool
from tests.fakes.remote_actor import Json, RemoteActor
from tests.fakes.remote_host import ACTIVITY_JSON, Answer, RemoteHost
from tests.fakes.remote_server import RemoteServer
from tests.fakes.signing import Signing
from tests.infrastructure import eventually
from tests.integration.remote.raw import DnsServer
from tests.sites import NewAccount, Site

RECEIVER, VERIFIER, BUILDER = "inbox_receiver", "signature_verifier", "timeline_builder"
REJECTED = "heddle_activities_rejected_total"
APPLIED = "heddle_activities_applied_total"


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One request at an inbox. `watched` are the hosts on which it may cause requests at all."""

    activity: Json
    body: bytes
    headers: Mapping[str, str]
    url: str
    watched: tuple[RemoteHost, ...] = ()

    @property
    def id(self) -> str:
        """The activity's id; empty where it has none."""
        identifier = self.activity.get("id")
        return identifier if isinstance(identifier, str) else ""

    @property
    def note(self) -> str:
        """The id of what the activity is about."""
        target = self.activity.get("object")
        return str(target.get("id")) if isinstance(target, dict) else str(target)


@dataclass(kw_only=True)
class Arena:
    """The site, the attackers, and what can be seen of both."""

    site: Site
    remote: RemoteServer
    dns: DnsServer
    pool: Pool
    ada: NewAccount
    http: aiohttp.ClientSession
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def ada_uri(self) -> str:
        """The actor of the account that lives here."""
        return f"{self.site.origin}/users/{self.ada.id}"

    @property
    def inbox(self) -> str:
        """The shared inbox."""
        return f"{self.site.origin}/inbox"

    def somebody(self, name: str = "nora", flavour: str = "mastodon") -> RemoteActor:
        """Return an actor on a host that nobody has heard of."""
        return self.remote.host(f"{name}{next(self._numbers)}").actor(name, flavour)

    def under(self, name: str, *addresses: str) -> RemoteHost:
        """Return a host of this name, which DNS says is at these addresses."""
        self.dns.table[name] = (list(addresses), 1)
        return self.remote.named(f"{name}:{self.remote.port}")

    def shot(
        self,
        signer: RemoteActor,
        activity: Json | bytes,
        how: Signing | str = "cavage",
        *,
        drop: tuple[str, ...] = (),
        body: bytes | None = None,
        url: str = "",
        watch: tuple[RemoteHost, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Shot:
        """Return a signed request; `drop` and `headers` change its head, `body` its body, after signing."""
        signed = activity if isinstance(activity, bytes) else signer.host.encode(activity)
        head = {"Content-Type": ACTIVITY_JSON, **signer.signed("POST", url or self.inbox, signed, how)}
        head |= {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        return Shot(
            activity=activity if isinstance(activity, dict) else _readable(signed),
            body=signed if body is None else body,
            headers={name: value for name, value in head.items() if name not in drop},
            url=url or self.inbox,
            watched=(signer.host, *watch),
        )

    async def fire(self, shot: Shot) -> Answer:
        """Post it."""
        return await self.remote.request("POST", shot.url, shot.headers, shot.body)

    async def raw(self, request: bytes) -> bytes:
        """Send these bytes to the receiver itself; return what it answers first."""
        where = urlsplit(self.site.processes[RECEIVER].listen)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        try:
            writer.write(request)
            return await asyncio.wait_for(reader.read(65_536), 10)
        finally:
            writer.close()

    async def journey(self, activity_id: object) -> Journey:
        """Return what `heddle trace` shows of an activity."""
        async with self.pool.acquire() as conn:
            return await journey_of(conn, str(activity_id))

    async def outcome(self, activity_id: object) -> str:
        """Wait until an activity was applied; return what came of it."""
        seen: list[str] = []

        async def applied() -> bool:
            journey = await self.journey(activity_id)
            assert not journey.refused, f"refused: {journey.refused}"
            seen[:] = [row.outcome for row in journey.applied]
            return bool(seen)

        await eventually(applied, f"{activity_id} to be applied")
        return seen[-1]

    async def has_post(self, uri: object) -> bool:
        """Tell whether a post is stored and not deleted."""
        async with self.pool.acquire() as conn:
            found = await statuses.by_uri(conn, str(uri))
        return found is not None and found.deleted_at is None

    async def content(self, uri: object) -> str:
        """Return the stored content of a post."""
        return str(await self.pool.fetchval("SELECT content FROM statuses WHERE uri = $1", str(uri)))

    async def count(self, service: str, metric: str, **labels: str) -> float:
        """Return the value of a counter of a service."""
        return await self.site.count(service, metric, **labels)

    async def settled(self) -> None:
        """Return when everything that came in so far has been judged and applied."""
        marker = self.somebody("marker")
        for _ in range(2):
            await self.hear(marker, self.post_of(marker))

    async def counted(self, service: str, metric: str, before: float, **labels: str) -> bool:
        """Tell whether a counter has gone up."""
        return await self.count(service, metric, **labels) > before

    async def known(self, actor: RemoteActor) -> RemoteActor:
        """Make an actor known here by an honest post that mentions ada."""
        await self.hear(actor, self.post_of(actor))
        return actor

    def post_of(self, actor: RemoteActor, content: str = "<p>Hello</p>", **parts: object) -> Json:
        """Return the Create of a post that concerns ada, so that it is stored."""
        mention = {"type": "Mention", "href": self.ada_uri, "name": f"@ada@{self.site.host}"}
        parts = {"tag": [mention], "cc": [self.ada_uri, actor.followers]} | parts
        return actor.create(actor.note(content, serve=False, **parts))

    async def hear(self, actor: RemoteActor, activity: Json, how: Signing | str = "cavage") -> str:
        """Deliver an activity and return what came of it."""
        answer = await self.fire(self.shot(actor, activity, how))
        assert answer.status == 202, answer.body
        return await self.outcome(activity["id"])

    async def api(self, method: str, path: str, **parameters: str) -> Json:
        """Call the client API as ada."""
        headers = {"Authorization": f"Bearer {self.ada.access_token}"}
        async with self.http.request(
            method, self.site.address + path, params=parameters, headers=headers
        ) as answer:
            assert answer.status == 200, await answer.text()
            found = await answer.json()
        assert isinstance(found, dict)
        return found

    def memory(self) -> Counter[str]:
        """Return the resident megabytes of each service."""
        return Counter(
            {
                name: psutil.Process(one.pid).memory_info().rss >> 20
                for name, one in self.site.processes.items()
            }
        )

    def unique(self) -> str:
        """Return a short text that comes only once."""
        return secrets.token_hex(4)


def _readable(body: bytes) -> Json:
    try:
        found = json.loads(body[:100_000])
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
