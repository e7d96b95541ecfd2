-- Quotes with their authors' consent (FEP-044f): one row for each post that quotes another and asks for it.
CREATE TABLE quotes (
    id              bigint PRIMARY KEY,
    quoting_uri     text NOT NULL,
    quoting_hash    bytea NOT NULL,
    actor_uri       text NOT NULL,                  -- who quotes
    quoted_uri      text NOT NULL,
    quoted_hash     bytea NOT NULL,
    state           smallint NOT NULL,              -- database.quotes.QuoteState
    stamp_uri       text NOT NULL DEFAULT '',       -- the QuoteAuthorization, where there is one
    request_uri     text NOT NULL DEFAULT '',       -- our QuoteRequest, where we asked
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX quotes_quoting ON quotes (quoting_hash);
CREATE INDEX quotes_quoted ON quotes (quoted_hash, id DESC);
CREATE INDEX quotes_stamp ON quotes (md5(stamp_uri)) WHERE stamp_uri <> '';
CREATE INDEX quotes_request ON quotes (md5(request_uri)) WHERE request_uri <> '';

ALTER TABLE statuses ADD COLUMN quote_policy smallint NOT NULL DEFAULT 0;   -- protocol.objects.QuotePolicy
