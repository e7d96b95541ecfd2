-- What all migrations together make. Written by `python -m shared.database.schema_dump`; do not edit.

CREATE SEQUENCE worker_numbers;

CREATE TABLE account_domain_blocks (
    account_id bigint NOT NULL,
    domain text NOT NULL,
    id bigint NOT NULL
);

CREATE TABLE accounts (
    actor_id bigint NOT NULL,
    password_hash text NOT NULL DEFAULT ''::text,
    federated boolean NOT NULL DEFAULT false,
    delay_seconds integer,
    rsa_private_key bytea NOT NULL,
    ed25519_private_key bytea NOT NULL,
    note_source text NOT NULL DEFAULT ''::text,
    field_sources jsonb NOT NULL DEFAULT '[]'::jsonb,
    default_visibility smallint NOT NULL DEFAULT 0,
    default_sensitive boolean NOT NULL DEFAULT false,
    default_language text,
    last_active_at timestamp with time zone,
    notifications_read_id bigint NOT NULL DEFAULT 0,
    home_read_id bigint NOT NULL DEFAULT 0,
    home_state smallint NOT NULL DEFAULT 2,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    default_quote_policy smallint NOT NULL DEFAULT 0,
    filtering boolean NOT NULL DEFAULT false,
    home_horizon bigint NOT NULL DEFAULT 0
);

CREATE TABLE actors (
    id bigint NOT NULL,
    uri text NOT NULL,
    uri_hash bytea NOT NULL,
    local boolean NOT NULL,
    kind smallint NOT NULL,
    username text NOT NULL,
    domain text NOT NULL,
    display_name text NOT NULL DEFAULT ''::text,
    summary text NOT NULL DEFAULT ''::text,
    url text NOT NULL DEFAULT ''::text,
    inbox text NOT NULL,
    shared_inbox text NOT NULL DEFAULT ''::text,
    outbox text NOT NULL DEFAULT ''::text,
    followers_uri text NOT NULL DEFAULT ''::text,
    following_uri text NOT NULL DEFAULT ''::text,
    featured_uri text NOT NULL DEFAULT ''::text,
    icon text NOT NULL DEFAULT ''::text,
    image text NOT NULL DEFAULT ''::text,
    fields jsonb NOT NULL DEFAULT '[]'::jsonb,
    emojis jsonb NOT NULL DEFAULT '[]'::jsonb,
    also_known_as text[] NOT NULL DEFAULT '{}'::text[],
    moved_to text,
    locked boolean NOT NULL DEFAULT false,
    discoverable boolean NOT NULL DEFAULT false,
    indexable boolean NOT NULL DEFAULT false,
    followers_count bigint NOT NULL DEFAULT 0,
    following_count bigint NOT NULL DEFAULT 0,
    statuses_count bigint NOT NULL DEFAULT 0,
    last_status_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    updated_at timestamp with time zone NOT NULL DEFAULT now(),
    fetched_at timestamp with time zone,
    suspended_at timestamp with time zone,
    deleted_at timestamp with time zone,
    hide_collections boolean NOT NULL DEFAULT false
) WITH (fillfactor=80);

CREATE TABLE blocks (
    actor_id bigint NOT NULL,
    target_id bigint NOT NULL,
    uri text NOT NULL,
    uri_hash bytea NOT NULL,
    id bigint NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now()
);

CREATE TABLE bookmarks (
    actor_id bigint NOT NULL,
    status_id bigint NOT NULL,
    id bigint NOT NULL
);

CREATE TABLE bulk_messages (
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    shard smallint NOT NULL,
    actor_id bigint NOT NULL,
    targets smallint NOT NULL,
    payload bytea NOT NULL
);

CREATE TABLE bulk_plans (
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    activity_hash bytea NOT NULL,
    actor_id bigint NOT NULL,
    message bytea NOT NULL,
    position bytea NOT NULL DEFAULT '\x'::bytea,
    turn_at timestamp with time zone NOT NULL DEFAULT now()
);

CREATE TABLE claims (
    day date NOT NULL,
    activity_hash bytea NOT NULL,
    activity_uri text NOT NULL,
    type text NOT NULL,
    actor_uri text NOT NULL,
    outcome text NOT NULL,
    trace text NOT NULL,
    local boolean NOT NULL,
    received_at timestamp with time zone NOT NULL,
    applied_at timestamp with time zone NOT NULL DEFAULT now()
) PARTITION BY RANGE (day);

CREATE TABLE deliverers (
    id bigint NOT NULL,
    leaving boolean NOT NULL,
    seen_until timestamp with time zone NOT NULL
);

CREATE TABLE deliveries (
    activity_hash bytea NOT NULL,
    inbox text NOT NULL,
    host text NOT NULL,
    shared boolean NOT NULL,
    state smallint NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    status smallint,
    reason text NOT NULL DEFAULT ''::text,
    next_try_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL DEFAULT now()
);

