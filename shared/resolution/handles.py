"""Handles, `user@host`: reading them, and finding the one that an actor goes by (WebFinger, FEP-2c59)."""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from msgspec import Struct

from shared.protocol.errors import Rejected, Unavailable
from shared.protocol.identifiers import host_of
from shared.protocol.objects import ActorProfile
from shared.protocol.reader import WebFinger
from shared.remote.urls import authority, canonical
from shared.resolution.errors import BadHandle

_HANDLE = re.compile(r"@?(?P<name>[\w.~+!$:-]{1,255})@(?P<host>[\w.-]{1,253}(?::\d{1,5})?)")


class Handle(Struct, frozen=True):
    """A name and the host it is known under, which is in lower case."""

    name: str
    host: str

    def __str__(self) -> str:
        return f"{self.name}@{self.host}"

    def same_name(self, name: str) -> bool:
        """Tell whether the name is this one; case does not matter."""
        return self.name.lower() == name.lower()


Ask = Callable[[Handle], Awaitable[WebFinger]]
"""Asks a handle's host who that is; raises Rejected or Unavailable."""


def read_handle(text: str) -> Handle:
    """Return the handle in `user@host`, `@user@host` or `acct:user@host`; raises BadHandle.

    The host is in the one spelling that blocks and addresses are compared in.
    """
    match = _HANDLE.fullmatch(text.strip().removeprefix("acct:"))
    if match is None:
        raise BadHandle(text[:200])
    host = match["host"].lower()
    if not host.isascii():
        try:
            host = authority(canonical(f"https://{host}"))
        except Rejected:
            raise BadHandle(text[:200]) from None
    return Handle(match["name"], host)


def webfinger_url(scheme: str, handle: Handle) -> str:
    """Return where a handle's host answers for it (RFC 7033 section 4)."""
    return f"{scheme}://{handle.host}/.well-known/webfinger?resource=acct:{quote(str(handle), safe='@:')}"


async def domain_of(profile: ActorProfile, ask: Ask) -> str:
    """Return the host of the handle that an actor goes by.

    It has to lead back to the actor. Where none does, or nobody answers, the actor's own host stands for
    it: nobody else can have a handle there.
    """
    own_host = host_of(profile.id)
    for host in dict.fromkeys((profile.acct_domain.lower(), own_host)):
        if not host:
            continue
        try:
            proven = await _round_trip(profile, Handle(profile.username, host), ask)
        except (Rejected, Unavailable):
            continue
        if proven:
            return proven
    return own_host


async def _round_trip(profile: ActorProfile, handle: Handle, ask: Ask) -> str:
    answer = await ask(handle)
    if answer.actor_uri != profile.id:
        return ""
    subject = read_handle(answer.subject)
    if not subject.same_name(profile.username):
        return ""
    if subject.host == handle.host:
        return handle.host
    # A host may answer for another one, if that one says the same.
    second = await ask(subject)
    return subject.host if second.actor_uri == profile.id else ""
