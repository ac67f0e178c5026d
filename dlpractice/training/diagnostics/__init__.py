"""Records what a net does while it trains, for `dlp diagnose`. The recording must not change the training."""