CREATE TABLE domain_blocks (
    domain text NOT NULL,
    severity text NOT NULL,
    reject_media boolean NOT NULL DEFAULT false,
    reject_reports boolean NOT NULL DEFAULT false,
    public_comment text NOT NULL DEFAULT ''::text,
    private_comment text NOT NULL DEFAULT ''::text,
    created_at timestamp with time zone NOT NULL DEFAULT now()
);

CREATE TABLE favourites (
    actor_id bigint NOT NULL,
    status_id bigint NOT NULL,
    uri text NOT NULL,
    uri_hash bytea NOT NULL,
    id bigint NOT NULL,
    content text NOT NULL DEFAULT ''::text,
    created_at timestamp with time zone NOT NULL DEFAULT now()
);

CREATE TABLE featured_tags (
    id bigint NOT NULL,
    account_id bigint NOT NULL,
    tag text NOT NULL,
    name text NOT NULL
);

CREATE TABLE filter_keywords (
    id bigint NOT NULL,
    filter_id bigint NOT NULL,
    keyword text NOT NULL,
    whole_word boolean NOT NULL
);

CREATE TABLE filter_statuses (
    id bigint NOT NULL,
    filter_id bigint NOT NULL,
    status_id bigint NOT NULL
);

CREATE TABLE filters (
    id bigint NOT NULL,
    account_id bigint NOT NULL,
    title text NOT NULL,
    contexts text[] NOT NULL,
    action smallint NOT NULL,
    irreversible boolean NOT NULL DEFAULT false,
    expires_at timestamp with time zone
);

CREATE TABLE follower_repairs (
    actor_id bigint NOT NULL,
    url text NOT NULL,
    due_at timestamp with time zone,
    done_at timestamp with time zone
);

CREATE TABLE follows (
    follower_id bigint NOT NULL,
    followee_id bigint NOT NULL,
    state smallint NOT NULL,
    uri text NOT NULL,
    uri_hash bytea NOT NULL,
    show_reblogs boolean NOT NULL DEFAULT true,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    id bigint NOT NULL,
    exclusive boolean NOT NULL DEFAULT false
);

CREATE TABLE home_timeline (
    account_id bigint NOT NULL,
    status_id bigint NOT NULL,
    actor_id bigint NOT NULL
);

CREATE TABLE hosts (
    host text NOT NULL,
    software text NOT NULL DEFAULT ''::text,
    software_version text NOT NULL DEFAULT ''::text,
    signature_scheme text NOT NULL DEFAULT ''::text,
    scheme_checked_at timestamp with time zone,
    paused boolean NOT NULL DEFAULT false,
    failures integer NOT NULL DEFAULT 0,
    last_error text NOT NULL DEFAULT ''::text,
    last_failure_at timestamp with time zone,
    last_success_at timestamp with time zone,
    next_try_at timestamp with time zone,
    pace integer NOT NULL DEFAULT 0,
    latency_ms integer NOT NULL DEFAULT 0,
    troubles integer NOT NULL DEFAULT 0,
    first_seen_at timestamp with time zone NOT NULL DEFAULT now(),
    ed25519_seen_at timestamp with time zone,
    ed25519_refused_at timestamp with time zone,
    profiled_at timestamp with time zone,
    recent_errors jsonb NOT NULL DEFAULT '[]'::jsonb,
    digest_form text NOT NULL DEFAULT ''::text,
    fetch_accept text NOT NULL DEFAULT ''::text
);

CREATE TABLE idempotency_keys (
    account_id bigint NOT NULL,
    key text NOT NULL,
    status_id bigint NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now()
);

CREATE TABLE list_members (
    list_id bigint NOT NULL,
    actor_id bigint NOT NULL,
    account_id bigint NOT NULL,
    id bigint NOT NULL
);

CREATE TABLE lists (
    id bigint NOT NULL,
    account_id bigint NOT NULL,
    title text NOT NULL,
    replies_policy smallint NOT NULL DEFAULT 1,
    exclusive boolean NOT NULL DEFAULT false
);

CREATE TABLE media (
    id bigint NOT NULL,
    account_id bigint NOT NULL,
    status_id bigint,
    place text NOT NULL DEFAULT ''::text,
    token text NOT NULL,
    media_type text NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    blurhash text NOT NULL,
    description text NOT NULL DEFAULT ''::text,
    focus double precision[],
    loose_since timestamp with time zone DEFAULT now()
);

CREATE TABLE media_files (
    media_id bigint NOT NULL,
    variant text NOT NULL,
    media_type text NOT NULL,
    content bytea NOT NULL
);

