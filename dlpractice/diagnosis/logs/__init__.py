"""Readers of training logs, a file for each format."""
