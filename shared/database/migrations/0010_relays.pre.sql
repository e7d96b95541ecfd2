-- Relays: actors that pass on what is public, followed by the instance actor.
CREATE TABLE relays (
    id          bigint PRIMARY KEY,
    inbox       text NOT NULL UNIQUE,
    actor_uri   text NOT NULL DEFAULT '',       -- empty until a relay of which only the inbox is known answers
    follow_uri  text NOT NULL UNIQUE,
    state       smallint NOT NULL,              -- database.relays.RelayState
    created_at  timestamptz NOT NULL DEFAULT now()
);
