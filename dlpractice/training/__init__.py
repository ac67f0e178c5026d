"""The training loop and what it stands on: placement, schedules, features, checkpoints."""
