"""Pure parts of the timeline builder."""
