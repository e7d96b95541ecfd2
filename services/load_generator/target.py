"""The target, looked at from outside as another server would: who lives there, what they posted."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

import aiohttp
import msgspec
from msgspec import Struct

from services.load_generator.plan import LocalPost, Person
from services.load_generator.safety import Place, Unreachable
from shared.protocol.errors import Malformed, Rejected
from shared.protocol.reader import read_actor, read_webfinger

_TIMEOUT = aiohttp.ClientTimeout(total=20)
_ACTIVITY_JSON = "application/activity+json"
_OK = 200


class NobodyThere(Rejected):
    """The target does not know the account, or does not let us in."""

    reason = "nobody_there"


class Published(Struct, frozen=True):
    """What the client API says of a post that was made."""

    id: str
    uri: str


class Myself(Struct, frozen=True):
    """What the client API says of the owner of a token."""

    id: str
    username: str


class Target:
    """Speaks HTTP with the target, always with the address that was checked. Use it with `async with`.

    Args:
        place: Where it is.
        token: An access token of the local account that posts; may be empty.
    """

    def __init__(self, place: Place, token: str = "") -> None:
        self.place = place
        self.token = token
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=_TIMEOUT, headers={"Host": self.place.host, "User-Agent": "heddle-load"}
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def person(self, acct: str) -> tuple[Person, str]:
        """Return a local account by its handle, and the shared inbox; raises NobodyThere."""
        name, _, domain = acct.lstrip("@").partition("@")
        resource = f"acct:{name}@{domain or self.place.host}"
        try:
            found = read_webfinger(
                await self.request("GET", "/.well-known/webfinger", query={"resource": resource})
            )
            path = self._path(found.actor_uri)
            actor = read_actor(await self.request("GET", path, accept=_ACTIVITY_JSON))
        except Malformed as error:
            raise NobodyThere(f"{resource}: {error}") from error
        self._path(actor.inbox)
        shared = actor.shared_inbox or actor.inbox
        self._path(shared)
        return Person(uri=actor.id, inbox=actor.inbox, acct=name), shared

    async def publish(self, text: str) -> Published:
        """Publish a post and return its ids."""
        body = await self.request("POST", "/api/v1/statuses", form={"status": text, "visibility": "public"})
        return msgspec.json.decode(body, type=Published)

    async def remove(self, post_id: str) -> None:
        """Delete a post."""
        await self.request("DELETE", f"/api/v1/statuses/{post_id}")

    async def myself(self) -> Myself:
        """Return who the token belongs to."""
        return msgspec.json.decode(
            await self.request("GET", "/api/v1/accounts/verify_credentials"), type=Myself
        )

    async def posts(self, person: Person, count: int) -> list[LocalPost]:
        """Publish some posts to like, boost and reply to."""
        made = [await self.publish(f"A post for load tests, number {number}") for number in range(count)]
        return [LocalPost(uri=one.uri, author=person.uri) for one in made]

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        form: dict[str, str] | None = None,
        accept: str = "application/json",
    ) -> bytes:
        """Make one request; raises NobodyThere where it is refused, Unreachable where nothing comes."""
        if self._session is None:
            raise Unreachable("not open")
        headers = {"Accept": accept}
        if path.startswith("/api/") and self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            async with self._session.request(
                method,
                f"{self.place.base}{path}",
                params=query,
                data=form,
                headers=headers,
                allow_redirects=False,
                server_hostname=self.place.name if self.place.tls else None,
            ) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(f"{self.place.origin} does not answer: {type(error).__name__}") from error
        if answer.status != _OK:
            asked = " ".join([method, path, *(query or {}).values()])
            raise NobodyThere(f"{self.place.host} answered {asked} with {answer.status}")
        return body

    def _path(self, uri: str) -> str:
        """Return the path of a URI of the target; load goes nowhere else. Raises NobodyThere."""
        if not uri.startswith(f"{self.place.origin}/"):
            raise NobodyThere(f"{uri} does not belong to {self.place.origin}")
        return uri.removeprefix(self.place.origin)


def handles(names: Sequence[str], place: Place) -> list[str]:
    """Return handles with a domain: that of the target where there is none."""
    return [name if "@" in name.lstrip("@") else f"{name.lstrip('@')}@{place.host}" for name in names]
