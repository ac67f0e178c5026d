"""benchmark.json as tables and figures; computes nothing."""
