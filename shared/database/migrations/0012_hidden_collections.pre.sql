-- Whom an account follows and who follows it can be kept from others; only the counts are shown then.
ALTER TABLE actors ADD COLUMN hide_collections boolean NOT NULL DEFAULT false;
-- Who may quote its posts where a post does not say: protocol.objects.QuotePolicy.
ALTER TABLE accounts ADD COLUMN default_quote_policy smallint NOT NULL DEFAULT 0;
