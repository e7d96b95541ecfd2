"""Notifications of local accounts: written once per event, never from whom they block or mute."""

from collections.abc import Sequence

from msgspec import Struct

from shared.database.pool import Connection


class NewNotification(Struct, frozen=True, kw_only=True):
    """`kind` is the API's: mention, follow, follow_request, favourite, reblog, poll (its end), update, quote.

    A quoted_update is about the post that quotes.
    """

    id: int
    account_id: int
    kind: str
    actor_id: int
    status_id: int | None = None


async def insert(conn: Connection, notifications: Sequence[NewNotification]) -> set[int]:
    """Tell local accounts and return the ids of what is new; nobody is told of what they do themselves."""
    rows = await conn.fetch(
        """
        INSERT INTO notifications (id, account_id, kind, actor_id, status_id)
        SELECT n.id, n.account_id, n.kind, n.actor_id, n.status_id
          FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[])
               AS n (id, account_id, kind, actor_id, status_id)
          JOIN accounts c ON c.actor_id = n.account_id
         WHERE (n.account_id <> n.actor_id OR n.kind = 'poll')
           AND NOT EXISTS (SELECT FROM blocks b
                            WHERE b.actor_id = n.account_id AND b.target_id = n.actor_id)
           AND NOT EXISTS (SELECT FROM mutes m WHERE m.actor_id = n.account_id AND m.target_id = n.actor_id
                                                 AND m.notifications)
            ON CONFLICT DO NOTHING
        RETURNING id
        """,
        [n.id for n in notifications],
        [n.account_id for n in notifications],
        [n.kind for n in notifications],
        [n.actor_id for n in notifications],
        [n.status_id for n in notifications],
    )
    return {row["id"] for row in rows}


async def withdraw(conn: Connection, gone: Sequence[tuple[int, str, int]]) -> None:
    """Remove these notifications (account, kind, actor), which are about no post."""
    await conn.execute(
        """
        DELETE FROM notifications t
         USING unnest($1::bigint[], $2::text[], $3::bigint[]) AS n (account_id, kind, actor_id)
         WHERE t.account_id = n.account_id AND t.kind = n.kind AND t.actor_id = n.actor_id
           AND t.status_id IS NULL
        """,
        [account for account, _, _ in gone],
        [kind for _, kind, _ in gone],
        [actor for _, _, actor in gone],
    )


async def withdraw_about(conn: Connection, gone: Sequence[tuple[str, int, int]]) -> None:
    """Remove these notifications (kind, actor, post), whoever was told."""
    await conn.execute(
        """
        DELETE FROM notifications t
         USING unnest($1::text[], $2::bigint[], $3::bigint[]) AS n (kind, actor_id, status_id)
         WHERE t.status_id = n.status_id AND t.kind = n.kind AND t.actor_id = n.actor_id
        """,
        [kind for kind, _, _ in gone],
        [actor for _, actor, _ in gone],
        [status for _, _, status in gone],
    )


async def withdraw_between(conn: Connection, pairs: Sequence[tuple[int, int]]) -> None:
    """Remove everything that these (account, actor): the account was told of the actor."""
    await conn.execute(
        """
        DELETE FROM notifications t
         USING unnest($1::bigint[], $2::bigint[]) AS n (account_id, actor_id)
         WHERE t.account_id = n.account_id AND t.actor_id = n.actor_id
        """,
        [account for account, _ in pairs],
        [actor for _, actor in pairs],
    )
