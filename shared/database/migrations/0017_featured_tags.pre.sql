-- Hashtags that accounts here show on their profile.
CREATE TABLE featured_tags (
    id         bigint PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts (actor_id) ON DELETE CASCADE,
    tag        text NOT NULL,          -- normalised
    name       text NOT NULL,          -- as it was written
    UNIQUE (account_id, tag)
);
