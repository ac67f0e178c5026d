"""Config files: one frozen schema, and a loader that reports every error with its line."""
