"""Apply it: store, relations, timelines, notifications, and what it makes us send."""
