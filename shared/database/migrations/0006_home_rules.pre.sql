-- What decides, beside follows, blocks and mutes, which posts stand in whose timelines.

-- Authors whose posts are not written into home timelines but merged into them when they are read: those
-- with very many readers here. While `narrowing`, both is done.
CREATE TABLE wide_authors (
    actor_id  bigint PRIMARY KEY REFERENCES actors (id),
    narrowing boolean NOT NULL DEFAULT false,
    since     timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE lists (
    id             bigint PRIMARY KEY,
    account_id     bigint NOT NULL REFERENCES accounts (actor_id),
    title          text NOT NULL,
    replies_policy smallint NOT NULL DEFAULT 1,     -- database.lists.Replies
    exclusive      boolean NOT NULL DEFAULT false   -- its members' posts stay out of the home timeline
);
CREATE INDEX lists_account ON lists (account_id, id);

-- Members are followed, and leave the lists when the follow ends.
CREATE TABLE list_members (
    list_id    bigint NOT NULL REFERENCES lists (id) ON DELETE CASCADE,
    actor_id   bigint NOT NULL,
    account_id bigint NOT NULL,                     -- the list's owner
    id         bigint NOT NULL,
    PRIMARY KEY (list_id, actor_id),
    FOREIGN KEY (account_id, actor_id) REFERENCES follows (follower_id, followee_id) ON DELETE CASCADE
);
CREATE INDEX list_members_follow ON list_members (account_id, actor_id);

-- Kept on the follow, so that fan-out reads it for nothing: whether any exclusive list holds the followee.
ALTER TABLE follows ADD COLUMN exclusive boolean NOT NULL DEFAULT false;

ALTER TABLE mutes ADD COLUMN expires_at timestamptz;
CREATE INDEX mutes_expiring ON mutes (expires_at) WHERE expires_at IS NOT NULL;

-- Servers that one account does not want to hear from.
CREATE TABLE account_domain_blocks (
    account_id bigint NOT NULL REFERENCES accounts (actor_id),
    domain     text NOT NULL,
    id         bigint NOT NULL,
    PRIMARY KEY (account_id, domain)
);

CREATE TABLE tag_follows (
    tag        text NOT NULL,                       -- normalised
    account_id bigint NOT NULL REFERENCES accounts (actor_id),
    id         bigint NOT NULL,
    PRIMARY KEY (tag, account_id)
);
CREATE INDEX tag_follows_account ON tag_follows (account_id, id DESC);
