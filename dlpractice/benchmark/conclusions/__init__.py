"""What a benchmark says to the person who reads it, in sentences with the figures that they come from."""
