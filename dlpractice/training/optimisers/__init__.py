"""Optimisers, and how their learning rate moves."""
