"""Training logs, from a path to a record: `reading` picks the format, `formats` has a file for each."""
