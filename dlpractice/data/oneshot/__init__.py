"""Classes of few examples: divided by class, drawn into batches of pairs, and read as queries."""
