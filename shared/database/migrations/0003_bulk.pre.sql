-- What goes to many servers is planned and delivered beside the queues, so that it can wait its turn here.
ALTER TABLE sent_activities ADD COLUMN bulk boolean NOT NULL DEFAULT false;

-- Activities of that kind whose recipients are still being listed, and how far that has come.
CREATE TABLE bulk_plans (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    activity_hash bytea NOT NULL UNIQUE,
    actor_id      bigint NOT NULL,
    message       bytea NOT NULL,                       -- as it came from the plan queue
    position      bytea NOT NULL DEFAULT '',            -- empty: nothing is listed yet
    turn_at       timestamptz NOT NULL DEFAULT now()    -- when its author was served last
);
CREATE INDEX bulk_plans_actor ON bulk_plans (actor_id, id);

-- Their deliveries, each row a message as it would stand in the queue of its shard.
CREATE TABLE bulk_messages (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shard    smallint NOT NULL,
    actor_id bigint NOT NULL,
    targets  smallint NOT NULL,
    payload  bytea NOT NULL
);
CREATE INDEX bulk_messages_turn ON bulk_messages (shard, actor_id, id);
