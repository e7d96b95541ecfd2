-- What the relay has published, kept for some days: a broker that lost everything is filled again from here.
CREATE TABLE outbox_sent (
    day     date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date,  -- on which it was published, UTC
    id      bigint NOT NULL,                                         -- the id that it had in the outbox
    queue   text NOT NULL,
    payload bytea NOT NULL,
    sent_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, day)
) PARTITION BY RANGE (day);
CREATE TABLE outbox_sent_default PARTITION OF outbox_sent DEFAULT;
