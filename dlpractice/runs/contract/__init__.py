"""What is in each file of a run directory: a model per file, which all reading and writing goes through."""
