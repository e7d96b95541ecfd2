-- Words and posts that somebody does not want to see, or not without a warning.
CREATE TABLE filters (
    id           bigint PRIMARY KEY,
    account_id   bigint NOT NULL REFERENCES accounts (actor_id) ON DELETE CASCADE,
    title        text NOT NULL,
    contexts     text[] NOT NULL,                 -- home, notifications, public, thread, account
    action       smallint NOT NULL,               -- database.filters.Action
    irreversible boolean NOT NULL DEFAULT false,  -- what matches is not even sent to the client
    expires_at   timestamptz
);
CREATE INDEX filters_account ON filters (account_id, id);

CREATE TABLE filter_keywords (
    id         bigint PRIMARY KEY,
    filter_id  bigint NOT NULL REFERENCES filters (id) ON DELETE CASCADE,
    keyword    text NOT NULL,
    whole_word boolean NOT NULL
);
CREATE INDEX filter_keywords_filter ON filter_keywords (filter_id, id);

CREATE TABLE filter_statuses (
    id        bigint PRIMARY KEY,
    filter_id bigint NOT NULL REFERENCES filters (id) ON DELETE CASCADE,
    status_id bigint NOT NULL REFERENCES statuses (id) ON DELETE CASCADE,
    UNIQUE (filter_id, status_id)
);
CREATE INDEX filter_statuses_status ON filter_statuses (status_id);

-- Read together with the token, so that those without filters pay nothing for those who have some.
ALTER TABLE accounts ADD COLUMN filtering boolean NOT NULL DEFAULT false;
