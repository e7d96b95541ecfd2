-- How a host writes the digest of what it signs, and the Accept without which it answers 406; empty: not known.
ALTER TABLE hosts ADD COLUMN digest_form text NOT NULL DEFAULT '';
ALTER TABLE hosts ADD COLUMN fetch_accept text NOT NULL DEFAULT '';
