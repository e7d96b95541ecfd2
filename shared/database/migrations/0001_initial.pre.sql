-- Ids are bigints that sort by time (shared/protocol/identifiers.py), made by the services; a URI is
-- indexed by the first 16 bytes of its SHA-256. Times are timestamptz in UTC.

-- Compiling costs more than it saves for statements of a millisecond. Only the owner may say so.
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET jit = off', current_database());
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'jit stays on: % does not own this database', current_user;
END
$$;

-- Numbers for id generators; a process takes one at its start.
CREATE SEQUENCE worker_numbers;

CREATE TABLE actors (
    id              bigint PRIMARY KEY,
    uri             text NOT NULL,
    uri_hash        bytea NOT NULL,
    local           boolean NOT NULL,
    kind            smallint NOT NULL,              -- protocol.objects.ActorKind
    username        text NOT NULL,
    domain          text NOT NULL,                  -- the part after @, for local ones too
    display_name    text NOT NULL DEFAULT '',
    summary         text NOT NULL DEFAULT '',       -- sanitised HTML
    url             text NOT NULL DEFAULT '',
    inbox           text NOT NULL,
    shared_inbox    text NOT NULL DEFAULT '',
    outbox          text NOT NULL DEFAULT '',
    followers_uri   text NOT NULL DEFAULT '',
    following_uri   text NOT NULL DEFAULT '',
    featured_uri    text NOT NULL DEFAULT '',
    icon            text NOT NULL DEFAULT '',
    image           text NOT NULL DEFAULT '',
    fields          jsonb NOT NULL DEFAULT '[]',    -- [{name, value, verified_at}]
    emojis          jsonb NOT NULL DEFAULT '[]',    -- [{shortcode, url}]
    also_known_as   text[] NOT NULL DEFAULT '{}',
    moved_to        text,
    locked          boolean NOT NULL DEFAULT false,
    discoverable    boolean NOT NULL DEFAULT false,
    indexable       boolean NOT NULL DEFAULT false,
    followers_count bigint NOT NULL DEFAULT 0,
    following_count bigint NOT NULL DEFAULT 0,
    statuses_count  bigint NOT NULL DEFAULT 0,
    last_status_at  timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    fetched_at      timestamptz,
    suspended_at    timestamptz,
    deleted_at      timestamptz
) WITH (fillfactor = 80);                           -- room for the counts to change in place
CREATE UNIQUE INDEX actors_uri ON actors (uri_hash);
CREATE UNIQUE INDEX actors_acct ON actors (lower(username), domain) WHERE deleted_at IS NULL;
CREATE INDEX actors_domain ON actors (domain) WHERE NOT local;
CREATE INDEX actors_followers_uri ON actors (md5(followers_uri)) WHERE followers_uri <> '';

-- What only local actors have. Private keys are sealed with HEDDLE_SECRET_KEY (AES-256-GCM).
CREATE TABLE accounts (
    actor_id          bigint PRIMARY KEY REFERENCES actors (id),
    password_hash     text NOT NULL DEFAULT '',
    federated         boolean NOT NULL DEFAULT false,
    delay_seconds     integer,                        -- null: the site's default
    rsa_private_key   bytea NOT NULL,
    ed25519_private_key bytea NOT NULL,
    note_source       text NOT NULL DEFAULT '',       -- the profile text as written
    field_sources     jsonb NOT NULL DEFAULT '[]',    -- the profile's table as written: [{name, value}]
    default_visibility smallint NOT NULL DEFAULT 0,
    default_sensitive boolean NOT NULL DEFAULT false,
    default_language  text,
    last_active_at    timestamptz,
    notifications_read_id bigint NOT NULL DEFAULT 0,
    home_read_id      bigint NOT NULL DEFAULT 0,
    home_state        smallint NOT NULL DEFAULT 2,    -- database.homes.HomeState: whether it is kept
    created_at        timestamptz NOT NULL DEFAULT now()
);