CREATE TABLE mentions (
    status_id bigint NOT NULL,
    actor_uri text NOT NULL,
    actor_id bigint,
    name text NOT NULL DEFAULT ''::text
);

CREATE TABLE moves (
    actor_id bigint NOT NULL,
    target_id bigint NOT NULL,
    moved_at timestamp with time zone NOT NULL DEFAULT now()
);

CREATE TABLE mutes (
    actor_id bigint NOT NULL,
    target_id bigint NOT NULL,
    notifications boolean NOT NULL DEFAULT true,
    id bigint NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    expires_at timestamp with time zone
);

CREATE TABLE notifications (
    id bigint NOT NULL,
    account_id bigint NOT NULL,
    kind text NOT NULL,
    actor_id bigint NOT NULL,
    status_id bigint,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    dismissed boolean NOT NULL DEFAULT false
);

CREATE TABLE oauth_apps (
    id bigint NOT NULL,
    client_id text NOT NULL,
    client_secret text NOT NULL,
    name text NOT NULL,
    redirect_uris text[] NOT NULL,
    scopes text[] NOT NULL,
    website text NOT NULL DEFAULT ''::text,
    created_at timestamp with time zone NOT NULL DEFAULT now()
);

CREATE TABLE oauth_codes (
    code_hash bytea NOT NULL,
    app_id bigint NOT NULL,
    account_id bigint NOT NULL,
    redirect_uri text NOT NULL,
    scopes text[] NOT NULL,
    code_challenge text NOT NULL DEFAULT ''::text,
    expires_at timestamp with time zone NOT NULL
);

CREATE TABLE oauth_tokens (
    token_hash bytea NOT NULL,
    app_id bigint,
    account_id bigint,
    scopes text[] NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now()
);

CREATE TABLE object_fetches (
    object_hash bytea NOT NULL,
    host text NOT NULL,
    actor_id bigint NOT NULL,
    fetched_at timestamp with time zone NOT NULL DEFAULT now()
);

CREATE TABLE outbox (
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    queue text NOT NULL,
    payload bytea NOT NULL,
    not_before timestamp with time zone NOT NULL DEFAULT now(),
    created_at timestamp with time zone NOT NULL DEFAULT now()
);

CREATE TABLE outbox_sent (
    day date NOT NULL DEFAULT ((now() AT TIME ZONE 'UTC'::text))::date,
    id bigint NOT NULL,
    queue text NOT NULL,
    payload bytea NOT NULL,
    sent_at timestamp with time zone NOT NULL DEFAULT now()
) PARTITION BY RANGE (day);

CREATE TABLE pending_notes (
    subject_hash bytea NOT NULL,
    actor_uri text NOT NULL,
    kind text NOT NULL,
    activity bytea,
    created_at timestamp with time zone NOT NULL DEFAULT now()
);

CREATE TABLE pins (
    actor_id bigint NOT NULL,
    status_id bigint NOT NULL,
    id bigint NOT NULL
);

CREATE TABLE poll_votes (
    status_id bigint NOT NULL,
    actor_id bigint NOT NULL,
    choice smallint NOT NULL
);

CREATE TABLE polls (
    status_id bigint NOT NULL,
    ends_at timestamp with time zone,
    untold boolean NOT NULL DEFAULT false,
    told_at timestamp with time zone NOT NULL DEFAULT now(),
    ended boolean NOT NULL DEFAULT false
);

CREATE TABLE public_keys (
    uri_hash bytea NOT NULL,
    uri text NOT NULL,
    actor_id bigint NOT NULL,
    algorithm text NOT NULL,
    der bytea NOT NULL,
    fetched_at timestamp with time zone NOT NULL DEFAULT now()
);

CREATE TABLE quotes (
    id bigint NOT NULL,
    quoting_uri text NOT NULL,
    quoting_hash bytea NOT NULL,
    actor_uri text NOT NULL,
    quoted_uri text NOT NULL,
    quoted_hash bytea NOT NULL,
    state smallint NOT NULL,
    stamp_uri text NOT NULL DEFAULT ''::text,
    request_uri text NOT NULL DEFAULT ''::text,
    created_at timestamp with time zone NOT NULL DEFAULT now()
);

CREATE TABLE refusals (
    at timestamp with time zone NOT NULL DEFAULT now(),
    activity_hash bytea NOT NULL,
    activity_uri text NOT NULL,
    actor_uri text NOT NULL,
    stage text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    trace text NOT NULL
) PARTITION BY RANGE (at);

CREATE TABLE relays (
    id bigint NOT NULL,
    inbox text NOT NULL,
    actor_uri text NOT NULL DEFAULT ''::text,
    follow_uri text NOT NULL,
    state smallint NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now()
);

