"""The run directory: the only owner of the file names in it."""