-- Public keys of local and remote actors, by the key's own id.
CREATE TABLE public_keys (
    uri_hash    bytea PRIMARY KEY,
    uri         text NOT NULL,
    actor_id    bigint NOT NULL REFERENCES actors (id) ON DELETE CASCADE,
    algorithm   text NOT NULL,                        -- rsa, ed25519
    der         bytea NOT NULL,
    fetched_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX public_keys_actor ON public_keys (actor_id);

CREATE TABLE statuses (
    id               bigint PRIMARY KEY,
    uri              text NOT NULL,
    uri_hash         bytea NOT NULL,
    url              text NOT NULL DEFAULT '',
    local            boolean NOT NULL,
    actor_id         bigint NOT NULL,                 -- no foreign key: no actor's row is ever deleted, and
                                                      -- looking costs a third of the insert
    reblog_of_id     bigint,                          -- a boost is a status that points at another
    in_reply_to_id   bigint,
    in_reply_to_actor_id bigint,
    in_reply_to_uri  text,
    conversation_id  bigint NOT NULL,                 -- id of the oldest post known of the thread
    object_type      text NOT NULL DEFAULT 'Note',
    title            text NOT NULL DEFAULT '',
    content          text NOT NULL DEFAULT '',        -- sanitised HTML
    source           text NOT NULL DEFAULT '',        -- as written, local posts only
    spoiler_text     text NOT NULL DEFAULT '',
    language         text,
    visibility       smallint NOT NULL,               -- protocol.objects.Visibility
    sensitive        boolean NOT NULL DEFAULT false,
    quote_uri        text,
    attachments      jsonb NOT NULL DEFAULT '[]',     -- [protocol.objects.Attachment]
    emojis           jsonb NOT NULL DEFAULT '[]',
    poll             jsonb,
    application      text NOT NULL DEFAULT '',
    replies_count    integer NOT NULL DEFAULT 0,
    reblogs_count    integer NOT NULL DEFAULT 0,
    favourites_count integer NOT NULL DEFAULT 0,
    created_at       timestamptz NOT NULL,
    edited_at        timestamptz,
    deleted_at       timestamptz                      -- a tombstone; its texts are emptied
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX statuses_uri ON statuses (uri_hash);
CREATE INDEX statuses_actor ON statuses (actor_id, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX statuses_reply ON statuses (in_reply_to_id) WHERE in_reply_to_id IS NOT NULL;
CREATE INDEX statuses_orphan ON statuses (md5(in_reply_to_uri))
    WHERE in_reply_to_uri IS NOT NULL AND in_reply_to_id IS NULL;
CREATE INDEX statuses_conversation ON statuses (conversation_id, id);
CREATE UNIQUE INDEX statuses_reblog ON statuses (reblog_of_id, actor_id)
    WHERE reblog_of_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX statuses_public ON statuses (id DESC)
    WHERE visibility = 0 AND deleted_at IS NULL AND reblog_of_id IS NULL AND in_reply_to_uri IS NULL;
CREATE INDEX statuses_public_local ON statuses (id DESC)
    WHERE visibility = 0 AND deleted_at IS NULL AND reblog_of_id IS NULL AND in_reply_to_uri IS NULL AND local;

-- Earlier versions of an edited post.
CREATE TABLE status_edits (
    status_id    bigint NOT NULL REFERENCES statuses (id) ON DELETE CASCADE,
    created_at   timestamptz NOT NULL,
    content      text NOT NULL,
    spoiler_text text NOT NULL,
    sensitive    boolean NOT NULL,
    attachments  jsonb NOT NULL,
    emojis       jsonb NOT NULL,
    PRIMARY KEY (status_id, created_at)
);

CREATE TABLE mentions (
    status_id bigint NOT NULL REFERENCES statuses (id) ON DELETE CASCADE,
    actor_uri text NOT NULL,
    actor_id  bigint,                                 -- null while the actor is not known here
    name      text NOT NULL DEFAULT '',
    PRIMARY KEY (status_id, actor_uri)
);
CREATE INDEX mentions_actor ON mentions (actor_id, status_id DESC) WHERE actor_id IS NOT NULL;

CREATE TABLE status_tags (
    tag       text NOT NULL,                          -- normalised: NFKC, lower case, without #
    status_id bigint NOT NULL REFERENCES statuses (id) ON DELETE CASCADE,
    name      text NOT NULL,                          -- as written
    PRIMARY KEY (tag, status_id)
);
CREATE INDEX status_tags_status ON status_tags (status_id);

CREATE TABLE follows (
    follower_id bigint NOT NULL REFERENCES actors (id),
    followee_id bigint NOT NULL REFERENCES actors (id),
    state       smallint NOT NULL,                    -- 0 requested, 1 accepted
    uri         text NOT NULL,
    uri_hash    bytea NOT NULL,
    show_reblogs boolean NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL DEFAULT now(),
    id          bigint NOT NULL,                      -- sorts followers and following by time
    PRIMARY KEY (follower_id, followee_id)
);
CREATE UNIQUE INDEX follows_uri ON follows (uri_hash);
CREATE INDEX follows_followee ON follows (followee_id, state, id DESC);
CREATE INDEX follows_follower ON follows (follower_id, state, id DESC);

CREATE TABLE favourites (
    actor_id   bigint NOT NULL REFERENCES actors (id),
    status_id  bigint NOT NULL REFERENCES statuses (id) ON DELETE CASCADE,
    uri        text NOT NULL,
    uri_hash   bytea NOT NULL,
    id         bigint NOT NULL,
    content    text NOT NULL DEFAULT '',              -- the emoji of a reaction; empty: a plain like
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (status_id, actor_id)
);
CREATE INDEX favourites_actor ON favourites (actor_id, id DESC);
CREATE UNIQUE INDEX favourites_uri ON favourites (uri_hash);

-- What actors feature of their own: the collection that a profile shows first.
CREATE TABLE pins (
    actor_id  bigint NOT NULL REFERENCES actors (id),
    status_id bigint NOT NULL REFERENCES statuses (id) ON DELETE CASCADE,
    id        bigint NOT NULL,
    PRIMARY KEY (actor_id, status_id)
);

CREATE TABLE bookmarks (
    actor_id  bigint NOT NULL REFERENCES actors (id),
    status_id bigint NOT NULL REFERENCES statuses (id) ON DELETE CASCADE,
    id        bigint NOT NULL,
    PRIMARY KEY (actor_id, status_id)
);

CREATE TABLE blocks (
    actor_id   bigint NOT NULL REFERENCES actors (id),
    target_id  bigint NOT NULL REFERENCES actors (id),
    uri        text NOT NULL,
    uri_hash   bytea NOT NULL,
    id         bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (actor_id, target_id)
);
CREATE INDEX blocks_target ON blocks (target_id);
CREATE UNIQUE INDEX blocks_uri ON blocks (uri_hash);

CREATE TABLE mutes (
    actor_id      bigint NOT NULL REFERENCES actors (id),
    target_id     bigint NOT NULL REFERENCES actors (id),
    notifications boolean NOT NULL DEFAULT true,
    id            bigint NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (actor_id, target_id)
);

-- Fan-out on write: what a local account's home timeline holds.
CREATE TABLE home_timeline (
    account_id bigint NOT NULL,
    status_id  bigint NOT NULL,                       -- a post or a boost
    actor_id   bigint NOT NULL,                       -- who brought it here
    PRIMARY KEY (account_id, status_id)
);

CREATE TABLE notifications (
    id         bigint PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts (actor_id),
    kind       text NOT NULL,                         -- as in the Mastodon API: mention, follow, ...
    actor_id   bigint NOT NULL REFERENCES actors (id),
    status_id  bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    dismissed  boolean NOT NULL DEFAULT false,
    UNIQUE NULLS NOT DISTINCT (account_id, kind, actor_id, status_id)
);
CREATE INDEX notifications_account ON notifications (account_id, id DESC) WHERE NOT dismissed;
CREATE INDEX notifications_status ON notifications (status_id) WHERE status_id IS NOT NULL;

-- Things that arrived before what they concern: Undo, Delete, Update, Accept. Kept some days.
CREATE TABLE pending_notes (
    subject_hash bytea NOT NULL,                      -- hash of the id of what is not here yet
    actor_uri    text NOT NULL,                       -- only the same actor's activity is met by it
    kind         text NOT NULL,                       -- undo, delete, update with the time of the edit
    activity     bytea,                               -- MessagePack of the Update that waits
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subject_hash, actor_uri, kind)
);
CREATE INDEX pending_notes_age ON pending_notes USING brin (created_at);

-- One row for each activity applied: exactly-once, and the journey that `heddle trace` shows.
CREATE TABLE claims (
    day           date NOT NULL,                      -- on which it was applied, UTC
    activity_hash bytea NOT NULL,
    activity_uri  text NOT NULL,
    type          text NOT NULL,
    actor_uri     text NOT NULL,
    outcome       text NOT NULL,                      -- applied, or why not
    trace         text NOT NULL,
    local         boolean NOT NULL,
    received_at   timestamptz NOT NULL,
    applied_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (activity_hash, day)
) PARTITION BY RANGE (day);
CREATE TABLE claims_default PARTITION OF claims DEFAULT;

-- What was refused after a 202, with the reason.
CREATE TABLE refusals (
    at            timestamptz NOT NULL DEFAULT now(),
    activity_hash bytea NOT NULL,
    activity_uri  text NOT NULL,
    actor_uri     text NOT NULL,
    stage         text NOT NULL,
    reason        text NOT NULL,
    detail        text NOT NULL,
    trace         text NOT NULL
) PARTITION BY RANGE (at);
CREATE TABLE refusals_default PARTITION OF refusals DEFAULT;
CREATE INDEX refusals_activity ON refusals (activity_hash);

-- Messages to publish, written in the transaction of what they tell. The relay deletes after the confirm.
CREATE TABLE outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue      text NOT NULL,
    payload    bytea NOT NULL,                        -- one encoded item (protocol.messages.Codec)
    not_before timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE hosts (
    host             text PRIMARY KEY,                -- host[:port], lower case
    software         text NOT NULL DEFAULT '',
    software_version text NOT NULL DEFAULT '',
    signature_scheme text NOT NULL DEFAULT '',        -- cavage or rfc9421, once learned
    scheme_checked_at timestamptz,
    paused           boolean NOT NULL DEFAULT false,
    failures         integer NOT NULL DEFAULT 0,      -- in a row
    last_error       text NOT NULL DEFAULT '',
    last_failure_at  timestamptz,
    last_success_at  timestamptz,
    next_try_at      timestamptz,                     -- when its parked deliveries are looked at; null: none
    pace             integer NOT NULL DEFAULT 0,      -- parked deliveries let go at a time; 0: not draining
    latency_ms       integer NOT NULL DEFAULT 0,      -- until it answers, a moving average; 0: not known
    troubles         integer NOT NULL DEFAULT 0,      -- failures since it was first seen
    first_seen_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX hosts_due ON hosts (next_try_at) WHERE next_try_at IS NOT NULL;

-- What we sent or mean to send, body once per activity.
CREATE TABLE sent_activities (
    activity_hash bytea PRIMARY KEY,
    activity_uri  text NOT NULL,
    type          text NOT NULL,
    actor_id      bigint NOT NULL,
    object_hash   bytea NOT NULL,                     -- of the object it concerns
    body          bytea NOT NULL,
    trace         text NOT NULL,
    planned_at    timestamptz,                        -- null until the last page is planned
    created_at    timestamptz NOT NULL
);
CREATE INDEX sent_activities_object ON sent_activities (object_hash);
CREATE INDEX sent_activities_actor ON sent_activities (actor_id);

CREATE TABLE deliveries (
    activity_hash bytea NOT NULL,
    inbox         text NOT NULL,
    host          text NOT NULL,
    shared        boolean NOT NULL,
    state         smallint NOT NULL,                  -- 0 queued, 1 delivered, 2 parked, 3 dead, 4 superseded
    attempts      integer NOT NULL DEFAULT 0,
    status        smallint,                           -- the last HTTP status
    reason        text NOT NULL DEFAULT '',
    next_try_at   timestamptz,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (activity_hash, inbox)
);
CREATE INDEX deliveries_parked ON deliveries (host, created_at) WHERE state = 2;
CREATE INDEX deliveries_dead ON deliveries (host, created_at) WHERE state = 3;

-- Inboxes that answered that they are gone.
CREATE TABLE retired_inboxes (
    inbox         text PRIMARY KEY,
    host          text NOT NULL,
    first_at      timestamptz NOT NULL,               -- of the answers in a row
    retired_until timestamptz                         -- null: not confirmed yet
);
CREATE INDEX retired_inboxes_host ON retired_inboxes (host);

-- The running deliverers, and which of them works which delivery shard; no row: the shard is free.
CREATE TABLE deliverers (
    id         bigint PRIMARY KEY,
    leaving    boolean NOT NULL,
    seen_until timestamptz NOT NULL                   -- counts as gone after this
);
CREATE TABLE shard_leases (
    shard    smallint PRIMARY KEY,
    owner    bigint NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE domain_blocks (
    domain         text PRIMARY KEY,
    severity       text NOT NULL,                     -- silence, suspend
    reject_media   boolean NOT NULL DEFAULT false,
    reject_reports boolean NOT NULL DEFAULT false,
    public_comment text NOT NULL DEFAULT '',
    private_comment text NOT NULL DEFAULT '',
    created_at     timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE oauth_apps (
    id            bigint PRIMARY KEY,
    client_id     text NOT NULL UNIQUE,
    client_secret text NOT NULL,
    name          text NOT NULL,
    redirect_uris text[] NOT NULL,
    scopes        text[] NOT NULL,
    website       text NOT NULL DEFAULT '',
    created_at    timestamptz NOT NULL DEFAULT now()
);

-- Codes and tokens are stored as SHA-256 only.
CREATE TABLE oauth_codes (
    code_hash      bytea PRIMARY KEY,
    app_id         bigint NOT NULL REFERENCES oauth_apps (id) ON DELETE CASCADE,
    account_id     bigint NOT NULL REFERENCES accounts (actor_id),
    redirect_uri   text NOT NULL,
    scopes         text[] NOT NULL,
    code_challenge text NOT NULL DEFAULT '',
    expires_at     timestamptz NOT NULL
);

CREATE TABLE oauth_tokens (
    token_hash bytea PRIMARY KEY,
    app_id     bigint REFERENCES oauth_apps (id) ON DELETE CASCADE,
    account_id bigint REFERENCES accounts (actor_id), -- null: the app itself (client credentials)
    scopes     text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX oauth_tokens_account ON oauth_tokens (account_id);

CREATE TABLE idempotency_keys (
    account_id bigint NOT NULL REFERENCES accounts (actor_id),
    key        text NOT NULL,
    status_id  bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, key)
);

-- How often a name was tried at the sign-in page; the subject is a hash of the name, with or without an address.
CREATE TABLE sign_in_attempts (
    subject           bytea PRIMARY KEY,
    attempts          integer NOT NULL,
    window_started_at timestamptz NOT NULL
);
CREATE INDEX sign_in_attempts_age ON sign_in_attempts (window_started_at);

-- Complaints about people: of other servers about people here, of people here about anybody.
CREATE TABLE reports (
    id          bigint PRIMARY KEY,
    uri         text NOT NULL,
    uri_hash    bytea NOT NULL,
    local       boolean NOT NULL,                     -- made here
    actor_id    bigint NOT NULL REFERENCES actors (id), -- who reports; often another server's instance actor
    target_id   bigint NOT NULL REFERENCES actors (id),
    status_uris text[] NOT NULL DEFAULT '{}',
    comment     text NOT NULL DEFAULT '',
    category    text NOT NULL DEFAULT 'other',
    forwarded   boolean NOT NULL DEFAULT false,       -- sent on to the server of the target
    created_at  timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz,
    UNIQUE (uri_hash, target_id)
);
CREATE INDEX reports_actor ON reports (actor_id) WHERE resolved_at IS NULL;

-- Polls that somebody here made or took part in; options and counts stand in statuses.poll.
CREATE TABLE polls (
    status_id bigint PRIMARY KEY REFERENCES statuses (id) ON DELETE CASCADE,
    ends_at   timestamptz,
    untold    boolean NOT NULL DEFAULT false,         -- counts have changed since other servers were told
    told_at   timestamptz NOT NULL DEFAULT now(),
    ended     boolean NOT NULL DEFAULT false          -- everybody who took part was told of the end
);
CREATE INDEX polls_ends ON polls (ends_at) WHERE NOT ended;
CREATE INDEX polls_untold ON polls (told_at) WHERE untold AND NOT ended;

CREATE TABLE poll_votes (
    status_id bigint NOT NULL REFERENCES statuses (id) ON DELETE CASCADE,
    actor_id  bigint NOT NULL REFERENCES actors (id),
    choice    smallint NOT NULL,                      -- counts the options from 0
    PRIMARY KEY (status_id, actor_id, choice)
);

-- Accounts that moved, once both ends said so (FEP-7628).
CREATE TABLE moves (
    actor_id  bigint PRIMARY KEY REFERENCES actors (id),
    target_id bigint NOT NULL REFERENCES actors (id),
    moved_at  timestamptz NOT NULL DEFAULT now()
);
