"""Actors and posts of other servers, put where the pipeline would put them."""

from shared.database import follows, statuses
from shared.database.actors import RemoteActor, upsert_remote
from shared.database.follows import FollowRow, FollowState
from shared.database.pool import Connection
from shared.database.statuses import NewStatus
from shared.policy.quotes import QuoteTerms
from shared.protocol.objects import ActorKind, ActorProfile, Visibility
from tests.integration.gateway.running import RunningGateway


def remote_actor(site: RunningGateway, name: str, host: str) -> int:
    """Store an actor of another server and return its id."""
    uri = f"https://{host}/users/{name}"
    profile = ActorProfile(
        id=uri,
        kind=ActorKind.PERSON,
        username=name,
        inbox=f"{uri}/inbox",
        shared_inbox=f"https://{host}/inbox",
        followers=f"{uri}/followers",
        name=name.title(),
        url=f"https://{host}/@{name}",
    )

    async def store(conn: Connection) -> int:
        actor = RemoteActor(profile=profile, domain=host)
        return (await upsert_remote(conn, [actor], site.gateway.site.ids))[uri]

    return site.db(store)


def remote_post(
    site: RunningGateway,
    actor_id: int,
    text: str,
    visibility: Visibility = Visibility.PUBLIC,
    terms: QuoteTerms | None = None,
) -> int:
    """Store a post of a remote actor, who may say by whom it may be quoted; return its id."""
    status_id = site.gateway.site.ids.next()
    post = NewStatus(
        id=status_id,
        uri=f"https://remote.example/notes/{status_id}",
        url=f"https://remote.example/@somebody/{status_id}",
        local=False,
        actor_id=actor_id,
        conversation_id=status_id,
        visibility=visibility,
        created_at=site.value("SELECT now()"),
        content=f"<p>{text}</p>",
        quote_terms=None if terms is None else terms.packed(),
    )
    site.db(lambda conn: statuses.insert(conn, [post]))
    return status_id


def remote_follow(site: RunningGateway, follower_id: int, followee_id: int, state: FollowState) -> str:
    """Store a remote actor's follow of somebody here and return its URI."""
    follow_id = site.gateway.site.ids.next()
    row = FollowRow(
        id=follow_id,
        uri=f"https://remote.example/follows/{follow_id}",
        follower_id=follower_id,
        followee_id=followee_id,
        state=state,
    )
    site.db(lambda conn: follows.insert(conn, [row]))
    return row.uri
