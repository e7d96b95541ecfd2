-- Hosts that take RFC 9421 signatures by Ed25519 keys: a tenth of the work of RSA.
ALTER TABLE hosts
    ADD COLUMN ed25519_seen_at timestamptz,     -- when they last signed so, or said that they understand it
    ADD COLUMN ed25519_refused_at timestamptz;  -- when they refused it and took another signature instead
