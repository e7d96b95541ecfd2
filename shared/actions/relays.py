"""Subscribing to relays, in the name of the site."""

from shared.actions.errors import NotAllowed, NotThere
from shared.actions.site import Site
from shared.actions.tell import tell_as_site
from shared.database import relays
from shared.database.pool import Connection
from shared.database.relays import Relay
from shared.protocol.activities import Follow, Undo
from shared.protocol.identifiers import PUBLIC


async def subscribe(conn: Connection, site: Site, *, inbox: str, actor_uri: str = "") -> Relay:
    """Ask a relay to pass on what is public, both ways; call it inside a transaction.

    Args:
        conn: In a transaction.
        site: This site.
        inbox: Where the relay takes activities.
        actor_uri: The relay's actor, which then is whom the Follow names (LitePub). Without it the Follow
            names everybody, as relays of Mastodon's kind want it.

    Raises:
        NotAllowed: The relay was asked already.
    """
    follow_uri = site.uris.activity(site.ids.next())
    made = await relays.put(conn, site.ids.next(), inbox, actor_uri, follow_uri)
    if made is None:
        raise NotAllowed(f"{inbox} was asked already")
    target = actor_uri or PUBLIC
    await tell_as_site(conn, Follow(id=follow_uri, actor=site.uris.instance_actor, object=target))
    return made


async def unsubscribe(conn: Connection, site: Site, address: str) -> Relay:
    """End a subscription, given by the relay's inbox or actor; call it inside a transaction.

    Raises:
        NotThere: There is no such subscription.
    """
    ended = await relays.end(conn, address)
    if ended is None:
        raise NotThere(f"there is no relay at {address}")
    undo = Undo(
        id=site.uris.activity(site.ids.next()),
        actor=site.uris.instance_actor,
        undone_id=ended.follow_uri,
        undone_type="Follow",
        object=ended.actor_uri or PUBLIC,
    )
    await tell_as_site(conn, undo)
    return ended
