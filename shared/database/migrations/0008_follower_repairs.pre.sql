-- Remote actors whose idea of who follows them from here differs from ours (FEP-8fcf).
CREATE TABLE follower_repairs (
    actor_id    bigint PRIMARY KEY REFERENCES actors (id) ON DELETE CASCADE,
    url         text NOT NULL,                  -- where their server lists their followers of this site
    due_at      timestamptz,                    -- null: compared, nothing to do
    done_at     timestamptz
);
CREATE INDEX follower_repairs_due ON follower_repairs (due_at) WHERE due_at IS NOT NULL;
