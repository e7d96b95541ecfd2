-- Which servers fetched a post with a signature that was verified: its Delete goes to them, too.
CREATE TABLE object_fetches (
    object_hash bytea NOT NULL,
    host        text NOT NULL,
    actor_id    bigint NOT NULL REFERENCES actors (id),  -- the signer, whose inbox stands for the host's
    fetched_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (object_hash, host)
);
CREATE INDEX object_fetches_age ON object_fetches USING brin (fetched_at);
