"""What `predict` and `evaluate` share: options, what was named, and rows as they come."""
