"""Images on disk: known data sets, folders, decoding, splits, audit."""
