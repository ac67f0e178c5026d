"""The user's files: found, listed with their labels, decoded. They are only ever read."""
