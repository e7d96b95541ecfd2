"""The guarded client against servers that misbehave."""
