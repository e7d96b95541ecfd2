"""Update of actors: edited profiles."""

from collections.abc import Sequence

import msgspec

from services.timeline_builder.effects import Run
from services.timeline_builder.work import Outcome, Work
from shared.database import actors
from shared.database.actors import RemoteActor
from shared.protocol.activities import UpdateActor


async def apply(run: Run, works: Sequence[Work[UpdateActor]]) -> None:
    """Store what remote actors now say of themselves; keys that are no longer listed are dropped."""
    changed: dict[str, RemoteActor] = {}
    for work in works:
        who = run.facts.actor(work.activity.actor)
        if who is None:
            work.outcome = Outcome.UNKNOWN_ACTOR
        elif work.activity.profile.id != who.uri:
            work.outcome = Outcome.NOT_PERMITTED
        elif not who.local:
            # A new handle has to be proven through WebFinger first; until then the old one stands.
            profile = msgspec.structs.replace(work.activity.profile, username=who.username)
            changed[who.uri] = RemoteActor(profile=profile, domain=who.domain)
    if changed:
        await actors.upsert_remote(run.conn, list(changed.values()), run.site.ids)