CREATE TABLE reports (
    id bigint NOT NULL,
    uri text NOT NULL,
    uri_hash bytea NOT NULL,
    local boolean NOT NULL,
    actor_id bigint NOT NULL,
    target_id bigint NOT NULL,
    status_uris text[] NOT NULL DEFAULT '{}'::text[],
    comment text NOT NULL DEFAULT ''::text,
    category text NOT NULL DEFAULT 'other'::text,
    forwarded boolean NOT NULL DEFAULT false,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    resolved_at timestamp with time zone
);

CREATE TABLE retired_inboxes (
    inbox text NOT NULL,
    host text NOT NULL,
    first_at timestamp with time zone NOT NULL,
    retired_until timestamp with time zone
);

CREATE TABLE sent_activities (
    activity_hash bytea NOT NULL,
    activity_uri text NOT NULL,
    type text NOT NULL,
    actor_id bigint NOT NULL,
    object_hash bytea NOT NULL,
    body bytea NOT NULL,
    trace text NOT NULL,
    planned_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    bulk boolean NOT NULL DEFAULT false
);

CREATE TABLE shard_leases (
    shard smallint NOT NULL,
    owner bigint NOT NULL,
    taken_at timestamp with time zone NOT NULL DEFAULT now()
);

CREATE TABLE sign_in_attempts (
    subject bytea NOT NULL,
    attempts integer NOT NULL,
    window_started_at timestamp with time zone NOT NULL
);

CREATE TABLE status_edits (
    status_id bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    content text NOT NULL,
    spoiler_text text NOT NULL,
    sensitive boolean NOT NULL,
    attachments jsonb NOT NULL,
    emojis jsonb NOT NULL
);

CREATE TABLE status_tags (
    tag text NOT NULL,
    status_id bigint NOT NULL,
    name text NOT NULL
);

CREATE TABLE statuses (
    id bigint NOT NULL,
    uri text NOT NULL,
    uri_hash bytea NOT NULL,
    url text NOT NULL DEFAULT ''::text,
    local boolean NOT NULL,
    actor_id bigint NOT NULL,
    reblog_of_id bigint,
    in_reply_to_id bigint,
    in_reply_to_actor_id bigint,
    in_reply_to_uri text,
    conversation_id bigint NOT NULL,
    object_type text NOT NULL DEFAULT 'Note'::text,
    title text NOT NULL DEFAULT ''::text,
    content text NOT NULL DEFAULT ''::text,
    source text NOT NULL DEFAULT ''::text,
    spoiler_text text NOT NULL DEFAULT ''::text,
    language text,
    visibility smallint NOT NULL,
    sensitive boolean NOT NULL DEFAULT false,
    quote_uri text,
    attachments jsonb NOT NULL DEFAULT '[]'::jsonb,
    emojis jsonb NOT NULL DEFAULT '[]'::jsonb,
    poll jsonb,
    application text NOT NULL DEFAULT ''::text,
    replies_count integer NOT NULL DEFAULT 0,
    reblogs_count integer NOT NULL DEFAULT 0,
    favourites_count integer NOT NULL DEFAULT 0,
    created_at timestamp with time zone NOT NULL,
    edited_at timestamp with time zone,
    deleted_at timestamp with time zone,
    quote_policy smallint NOT NULL DEFAULT 0,
    quote_terms smallint
) WITH (fillfactor=90);

CREATE TABLE tag_follows (
    tag text NOT NULL,
    account_id bigint NOT NULL,
    id bigint NOT NULL
);

CREATE TABLE told_by_actors (
    actor_id bigint NOT NULL,
    inbox_id integer NOT NULL
);

CREATE TABLE told_inboxes (
    id integer NOT NULL GENERATED ALWAYS AS IDENTITY,
    inbox text NOT NULL,
    shared boolean NOT NULL
);

CREATE TABLE told_of_objects (
    object_hash bytea NOT NULL,
    actor_id bigint NOT NULL,
    inboxes integer[] NOT NULL
);

CREATE TABLE wide_authors (
    actor_id bigint NOT NULL,
    narrowing boolean NOT NULL DEFAULT false,
    since timestamp with time zone NOT NULL DEFAULT now()
);

CREATE TABLE claims_default PARTITION OF claims DEFAULT;

CREATE TABLE outbox_sent_default PARTITION OF outbox_sent DEFAULT;

CREATE TABLE refusals_default PARTITION OF refusals DEFAULT;

