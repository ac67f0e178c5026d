"""Config files: one frozen schema for each command, and a loader that reports all errors with their lines."""
