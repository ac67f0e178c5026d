"""The training loop and what it stands on. Whatever changes here must keep resumed runs equal bit for bit."""