ALTER TABLE account_domain_blocks ADD CONSTRAINT account_domain_blocks_pkey PRIMARY KEY (account_id, domain);
ALTER TABLE accounts ADD CONSTRAINT accounts_pkey PRIMARY KEY (actor_id);
ALTER TABLE actors ADD CONSTRAINT actors_pkey PRIMARY KEY (id);
ALTER TABLE blocks ADD CONSTRAINT blocks_pkey PRIMARY KEY (actor_id, target_id);
ALTER TABLE bookmarks ADD CONSTRAINT bookmarks_pkey PRIMARY KEY (actor_id, status_id);
ALTER TABLE bulk_messages ADD CONSTRAINT bulk_messages_pkey PRIMARY KEY (id);
ALTER TABLE bulk_plans ADD CONSTRAINT bulk_plans_activity_hash_key UNIQUE (activity_hash);
ALTER TABLE bulk_plans ADD CONSTRAINT bulk_plans_pkey PRIMARY KEY (id);
ALTER TABLE claims ADD CONSTRAINT claims_pkey PRIMARY KEY (activity_hash, day);
ALTER TABLE deliverers ADD CONSTRAINT deliverers_pkey PRIMARY KEY (id);
ALTER TABLE deliveries ADD CONSTRAINT deliveries_pkey PRIMARY KEY (activity_hash, inbox);
ALTER TABLE domain_blocks ADD CONSTRAINT domain_blocks_pkey PRIMARY KEY (domain);
ALTER TABLE favourites ADD CONSTRAINT favourites_pkey PRIMARY KEY (status_id, actor_id);
ALTER TABLE featured_tags ADD CONSTRAINT featured_tags_account_id_tag_key UNIQUE (account_id, tag);
ALTER TABLE featured_tags ADD CONSTRAINT featured_tags_pkey PRIMARY KEY (id);
ALTER TABLE filter_keywords ADD CONSTRAINT filter_keywords_pkey PRIMARY KEY (id);
ALTER TABLE filter_statuses ADD CONSTRAINT filter_statuses_filter_id_status_id_key UNIQUE (filter_id, status_id);
ALTER TABLE filter_statuses ADD CONSTRAINT filter_statuses_pkey PRIMARY KEY (id);
ALTER TABLE filters ADD CONSTRAINT filters_pkey PRIMARY KEY (id);
ALTER TABLE follower_repairs ADD CONSTRAINT follower_repairs_pkey PRIMARY KEY (actor_id);
ALTER TABLE follows ADD CONSTRAINT follows_pkey PRIMARY KEY (follower_id, followee_id);
ALTER TABLE home_timeline ADD CONSTRAINT home_timeline_pkey PRIMARY KEY (account_id, status_id);
ALTER TABLE hosts ADD CONSTRAINT hosts_pkey PRIMARY KEY (host);
ALTER TABLE idempotency_keys ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (account_id, key);
ALTER TABLE list_members ADD CONSTRAINT list_members_pkey PRIMARY KEY (list_id, actor_id);
ALTER TABLE lists ADD CONSTRAINT lists_pkey PRIMARY KEY (id);
ALTER TABLE media ADD CONSTRAINT media_pkey PRIMARY KEY (id);
ALTER TABLE media ADD CONSTRAINT media_token_key UNIQUE (token);
ALTER TABLE media_files ADD CONSTRAINT media_files_pkey PRIMARY KEY (media_id, variant);
ALTER TABLE mentions ADD CONSTRAINT mentions_pkey PRIMARY KEY (status_id, actor_uri);
ALTER TABLE moves ADD CONSTRAINT moves_pkey PRIMARY KEY (actor_id);
ALTER TABLE mutes ADD CONSTRAINT mutes_pkey PRIMARY KEY (actor_id, target_id);
ALTER TABLE notifications ADD CONSTRAINT notifications_account_id_kind_actor_id_status_id_key UNIQUE NULLS NOT DISTINCT (account_id, kind, actor_id, status_id);
ALTER TABLE notifications ADD CONSTRAINT notifications_pkey PRIMARY KEY (id);
ALTER TABLE oauth_apps ADD CONSTRAINT oauth_apps_client_id_key UNIQUE (client_id);
ALTER TABLE oauth_apps ADD CONSTRAINT oauth_apps_pkey PRIMARY KEY (id);
ALTER TABLE oauth_codes ADD CONSTRAINT oauth_codes_pkey PRIMARY KEY (code_hash);
ALTER TABLE oauth_tokens ADD CONSTRAINT oauth_tokens_pkey PRIMARY KEY (token_hash);
ALTER TABLE object_fetches ADD CONSTRAINT object_fetches_pkey PRIMARY KEY (object_hash, host);
ALTER TABLE outbox ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);
ALTER TABLE outbox_sent ADD CONSTRAINT outbox_sent_pkey PRIMARY KEY (id, day);
ALTER TABLE pending_notes ADD CONSTRAINT pending_notes_pkey PRIMARY KEY (subject_hash, actor_uri, kind);
ALTER TABLE pins ADD CONSTRAINT pins_pkey PRIMARY KEY (actor_id, status_id);
ALTER TABLE poll_votes ADD CONSTRAINT poll_votes_pkey PRIMARY KEY (status_id, actor_id, choice);
ALTER TABLE polls ADD CONSTRAINT polls_pkey PRIMARY KEY (status_id);
ALTER TABLE public_keys ADD CONSTRAINT public_keys_pkey PRIMARY KEY (uri_hash);
ALTER TABLE quotes ADD CONSTRAINT quotes_pkey PRIMARY KEY (id);
ALTER TABLE relays ADD CONSTRAINT relays_follow_uri_key UNIQUE (follow_uri);
ALTER TABLE relays ADD CONSTRAINT relays_inbox_key UNIQUE (inbox);
ALTER TABLE relays ADD CONSTRAINT relays_pkey PRIMARY KEY (id);
ALTER TABLE reports ADD CONSTRAINT reports_pkey PRIMARY KEY (id);
ALTER TABLE reports ADD CONSTRAINT reports_uri_hash_target_id_key UNIQUE (uri_hash, target_id);
ALTER TABLE retired_inboxes ADD CONSTRAINT retired_inboxes_pkey PRIMARY KEY (inbox);
ALTER TABLE sent_activities ADD CONSTRAINT sent_activities_pkey PRIMARY KEY (activity_hash);
ALTER TABLE shard_leases ADD CONSTRAINT shard_leases_pkey PRIMARY KEY (shard);
ALTER TABLE sign_in_attempts ADD CONSTRAINT sign_in_attempts_pkey PRIMARY KEY (subject);
ALTER TABLE status_edits ADD CONSTRAINT status_edits_pkey PRIMARY KEY (status_id, created_at);
ALTER TABLE status_tags ADD CONSTRAINT status_tags_pkey PRIMARY KEY (tag, status_id);
ALTER TABLE statuses ADD CONSTRAINT statuses_pkey PRIMARY KEY (id);
ALTER TABLE tag_follows ADD CONSTRAINT tag_follows_pkey PRIMARY KEY (tag, account_id);
ALTER TABLE told_by_actors ADD CONSTRAINT told_by_actors_pkey PRIMARY KEY (actor_id, inbox_id);
ALTER TABLE told_inboxes ADD CONSTRAINT told_inboxes_inbox_key UNIQUE (inbox);
ALTER TABLE told_inboxes ADD CONSTRAINT told_inboxes_pkey PRIMARY KEY (id);
ALTER TABLE told_of_objects ADD CONSTRAINT told_of_objects_pkey PRIMARY KEY (object_hash);
ALTER TABLE wide_authors ADD CONSTRAINT wide_authors_pkey PRIMARY KEY (actor_id);
ALTER TABLE account_domain_blocks ADD CONSTRAINT account_domain_blocks_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(actor_id);
ALTER TABLE accounts ADD CONSTRAINT accounts_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES actors(id);
ALTER TABLE blocks ADD CONSTRAINT blocks_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES actors(id);
ALTER TABLE blocks ADD CONSTRAINT blocks_target_id_fkey FOREIGN KEY (target_id) REFERENCES actors(id);
ALTER TABLE bookmarks ADD CONSTRAINT bookmarks_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES actors(id);
ALTER TABLE bookmarks ADD CONSTRAINT bookmarks_status_id_fkey FOREIGN KEY (status_id) REFERENCES statuses(id) ON DELETE CASCADE;
ALTER TABLE featured_tags ADD CONSTRAINT featured_tags_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(actor_id) ON DELETE CASCADE;
ALTER TABLE filter_keywords ADD CONSTRAINT filter_keywords_filter_id_fkey FOREIGN KEY (filter_id) REFERENCES filters(id) ON DELETE CASCADE;
ALTER TABLE filter_statuses ADD CONSTRAINT filter_statuses_filter_id_fkey FOREIGN KEY (filter_id) REFERENCES filters(id) ON DELETE CASCADE;
ALTER TABLE filter_statuses ADD CONSTRAINT filter_statuses_status_id_fkey FOREIGN KEY (status_id) REFERENCES statuses(id) ON DELETE CASCADE;
ALTER TABLE filters ADD CONSTRAINT filters_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(actor_id) ON DELETE CASCADE;
ALTER TABLE follower_repairs ADD CONSTRAINT follower_repairs_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES actors(id) ON DELETE CASCADE;
ALTER TABLE idempotency_keys ADD CONSTRAINT idempotency_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(actor_id);
ALTER TABLE list_members ADD CONSTRAINT list_members_account_id_actor_id_fkey FOREIGN KEY (account_id, actor_id) REFERENCES follows(follower_id, followee_id) ON DELETE CASCADE;
ALTER TABLE list_members ADD CONSTRAINT list_members_list_id_fkey FOREIGN KEY (list_id) REFERENCES lists(id) ON DELETE CASCADE;
ALTER TABLE lists ADD CONSTRAINT lists_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(actor_id);
ALTER TABLE media ADD CONSTRAINT media_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(actor_id) ON DELETE CASCADE;
ALTER TABLE media_files ADD CONSTRAINT media_files_media_id_fkey FOREIGN KEY (media_id) REFERENCES media(id) ON DELETE CASCADE;
ALTER TABLE mentions ADD CONSTRAINT mentions_status_id_fkey FOREIGN KEY (status_id) REFERENCES statuses(id) ON DELETE CASCADE;
ALTER TABLE moves ADD CONSTRAINT moves_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES actors(id);
ALTER TABLE moves ADD CONSTRAINT moves_target_id_fkey FOREIGN KEY (target_id) REFERENCES actors(id);
ALTER TABLE mutes ADD CONSTRAINT mutes_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES actors(id);
ALTER TABLE mutes ADD CONSTRAINT mutes_target_id_fkey FOREIGN KEY (target_id) REFERENCES actors(id);
ALTER TABLE oauth_codes ADD CONSTRAINT oauth_codes_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(actor_id);
ALTER TABLE oauth_codes ADD CONSTRAINT oauth_codes_app_id_fkey FOREIGN KEY (app_id) REFERENCES oauth_apps(id) ON DELETE CASCADE;
ALTER TABLE oauth_tokens ADD CONSTRAINT oauth_tokens_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(actor_id);
ALTER TABLE oauth_tokens ADD CONSTRAINT oauth_tokens_app_id_fkey FOREIGN KEY (app_id) REFERENCES oauth_apps(id) ON DELETE CASCADE;
ALTER TABLE object_fetches ADD CONSTRAINT object_fetches_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES actors(id);
ALTER TABLE pins ADD CONSTRAINT pins_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES actors(id);
ALTER TABLE pins ADD CONSTRAINT pins_status_id_fkey FOREIGN KEY (status_id) REFERENCES statuses(id) ON DELETE CASCADE;
ALTER TABLE poll_votes ADD CONSTRAINT poll_votes_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES actors(id);
ALTER TABLE poll_votes ADD CONSTRAINT poll_votes_status_id_fkey FOREIGN KEY (status_id) REFERENCES statuses(id) ON DELETE CASCADE;
ALTER TABLE polls ADD CONSTRAINT polls_status_id_fkey FOREIGN KEY (status_id) REFERENCES statuses(id) ON DELETE CASCADE;
ALTER TABLE public_keys ADD CONSTRAINT public_keys_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES actors(id) ON DELETE CASCADE;
ALTER TABLE reports ADD CONSTRAINT reports_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES actors(id);
ALTER TABLE reports ADD CONSTRAINT reports_target_id_fkey FOREIGN KEY (target_id) REFERENCES actors(id);
ALTER TABLE status_edits ADD CONSTRAINT status_edits_status_id_fkey FOREIGN KEY (status_id) REFERENCES statuses(id) ON DELETE CASCADE;
ALTER TABLE status_tags ADD CONSTRAINT status_tags_status_id_fkey FOREIGN KEY (status_id) REFERENCES statuses(id) ON DELETE CASCADE;
ALTER TABLE tag_follows ADD CONSTRAINT tag_follows_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(actor_id);
ALTER TABLE told_by_actors ADD CONSTRAINT told_by_actors_inbox_id_fkey FOREIGN KEY (inbox_id) REFERENCES told_inboxes(id);
ALTER TABLE wide_authors ADD CONSTRAINT wide_authors_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES actors(id);

