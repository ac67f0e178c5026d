"""Where bytes are kept: downloads, the cache, and rows of equal shape on disk. Knows nothing of images."""
