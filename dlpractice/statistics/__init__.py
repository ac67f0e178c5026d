"""Shares, differences and error rates, each with its 95 % interval; used by every room, computed only
here."""
