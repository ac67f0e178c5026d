"""The sections of configs: each key once, with its meaning, unit, range and default."""
