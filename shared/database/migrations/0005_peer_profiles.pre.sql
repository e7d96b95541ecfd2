-- What is learned of other servers beside delivering to them.
ALTER TABLE hosts ADD COLUMN profiled_at timestamptz;                    -- when it was last asked for its software
ALTER TABLE hosts ADD COLUMN recent_errors jsonb NOT NULL DEFAULT '[]';  -- [{at, error}], the newest first
