"""`dlp serve`: a model that answers over HTTP, with a page for people."""
