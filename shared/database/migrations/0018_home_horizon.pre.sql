-- Up to this id a home timeline no longer holds all that belongs into it: what had sunk was trimmed.
ALTER TABLE accounts ADD COLUMN home_horizon bigint NOT NULL DEFAULT 0;
