"""`dlp export`: a run as a file that others use without this package, proven on real images."""
