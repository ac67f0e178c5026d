"""What names mean: which are the same class, which are splits, and which are left behind by systems."""
