"""Results as tables, figures and text; computes nothing."""
