"""What `--dry-run` shows."""
