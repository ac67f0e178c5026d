"""The whole config of each command: its sections, and what must hold between them."""
