"""What is recorded of a net while it trains, for `dlp diagnose`. It must not change the training."""
