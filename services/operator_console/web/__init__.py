"""The console's web page: read-only, without script, for a browser next to the site."""
