"""The folders that this package itself writes: runs of `dlp`, and trainings that `Diagnose` recorded."""
