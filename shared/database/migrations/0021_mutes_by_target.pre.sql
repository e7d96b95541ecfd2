-- A new post asks once whether anybody mutes its author, before it asks each follower.
CREATE INDEX mutes_target ON mutes (target_id);
