"""Text, CSV, JSON and printed lines, which logs are written in, read as numbers without a meaning."""
