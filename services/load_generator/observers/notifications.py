"""Sees posts that mention an account by the notifications it gets: works with every Mastodon-like target."""

import time
from collections.abc import Sequence

import aiohttp
import msgspec
from msgspec import Struct

from services.load_generator.ledger import Effect, Ledger

_PAGE = 40
_PAGES = 20
_TIMEOUT = aiohttp.ClientTimeout(total=10)


class _Status(Struct):
    uri: str = ""


class _Notification(Struct):
    id: str
    type: str
    status: _Status | None = None


class NotificationsObserver:
    """Reads the notifications of one account; an effect is timed when it is read, not when it happened.

    Args:
        base: Scheme, address and port of the client API.
        host: The Host header.
        token: An access token with `read:notifications`.
    """

    name = "notifications of the client API"

    def __init__(self, base: str, host: str, token: str) -> None:
        self._url = f"{base}/api/v1/notifications"
        self._headers = {"Authorization": f"Bearer {token}", "Host": host}
        self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        self._after = ""
        self._decoder = msgspec.json.Decoder(list[_Notification])

    async def begin(self) -> None:
        """Pass over what is there already."""
        newest = await self._page({"limit": "1"})
        self._after = newest[0].id if newest else "0"

    def sees(self, kind: str) -> bool:
        """Tell whether the effect of this kind of activity shows here."""
        return kind in {"create", "reply"}

    async def look(self, pending: Sequence[str]) -> list[Effect]:  # noqa: ARG002 - the interface's
        """Return the mentions that came since the last look."""
        effects: list[Effect] = []
        for _ in range(_PAGES):
            page = await self._page({"limit": str(_PAGE), "min_id": self._after})
            if not page:
                break
            self._after = max((one.id for one in page), key=lambda text: (len(text), text))
            now = time.monotonic()
            effects += [
                Effect(key=f"{one.status.uri}/activity", at=now)
                for one in page
                if one.type == "mention" and one.status is not None
            ]
        return effects

    async def confirm(self, ledger: Ledger) -> list[str]:  # noqa: ARG002 - the interface's
        """There is nothing more to see."""
        return []

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def _page(self, query: dict[str, str]) -> list[_Notification]:
        async with self._session.get(self._url, params=query, headers=self._headers) as answer:
            answer.raise_for_status()
            return self._decoder.decode(await answer.read())
