"""A file for each format of a training log; its row, FORMAT, is all that the rest knows of it."""
