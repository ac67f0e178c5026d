"""What a device reaches at most, in products of matrices and in memory, beside what its maker says."""
