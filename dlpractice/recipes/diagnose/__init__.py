"""`dlp diagnose --write-config` and `--try`: remedies applied and put to the test."""