CREATE INDEX actors_domain ON actors USING btree (domain) WHERE (NOT local);
CREATE INDEX actors_followers_uri ON actors USING btree (md5(followers_uri)) WHERE (followers_uri <> ''::text);
CREATE INDEX blocks_target ON blocks USING btree (target_id);
CREATE INDEX bulk_messages_turn ON bulk_messages USING btree (shard, actor_id, id);
CREATE INDEX bulk_plans_actor ON bulk_plans USING btree (actor_id, id);
CREATE INDEX deliveries_dead ON deliveries USING btree (host, created_at) WHERE (state = 3);
CREATE INDEX deliveries_parked ON deliveries USING btree (host, created_at) WHERE (state = 2);
CREATE INDEX favourites_actor ON favourites USING btree (actor_id, id DESC);
CREATE INDEX filter_keywords_filter ON filter_keywords USING btree (filter_id, id);
CREATE INDEX filter_statuses_status ON filter_statuses USING btree (status_id);
CREATE INDEX filters_account ON filters USING btree (account_id, id);
CREATE INDEX follower_repairs_due ON follower_repairs USING btree (due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX follows_followee ON follows USING btree (followee_id, state, id DESC);
CREATE INDEX follows_follower ON follows USING btree (follower_id, state, id DESC);
CREATE INDEX hosts_due ON hosts USING btree (next_try_at) WHERE (next_try_at IS NOT NULL);
CREATE INDEX list_members_follow ON list_members USING btree (account_id, actor_id);
CREATE INDEX lists_account ON lists USING btree (account_id, id);
CREATE INDEX media_account ON media USING btree (account_id);
CREATE INDEX media_loose ON media USING btree (loose_since) WHERE (loose_since IS NOT NULL);
CREATE INDEX media_status ON media USING btree (status_id) WHERE (status_id IS NOT NULL);
CREATE INDEX mentions_actor ON mentions USING btree (actor_id, status_id DESC) WHERE (actor_id IS NOT NULL);
CREATE INDEX mutes_expiring ON mutes USING btree (expires_at) WHERE (expires_at IS NOT NULL);
CREATE INDEX mutes_target ON mutes USING btree (target_id);
CREATE INDEX notifications_account ON notifications USING btree (account_id, id DESC) WHERE (NOT dismissed);
CREATE INDEX notifications_status ON notifications USING btree (status_id) WHERE (status_id IS NOT NULL);
CREATE INDEX oauth_tokens_account ON oauth_tokens USING btree (account_id);
CREATE INDEX object_fetches_age ON object_fetches USING brin (fetched_at);
CREATE INDEX pending_notes_age ON pending_notes USING brin (created_at);
CREATE INDEX polls_ends ON polls USING btree (ends_at) WHERE (NOT ended);
CREATE INDEX polls_untold ON polls USING btree (told_at) WHERE (untold AND (NOT ended));
CREATE INDEX public_keys_actor ON public_keys USING btree (actor_id);
CREATE INDEX quotes_quoted ON quotes USING btree (quoted_hash, id DESC);
CREATE INDEX quotes_request ON quotes USING btree (md5(request_uri)) WHERE (request_uri <> ''::text);
CREATE INDEX quotes_stamp ON quotes USING btree (md5(stamp_uri)) WHERE (stamp_uri <> ''::text);
CREATE INDEX refusals_activity ON refusals USING btree (activity_hash);
CREATE INDEX reports_actor ON reports USING btree (actor_id) WHERE (resolved_at IS NULL);
CREATE INDEX retired_inboxes_host ON retired_inboxes USING btree (host);
CREATE INDEX sent_activities_actor ON sent_activities USING btree (actor_id);
CREATE INDEX sent_activities_age ON sent_activities USING btree (created_at);
CREATE INDEX sent_activities_object ON sent_activities USING btree (object_hash);
CREATE INDEX sign_in_attempts_age ON sign_in_attempts USING btree (window_started_at);
CREATE INDEX status_tags_status ON status_tags USING btree (status_id);
CREATE INDEX statuses_actor ON statuses USING btree (actor_id, id DESC) WHERE (deleted_at IS NULL);
CREATE INDEX statuses_conversation ON statuses USING btree (conversation_id, id);
CREATE INDEX statuses_orphan ON statuses USING btree (md5(in_reply_to_uri)) WHERE ((in_reply_to_uri IS NOT NULL) AND (in_reply_to_id IS NULL));
CREATE INDEX statuses_public ON statuses USING btree (id DESC) WHERE ((visibility = 0) AND (deleted_at IS NULL) AND (reblog_of_id IS NULL) AND (in_reply_to_uri IS NULL));
CREATE INDEX statuses_public_local ON statuses USING btree (id DESC) WHERE ((visibility = 0) AND (deleted_at IS NULL) AND (reblog_of_id IS NULL) AND (in_reply_to_uri IS NULL) AND local);
CREATE INDEX statuses_reply ON statuses USING btree (in_reply_to_id) WHERE (in_reply_to_id IS NOT NULL);
CREATE INDEX tag_follows_account ON tag_follows USING btree (account_id, id DESC);
CREATE UNIQUE INDEX actors_acct ON actors USING btree (lower(username), domain) WHERE (deleted_at IS NULL);
CREATE UNIQUE INDEX actors_uri ON actors USING btree (uri_hash);
CREATE UNIQUE INDEX blocks_uri ON blocks USING btree (uri_hash);
CREATE UNIQUE INDEX favourites_uri ON favourites USING btree (uri_hash);
CREATE UNIQUE INDEX follows_uri ON follows USING btree (uri_hash);
CREATE UNIQUE INDEX quotes_quoting ON quotes USING btree (quoting_hash);
CREATE UNIQUE INDEX statuses_reblog ON statuses USING btree (reblog_of_id, actor_id) WHERE ((reblog_of_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE UNIQUE INDEX statuses_uri ON statuses USING btree (uri_hash);
