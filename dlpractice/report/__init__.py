"""Results as tables, figures and progress; computes nothing."""
