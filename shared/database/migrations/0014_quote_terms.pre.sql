-- Who may quote a post of another server, as its author says there (policy.quotes.QuoteTerms); null: not said.
ALTER TABLE statuses ADD COLUMN quote_terms smallint;
