"""`dlp runs`: finished runs held against each other."""
