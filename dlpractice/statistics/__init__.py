"""Shares, differences and error rates, each with its 95 % interval. Every formula stands here once, for all
rooms. `roc` imports scikit-learn, the others nothing slow."""
