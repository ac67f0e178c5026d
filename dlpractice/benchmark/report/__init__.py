"""Tables and figures of benchmark.json. Computes nothing."""
