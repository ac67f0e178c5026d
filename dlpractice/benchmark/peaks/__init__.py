"""What a device reaches at most: matrix products and memory, beside what its maker says."""
