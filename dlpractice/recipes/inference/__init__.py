"""A trained net at work, wherever it is kept: what predicting, evaluating and exporting share."""
