"""The operators' command line and web page."""
