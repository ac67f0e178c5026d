"""`dlp oneshot`: one method, or a comparison with baselines."""
