-- Settled deliveries are let go after a while; who was told of what is kept in a compact form, for its Delete.
CREATE TABLE told_inboxes (
    id      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    inbox   text NOT NULL UNIQUE,
    shared  boolean NOT NULL
);
CREATE TABLE told_of_objects (
    object_hash bytea PRIMARY KEY,
    actor_id    bigint NOT NULL,                -- whose
    inboxes     integer[] NOT NULL              -- of told_inboxes, each once
);
CREATE TABLE told_by_actors (
    actor_id    bigint NOT NULL,
    inbox_id    integer NOT NULL REFERENCES told_inboxes (id),
    PRIMARY KEY (actor_id, inbox_id)
);
CREATE INDEX sent_activities_age ON sent_activities (created_at);
