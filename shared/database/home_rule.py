"""The rule of home timelines, in SQL: which post stands in whose.

It looks only at what the store holds now: follows, blocks, mutes, lists, followed hashtags, posts. Whoever
uses it asks for a post `s`, the post `o` that it shares if it is a boost, and a follow `f`.
"""

# Written so that each step is a probe of an index, in the order in which it stands here, whatever the
# planner believes about the sizes of the tables: it may have planned when they were empty.
COLUMNS = """
       t.id, t.actor_id, t.reblog_of_id, t.visibility, t.in_reply_to_uri, t.in_reply_to_actor_id, t.deleted_at
"""
"""What is read of a post, from `statuses t`."""

SHARED = """
  LEFT JOIN LATERAL (SELECT b.actor_id, b.deleted_at
                       FROM statuses b WHERE b.id = s.reblog_of_id OFFSET 0) o ON true
"""

POST = f"""
 CROSS JOIN LATERAL (SELECT {COLUMNS} FROM statuses t WHERE t.id = k.id OFFSET 0) s
 {SHARED}
"""  # noqa: S608 - constants
"""The post of an id `k.id`."""

FOLLOWED = """
 CROSS JOIN LATERAL (SELECT t.follower_id, t.show_reblogs FROM follows t
                      WHERE t.followee_id = s.actor_id AND t.state = 1 AND NOT t.exclusive OFFSET 0) f
 CROSS JOIN LATERAL (SELECT true FROM accounts a
                      WHERE a.actor_id = f.follower_id AND a.home_state <> 0 OFFSET 0) c
"""
"""Everybody who follows a post's author and whose home timeline is kept."""

ALIVE = """
       s.deleted_at IS NULL AND (s.reblog_of_id IS NULL OR o.deleted_at IS NULL)
"""

_MEANT = f"""{ALIVE}
   AND (s.visibility <= 2
        OR (SELECT true FROM mentions n WHERE n.status_id = s.id AND n.actor_id = f.follower_id LIMIT 1))
   -- Of boosts of their own posts people learn by a notification.
   AND (s.reblog_of_id IS NULL
        OR (f.show_reblogs AND o.actor_id <> f.follower_id
            AND (SELECT true FROM blocks b
                  WHERE b.actor_id = o.actor_id AND b.target_id = f.follower_id LIMIT 1) IS NULL
            AND (SELECT true FROM account_domain_blocks d JOIN actors a ON a.domain = d.domain
                  WHERE d.account_id = f.follower_id AND a.id = o.actor_id LIMIT 1) IS NULL))
   -- A reply belongs to those who know the other side too, or are it; one to nobody known is out of place.
   AND (s.in_reply_to_uri IS NULL
        OR s.in_reply_to_actor_id = s.actor_id
        OR s.in_reply_to_actor_id = f.follower_id
        OR (SELECT true FROM follows t WHERE t.follower_id = f.follower_id
                                         AND t.followee_id = s.in_reply_to_actor_id AND t.state = 1 LIMIT 1))
"""  # noqa: S608 - constants
_SIDES = "ARRAY[s.actor_id, o.actor_id, s.in_reply_to_actor_id]"
_UNBLOCKED = f"""
       (SELECT true FROM blocks b
         WHERE b.actor_id = f.follower_id AND b.target_id = ANY({_SIDES}) LIMIT 1) IS NULL
"""  # noqa: S608 - constants
_UNMUTED = f"""
       (SELECT true FROM mutes m
         WHERE m.actor_id = f.follower_id AND m.target_id = ANY({_SIDES}) LIMIT 1) IS NULL
"""  # noqa: S608 - constants

RULE = f"""{_MEANT}
   AND {_UNBLOCKED}
   AND {_UNMUTED}
"""
"""Whether a post of somebody whom `f.follower_id` follows is for them."""

UNWANTED = f"""
 CROSS JOIN LATERAL (
    SELECT (SELECT true FROM blocks b WHERE b.target_id = ANY({_SIDES}) LIMIT 1) IS NOT NULL AS blocked,
           (SELECT true FROM mutes m WHERE m.target_id = ANY({_SIDES}) LIMIT 1) IS NOT NULL AS muted
    OFFSET 0) u
"""  # noqa: S608 - constants
"""Whether anybody at all blocks or mutes whom a post is by or about: asked once a post, hardly ever so."""

RULE_FOR_MANY = f"""{_MEANT}
   AND (NOT u.blocked OR {_UNBLOCKED})
   AND (NOT u.muted OR {_UNMUTED})
"""
"""The same rule where it is asked of many followers, with `UNWANTED`."""

SIMPLE = """
       (t.visibility <= 2 AND t.reblog_of_id IS NULL
        AND (t.in_reply_to_uri IS NULL OR t.in_reply_to_actor_id = t.actor_id))
"""
"""Whether a post `t` that is there is for all who follow its author, unless they block or mute them."""

TAG_RULE = """
       s.deleted_at IS NULL AND s.visibility = 0 AND s.reblog_of_id IS NULL
   AND s.actor_id <> g.account_id
   AND (SELECT true FROM blocks b
         WHERE b.actor_id = g.account_id AND b.target_id = s.actor_id LIMIT 1) IS NULL
   AND (SELECT true FROM blocks b
         WHERE b.actor_id = s.actor_id AND b.target_id = g.account_id LIMIT 1) IS NULL
   AND (SELECT true FROM mutes m WHERE m.actor_id = g.account_id AND m.target_id = s.actor_id LIMIT 1) IS NULL
   AND (SELECT true FROM account_domain_blocks d JOIN actors a ON a.domain = d.domain
         WHERE d.account_id = g.account_id AND a.id = s.actor_id LIMIT 1) IS NULL
   AND (SELECT true FROM domain_blocks d JOIN actors a
            ON a.domain = d.domain OR a.domain LIKE '%.' || d.domain
         WHERE a.id = s.actor_id LIMIT 1) IS NULL
"""
"""Whether a post under a hashtag that `g.account_id` follows is for them."""

NARROW = """
       (SELECT true FROM wide_authors w WHERE w.actor_id = s.actor_id AND NOT w.narrowing LIMIT 1) IS NULL
"""
"""Whether a post is written into home timelines at all: those of wide authors are merged in by reading."""


def belongs(account: str, *, written: bool) -> str:
    """Return the condition that a post stands in the home timeline of an account.

    Args:
        account: SQL of the account's id.
        written: Whether only what is written into the timeline counts, or also what is merged in.
    """
    narrow = f"AND {NARROW}" if written else ""
    return f"""
       ((s.actor_id = {account} AND {ALIVE})
        OR (SELECT true
              FROM (SELECT t.follower_id, t.show_reblogs FROM follows t
                     WHERE t.follower_id = {account} AND t.followee_id = s.actor_id
                       AND t.state = 1 AND NOT t.exclusive OFFSET 0) f
             WHERE {RULE} {narrow} LIMIT 1)
        OR (SELECT true
              FROM (SELECT {account} AS account_id FROM status_tags t
                      JOIN tag_follows q ON q.tag = t.tag AND q.account_id = {account}
                     WHERE t.status_id = s.id LIMIT 1) g
             WHERE {TAG_RULE} LIMIT 1))
    """  # noqa: S608 - constants
