"""Answers to one-shot tasks without any training."""
